//! Products that end connections without a word: right after an answer, or just when the next request comes.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ap_gateway::Limits;
use ap_gateway::ap_client::ap_core::{Origin, Origins, Service};

use crate::common::{ACCOUNT_KEY, Connection, PATIENCE, Running};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// How a connection ends.
#[derive(Clone, Copy)]
enum End {
    /// After so many answers, at once.
    AfterAnswers(usize),
    /// When the next request comes, unread.
    Unread,
    /// When the next request was read, but is not answered.
    Read,
}

/// A product that ends its connections, and counts what it does.
#[derive(Default)]
struct Ending {
    connections: AtomicUsize,
    /// How many requests were met by the end of their connection.
    ended: AtomicUsize,
    /// How often each path was applied.
    applied: Mutex<HashMap<String, usize>>,
}

impl Ending {
    fn start(ends: &'static [End]) -> (Arc<Self>, Origins) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let origin = Origin::parse_loopback(&origin).unwrap();
        let origins = Origins::vendor().with(Service::LeadConduit, origin);
        let product = Arc::new(Self::default());
        let shared = Arc::clone(&product);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let number = shared.connections.fetch_add(1, Ordering::SeqCst);
                let (shared, end) = (Arc::clone(&shared), ends[number % ends.len()]);
                std::thread::spawn(move || shared.serve(&stream, end));
            }
        });
        (product, origins.unwrap())
    }

    fn serve(&self, mut stream: &TcpStream, end: End) {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        for answered in 0.. {
            if answered == 1 && matches!(end, End::Unread) {
                if stream.peek(&mut [0]).is_ok_and(|read| read > 0) {
                    self.ended.fetch_add(1, Ordering::SeqCst);
                }
                return;
            }
            let Some(path) = read_request(stream) else {
                return;
            };
            if answered == 1 && matches!(end, End::Read) {
                self.ended.fetch_add(1, Ordering::SeqCst);
                return;
            }
            *self.applied.lock().unwrap().entry(path).or_default() += 1;
            if stream.write_all(OK).is_err() {
                return;
            }
            if matches!(end, End::AfterAnswers(answers) if answered + 1 == answers) {
                let _ = stream.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}

/// Reads a request whose body has at most one byte, and returns its path.
fn read_request(mut stream: &TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes);
        if let Some(end) = text.find("\r\n\r\n") {
            let length = usize::from(text[..end].contains("content-length: 1"));
            if bytes.len() >= end + 4 + length {
                return text.split(' ').nth(1).map(str::to_owned);
            }
        }
    }
}

const ENDS: &[End] = &[
    End::AfterAnswers(1),
    End::Unread,
    End::AfterAnswers(5),
    End::Read,
];

/// Makes calls on so many connections at once, and returns the statuses of those that failed.
fn calls(gateway: &Running, method: &str, body: &[u8], clients: usize, each: usize) -> Vec<u16> {
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for client in 0..clients {
            let failed = &failed;
            scope.spawn(move || {
                let mut connection = Connection::open(&gateway.lcx);
                for call in 0..each {
                    let line = format!("{method} /{clients}/{client}/{call}");
                    let status = connection.call(&line, "", body).unwrap().status();
                    if status != 200 {
                        failed.lock().unwrap().push(status);
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap()
}

#[test]
fn connections_that_a_product_ends_cost_no_get() {
    let (product, origins) = Ending::start(ENDS);
    let gateway = Running::start(origins, &[ACCOUNT_KEY], Limits::new());
    for (clients, each) in [(1, 1200), (12, 350)] {
        let failed = calls(&gateway, "GET", b"", clients, each);
        assert_eq!(failed, [0; 0], "{clients} clients");
    }
    assert_eq!(product.applied.lock().unwrap().len(), 5400);
    let ended = product.ended.load(Ordering::SeqCst);
    assert!(ended > 500, "only {ended} requests met an end");
}

#[test]
fn connections_that_a_product_ends_make_no_post_apply_twice() {
    let (product, origins) = Ending::start(ENDS);
    let gateway = Running::start(origins, &[ACCOUNT_KEY], Limits::new());
    let mut failed = Vec::new();
    for (clients, each) in [(1, 300), (12, 100)] {
        failed.extend(calls(&gateway, "POST", b"x", clients, each));
    }
    assert!(failed.iter().all(|status| *status == 502), "{failed:?}");
    let applied = product.applied.lock().unwrap();
    let twice: Vec<_> = applied.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    // A call that succeeded was applied, and one that was not applied failed.
    assert_eq!(applied.len() + failed.len(), 1500);
    assert!(product.ended.load(Ordering::SeqCst) > 0);
}
