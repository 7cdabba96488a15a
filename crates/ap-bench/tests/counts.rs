//! Counts of a call that must stay as they are: allocations, requests, connections.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;

use allocation_counter::measure;
use ap_bench::load::{self, Load, caller};
use ap_bench::server::{Counts, REJECTED, Server};
use ap_bench::subject::{Subject, Target};
use bytes::Bytes;

const OURS: [Subject; 3] = [Subject::ApReqwest, Subject::ApUreq, Subject::ApHyper];
const CALLS: usize = 100;

/// Starts a server on a thread of its own, whose allocations are not counted. It ends with the test.
fn serve(path: &str, is_tls: bool) -> (Target, Arc<Counts>) {
    let (ready, started) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let server = Server::listen().await.unwrap();
            let origin = if is_tls { &server.https } else { &server.http };
            let counts = Arc::clone(&server.counts);
            ready
                .send((origin.clone(), server.root_pem.clone(), counts))
                .unwrap();
            server.serve().await;
        });
    });
    let (origin, root_pem, counts) = started.recv().unwrap();
    let target = Target {
        origin,
        path: path.to_owned(),
        root_pem,
        body: Bytes::new(),
    };
    (target, counts)
}

/// Returns the allocations of one call after the first ones.
fn allocations(subject: Subject) -> u64 {
    let (target, _) = serve("/flows?limit=100", false);
    let mut call = caller(subject, &target).unwrap();
    for _ in 0..10 {
        call().unwrap();
    }
    // Sometimes a library makes a table larger; the smallest count is what a call needs.
    let counts = (0..CALLS).map(|_| {
        measure(|| {
            let _ = call().unwrap();
        })
        .count_total
    });
    counts.min().unwrap()
}

/// Checks that the calls so far were one request each, on one connection.
fn check_counts(subject: Subject, counts: &Counts) {
    let requests = counts.requests.load(Ordering::Relaxed);
    let connections = counts.connections.load(Ordering::Relaxed);
    assert_eq!((requests, connections), (CALLS, 1), "{subject:?}");
}

#[test]
fn a_call_allocates_as_often_as_before() {
    let counted = OURS.map(allocations);
    assert_eq!(counted, [45, 28, 12]);
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
        for is_tls in [false, true] {
            let (target, counts) = serve("/flows", is_tls);
            let mut call = caller(subject, &target).unwrap();
            for _ in 0..CALLS {
                call().unwrap();
            }
            check_counts(subject, &counts);
        }
    }
}

#[test]
fn a_call_that_ends_in_a_401_is_one_request_and_keeps_its_connection() {
    for subject in OURS {
        for is_tls in [false, true] {
            let (target, counts) = serve(REJECTED, is_tls);
            let mut call = caller(subject, &target).unwrap();
            for _ in 0..CALLS {
                let error = call().unwrap_err().to_string();
                assert_eq!(error, "LeadConduit rejected the API key", "{subject:?}");
            }
            check_counts(subject, &counts);
        }
    }
}

#[test]
fn a_call_with_a_body_is_one_request_by_those_who_can_make_it() {
    for (subject, _) in Subject::ALL {
        let (mut target, counts) = serve("/flows", false);
        target.body = Bytes::from_static(&[b'1'; 200]);
        let load = Load {
            workers: 1,
            calls: CALLS,
            is_timed: false,
        };
        let made = load::run(subject, &target, load).map(|measured| measured.made);
        let requests = counts.requests.load(Ordering::Relaxed);
        let connections = counts.connections.load(Ordering::Relaxed);
        if subject.can_post() {
            assert_eq!((requests, connections), (made.unwrap(), 1), "{subject:?}");
        } else {
            assert!(made.is_err() && requests == 0, "{subject:?}");
        }
    }
}
