//! A server rejects a key before it has read the body, says that the connection stays open, and then closes it.
//! The resend with the next key must not be lost on that connection.
//!
//! `RESENDS=1000` in the environment makes that many calls of each kind, and prints what became of them.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use ap_client::ap_core::{ApiKey, Draft, ErrorKind, Origin, Origins, Service};
use ap_client::transport::{Connect, TransportConfig, TransportErrorKind};
use ap_hyper::HyperTransport;
use ap_reqwest::ReqwestTransport;
use ap_tests::{PATIENCE, Settings, TestClient};
use ap_ureq::UreqTransport;

/// The most milliseconds that the server takes from the 401 to the end of the connection.
const LATEST_END: usize = 10;

const REFUSAL: &str = "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: 33\r\n\
    Connection: keep-alive\r\n\r\n{\"error\":\"authentication failed\"}";

const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

/// The credentials `API:placeholder-key-2`.
const ACCEPTED: &str = "authorization: Basic QVBJOnBsYWNlaG9sZGVyLWtleS0y";

/// How the server ends a connection after the 401.
#[derive(Clone, Copy)]
struct End {
    after: Duration,
    is_reset: bool,
}

impl End {
    /// Returns every end in turn.
    fn of(call: usize) -> Self {
        Self {
            after: Duration::from_millis((call % (LATEST_END + 1)) as u64),
            is_reset: call / (LATEST_END + 1) % 2 == 1,
        }
    }
}

/// Starts a server that is told which call it serves.
fn start(call: Arc<AtomicUsize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let end = End::of(call.load(Ordering::SeqCst));
            thread::spawn(move || serve(stream, end));
        }
    });
    url
}

/// Serves a connection, until the client or the server ends it.
fn serve(mut stream: TcpStream, end: End) -> Option<()> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    loop {
        let head = read_head(&mut stream)?;
        if !head.contains(ACCEPTED) {
            stream.write_all(REFUSAL.as_bytes()).ok()?;
            thread::sleep(end.after);
            if end.is_reset {
                // The bytes that nobody read make it a reset.
                return None;
            }
            return stream.shutdown(Shutdown::Both).ok();
        }
        let line = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = line?.parse().ok()?;
        let mut buffer = vec![0; 64 * 1024];
        let mut body = 0;
        while body < length {
            match stream.read(&mut buffer).ok()? {
                0 => return None,
                count => body += count,
            }
        }
        stream.write_all(ANSWER.as_bytes()).ok()?;
    }
}

/// Reads a head byte by byte, so that the body stays where it is.
fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

/// Makes calls whose first key is rejected, and returns how many ended in which way.
fn outcomes(
    calls: usize,
    size: usize,
    client: impl Fn(&Settings) -> TestClient,
) -> BTreeMap<&'static str, usize> {
    let current = Arc::new(AtomicUsize::new(0));
    let url = start(Arc::clone(&current));
    let origins = Origins::vendor()
        .with(Service::LeadConduit, Origin::parse_loopback(&url).unwrap())
        .unwrap();
    let keys = ["placeholder-key-1", "placeholder-key-2"].map(|key| ApiKey::parse(key).unwrap());
    let settings = Settings::new(keys, &origins);
    let body = vec![b'x'; size];
    let mut outcomes = BTreeMap::new();
    for call in 0..calls {
        current.store(call, Ordering::SeqCst);
        // A new client begins with the first key again.
        let draft = Draft::post(Service::LeadConduit, "/flows").body(body.clone());
        let outcome = match client(&settings).send(draft) {
            Ok(response) => {
                assert_eq!(
                    (response.status().as_u16(), response.text().unwrap()),
                    (200, "{}")
                );
                "200"
            }
            Err(error) => match error.kind() {
                ErrorKind::Transport(kind) => kind.name(),
                _ => error.name(),
            },
        };
        *outcomes.entry(outcome).or_default() += 1;
    }
    if std::env::var_os("RESENDS").is_some() {
        println!("{calls} calls with {size} bytes: {outcomes:?}");
    }
    outcomes
}

/// How many calls to make.
fn calls() -> usize {
    let calls = std::env::var("RESENDS");
    calls.map_or(2 * (LATEST_END + 1), |calls| calls.parse().unwrap())
}

/// Checks that no resend is lost, over a transport of its own for each call and over one for all of them.
fn check_that_none_is_lost<T: Connect + Clone>(client: impl Fn(&Settings, T) -> TestClient) {
    for size in [2, 200_000, 1_000_000, 5_000_000, 20_000_000] {
        let transport = T::connect(&TransportConfig::new()).unwrap();
        let shared = |settings: &Settings| client(settings, transport.clone());
        let own = |settings: &Settings| client(settings, T::connect(&settings.config).unwrap());
        let expected = BTreeMap::from([("200", calls())]);
        assert_eq!(outcomes(calls(), size, own), expected, "{size} bytes");
        assert_eq!(
            outcomes(calls(), size, shared),
            expected,
            "{size} bytes, one pool"
        );
    }
}

#[test]
fn a_blocking_resend_is_never_lost_whatever_its_size() {
    check_that_none_is_lost(|settings, transport: UreqTransport| {
        settings.blocking(transport).unwrap()
    });
}

#[test]
fn a_resend_over_hyper_is_never_lost_whatever_its_size() {
    check_that_none_is_lost(|settings, transport: HyperTransport| {
        settings.asynchronous(transport).unwrap()
    });
}

#[test]
fn a_resend_over_reqwest_is_never_lost_up_to_200_kb_and_a_larger_one_is_no_success() {
    for size in [2, 200_000, 1_000_000, 5_000_000, 20_000_000] {
        let transport = ReqwestTransport::connect(&TransportConfig::new()).unwrap();
        let shared = |settings: &Settings| settings.asynchronous(transport.clone()).unwrap();
        let own = |settings: &Settings| {
            let transport = ReqwestTransport::connect(&settings.config).unwrap();
            settings.asynchronous(transport).unwrap()
        };
        for mut outcomes in [
            outcomes(calls(), size, own),
            outcomes(calls(), size, shared),
        ] {
            // The library can lose a 401 that arrives while it writes.
            let lost = outcomes
                .remove(TransportErrorKind::Closed.name())
                .unwrap_or(0);
            assert!(lost == 0 || size > 200_000, "{lost} lost at {size} bytes");
            assert_eq!(
                outcomes,
                BTreeMap::from([("200", calls() - lost)]),
                "{size} bytes"
            );
        }
    }
}
