//! Clients that send nothing more: those that wait for their answer, and those that are gone.

use std::io::Read as _;
use std::net::Shutdown;
use std::sync::mpsc::Sender;

use ap_gateway::Limits;

use crate::common::{Connection, Product, Running, call, latch, request, wait_until};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A product that answers `GET /slow` when it is told to, or when the sender is dropped, and anything else at once.
fn product_with_a_slow_path() -> (Sender<()>, Product) {
    let (open, wait) = latch();
    let product = Product::start(move |request| {
        if request.starts_with(b"GET /slow") {
            let _ = wait.lock().unwrap().recv();
        }
        Some(OK.to_vec())
    });
    (open, product)
}

/// How many calls ended because their client was gone.
fn gone(gateway: &Running) -> usize {
    let accesses = gateway.accesses.lock().unwrap();
    let gone = accesses
        .iter()
        .filter(|access| access.refusal == Some("client_gone"));
    gone.count()
}

#[test]
fn a_client_that_closes_its_sending_half_gets_its_answer() {
    let product = Product::with(OK);
    let gateway = Running::to_product(&product, Limits::new());
    let mut chunked = request("POST /", "Transfer-Encoding: chunked\r\n", b"");
    chunked.extend_from_slice(b"3\r\nabc\r\n0\r\n\r\n");
    let expecting = request("POST /", "Expect: 100-continue\r\n", b"abc");
    let mut two = request("POST /", "", b"abc");
    two.extend_from_slice(&request("GET /", "", b""));
    let old = String::from_utf8(request("GET /", "", b"")).unwrap();
    let old = old.replace("HTTP/1.1", "HTTP/1.0");
    for (bytes, answers) in [
        (request("GET /", "", b""), 1),
        (request("POST /", "", b"abc"), 1),
        (request("POST /", "", &[b'x'; 300_000]), 1),
        (chunked, 1),
        (expecting, 1),
        (two, 2),
        (old.into_bytes(), 1),
    ] {
        let before = product.requests().len();
        let mut connection = Connection::open(&gateway.lcx);
        connection.write(&bytes);
        connection.stream.shutdown(Shutdown::Write).unwrap();
        let mut all = String::new();
        connection.stream.read_to_string(&mut all).unwrap();
        let name: String = String::from_utf8_lossy(&bytes).chars().take(50).collect();
        assert_eq!(all.matches(" 200 OK").count(), answers, "{name}: {all}");
        assert!(all.ends_with("ok"), "{name}: {all}");
        assert_eq!(product.requests().len(), before + answers, "{name}");
    }
    assert_eq!(gone(&gateway), 0);
    // The gateway's own answers come too.
    let mut connection = Connection::open(&gateway.lcx);
    connection.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    connection.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(connection.reply(false).unwrap().status(), 401);
    assert!(connection.reply(false).is_none());
}

#[test]
fn a_request_that_comes_during_a_call_is_answered_after_it() {
    let (open, product) = product_with_a_slow_path();
    let gateway = Running::to_product(&product, Limits::new());
    for closes in [false, true] {
        let before = product.requests().len();
        let mut connection = Connection::open(&gateway.lcx);
        connection.write(request("GET /slow", "", b""));
        wait_until("it is called", || product.requests().len() == before + 1);
        connection.write(request("POST /next", "", b"abc"));
        if closes {
            connection.stream.shutdown(Shutdown::Write).unwrap();
        }
        // The gateway has seen those bytes when it answers a client that called later.
        assert_eq!(call(&gateway.lcx, "GET /", "", b"").status(), 200);
        assert_eq!(product.requests().len(), before + 2);
        open.send(()).unwrap();
        assert_eq!(connection.reply(false).unwrap().status(), 200);
        assert_eq!(connection.reply(false).unwrap().status(), 200);
        let requests = product.requests();
        let next = requests.last().unwrap();
        assert!(next.starts_with(b"POST /next HTTP/1.1\r\n"));
        assert!(next.ends_with(b"\r\n\r\nabc"));
    }
    assert_eq!(gone(&gateway), 0);
}

#[test]
fn a_body_that_ends_early_makes_no_call() {
    let product = Product::with(OK);
    let gateway = Running::to_product(&product, Limits::new());
    let half = request("POST /", "Content-Length: 9\r\n", b"");
    let mut chunked = request("POST /", "Transfer-Encoding: chunked\r\n", b"");
    chunked.extend_from_slice(b"3\r\nabc\r\n0\r\n");
    for mut bytes in [half, chunked] {
        bytes.extend_from_slice(b"abc");
        let mut connection = Connection::open(&gateway.lcx);
        connection.write(bytes);
        connection.stream.shutdown(Shutdown::Write).unwrap();
        let reply = connection.reply(false).unwrap();
        assert_eq!(
            (reply.status(), reply.refusal()),
            (400, Some("broken_body"))
        );
        assert!(connection.reply(false).is_none());
    }
    assert!(product.requests().is_empty());
}

#[test]
fn a_client_that_waits_long_with_a_closed_half_is_asked_once_if_it_is_there() {
    let (open, wait) = latch();
    let product = Product::start(move |_| {
        let _ = wait.lock().unwrap().recv();
        Some(OK.to_vec())
    });
    let gateway = Running::to_product(&product, Limits::new());
    let mut connection = Connection::open(&gateway.lcx);
    connection.write(request("POST /", "", b"x"));
    connection.stream.shutdown(Shutdown::Write).unwrap();
    // The interim answer comes while the product still works on the call.
    let interim = connection.reply(false).unwrap();
    assert_eq!(interim.head, "HTTP/1.1 100 Continue");
    open.send(()).unwrap();
    assert_eq!(connection.reply(false).unwrap().status(), 200);
    assert!(connection.reply(false).is_none());
    assert_eq!((product.requests().len(), gone(&gateway)), (1, 0));
}

#[test]
fn a_client_of_http_1_0_is_not_asked() {
    let (open, product) = product_with_a_slow_path();
    let gateway = Running::to_product(&product, Limits::new());
    let old = String::from_utf8(request("GET /slow", "", b"")).unwrap();
    let mut connection = Connection::open(&gateway.lcx);
    connection.write(old.replace("HTTP/1.1", "HTTP/1.0"));
    connection.stream.shutdown(Shutdown::Write).unwrap();
    wait_until("it is called", || product.requests().len() == 1);
    // Another client, which came later, is asked.
    let mut other = Connection::open(&gateway.lcx);
    other.write(request("GET /slow", "", b""));
    other.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(other.reply(false).unwrap().head, "HTTP/1.1 100 Continue");
    drop(open);
    assert_eq!(connection.reply(false).unwrap().status(), 200);
    assert_eq!(other.reply(false).unwrap().status(), 200);
}

#[test]
fn clients_that_hang_up_leave_no_call_behind() {
    let (open, product) = product_with_a_slow_path();
    let limits = Limits::new().max_in_flight(8).max_queued(20);
    let gateway = Running::to_product(&product, limits);
    // Some are in flight, and others wait.
    for _ in 0..20 {
        let mut connection = Connection::open(&gateway.lcx);
        connection.write(request("GET /slow", "", b""));
    }
    wait_until("all are noticed", || gone(&gateway) == 20);
    assert!(product.requests().len() <= 20);
    assert_eq!(call(&gateway.lcx, "GET /", "", b"").status(), 200);
    let metrics = call(&gateway.address, "GET /_gateway/metrics", "", b"");
    for line in ["in_flight 0\n", "queued 0\n", "connections 1\n"] {
        assert!(metrics.text().contains(line), "{}", metrics.text());
    }
    drop(open);
}
