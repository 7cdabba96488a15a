//! Counts of a call that must not creep up: allocations, requests, connections.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;

use allocation_counter::measure;
use ap_bench::load::caller;
use ap_bench::server::{Counts, REFUSED, Server};
use ap_bench::subject::{Place, Subject};

const OURS: [Subject; 3] = [Subject::ApReqwest, Subject::ApUreq, Subject::ApHyper];
const CALLS: usize = 100;

/// A server on a thread of its own, whose allocations are not this thread's; it ends with the test.
fn serve(path: &str, tls: bool) -> (Place, Arc<Counts>) {
    let (ready, started) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let server = Server::listen().await.unwrap();
            let origin = if tls { &server.https } else { &server.http };
            let counts = Arc::clone(&server.counts);
            ready
                .send((origin.clone(), server.root_pem.clone(), counts))
                .unwrap();
            server.serve().await;
        });
    });
    let (origin, root_pem, counts) = started.recv().unwrap();
    let place = Place {
        origin,
        path: path.to_owned(),
        root_pem,
    };
    (place, counts)
}

/// Allocations of one call, once what is made at first is there.
fn allocations(subject: Subject) -> u64 {
    let (place, _) = serve("/flows?limit=100", false);
    let mut call = caller(subject, &place).unwrap();
    for _ in 0..10 {
        call().unwrap();
    }
    // Now and then a library makes a table larger; the fewest are what a call needs.
    let counts = (0..CALLS).map(|_| {
        measure(|| {
            let _ = call().unwrap();
        })
        .count_total
    });
    counts.min().unwrap()
}

#[test]
fn a_call_allocates_no_more_than_it_did() {
    for (subject, most) in [
        (Subject::ApReqwest, 49),
        (Subject::ApUreq, 32),
        (Subject::ApHyper, 23),
    ] {
        let counted = allocations(subject);
        assert!(counted <= most, "{subject:?}: {counted}, at most {most}");
    }
}

#[test]
fn a_call_allocates_no_more_than_the_library_below_it() {
    for (ours, bare) in [
        (Subject::ApReqwest, Subject::Reqwest),
        (Subject::ApUreq, Subject::Ureq),
    ] {
        let (ours_counted, bare_counted) = (allocations(ours), allocations(bare));
        assert!(
            ours_counted <= bare_counted,
            "{ours:?}: {ours_counted}, {bare_counted}"
        );
    }
}

#[test]
fn a_call_is_one_request_and_calls_share_a_connection() {
    for subject in OURS {
        for tls in [false, true] {
            let (place, counts) = serve("/flows", tls);
            let mut call = caller(subject, &place).unwrap();
            for _ in 0..CALLS {
                call().unwrap();
            }
            assert_eq!(
                counts.requests.load(Ordering::Relaxed),
                CALLS,
                "{subject:?}"
            );
            assert_eq!(counts.connections.load(Ordering::Relaxed), 1, "{subject:?}");
        }
    }
}

#[test]
fn a_call_that_ends_in_a_401_is_one_request_and_keeps_its_connection() {
    for subject in OURS {
        for tls in [false, true] {
            let (place, counts) = serve(REFUSED, tls);
            let mut call = caller(subject, &place).unwrap();
            for _ in 0..CALLS {
                let error = call().unwrap_err().to_string();
                assert!(
                    error.contains("refused the API key"),
                    "{subject:?}: {error}"
                );
            }
            assert_eq!(
                counts.requests.load(Ordering::Relaxed),
                CALLS,
                "{subject:?}"
            );
            assert_eq!(counts.connections.load(Ordering::Relaxed), 1, "{subject:?}");
        }
    }
}
