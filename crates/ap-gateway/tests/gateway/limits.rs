//! Attacks and accidents, each with its bound.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ap_gateway::Limits;

use crate::common::{Connection, Product, Running, call, latch, request, wait_until};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const SOON: Duration = Duration::from_millis(300);

#[test]
fn a_body_above_the_limit_is_refused() {
    let product = Product::with(OK);
    let gateway = Running::to_product(&product, Limits::new().max_body_size(1000));
    assert_eq!(
        call(&gateway.lcx, "POST /", "", &[b'x'; 1000]).status(),
        200
    );
    let reply = call(&gateway.lcx, "POST /", "", &[b'x'; 1001]);
    assert_eq!(
        (reply.status(), reply.header("connection")),
        (413, Some("close"))
    );
    // It is refused by its announced length: nothing of it is read, and no 100 Continue is sent.
    let mut connection = Connection::open(&gateway.lcx);
    let headers = "Content-Length: 9000000000\r\nExpect: 100-continue\r\n";
    connection.write(request("POST /", headers, b""));
    assert_eq!(connection.reply(false).unwrap().status(), 413);
    let mut connection = Connection::open(&gateway.lcx);
    connection.write(request("POST /", "Transfer-Encoding: chunked\r\n", b""));
    connection.write(format!("3e9\r\n{}\r\n", "x".repeat(1001)));
    assert_eq!(connection.reply(false).unwrap().status(), 413);
    assert_eq!(product.requests().len(), 1);
}

#[test]
fn a_body_may_have_8_mib_by_default() {
    let product = Product::with(OK);
    let gateway = Running::to_product(&product, Limits::new());
    let largest = vec![b'x'; 8 << 20];
    assert_eq!(call(&gateway.lcx, "POST /", "", &largest).status(), 200);
    let sent = product.requests().concat();
    assert!(sent.ends_with(&largest));
    let mut connection = Connection::open(&gateway.lcx);
    let length = format!("Content-Length: {}\r\n", largest.len() + 1);
    connection.write(request("POST /", &length, b""));
    let reply = connection.reply(false).unwrap();
    assert_eq!((reply.status(), reply.refusal()), (413, Some("too_large")));
}

#[test]
fn the_time_in_the_queue_is_a_part_of_the_time_of_a_call() {
    const CALLS: u32 = 30;
    let (open, wait) = latch();
    let product = Product::start(move |_| {
        let _ = wait.lock().unwrap().recv();
        None
    });
    let limits = Limits::new().timeout(SOON).max_in_flight(1);
    let gateway = Running::to_product(&product, limits);
    let mut calls: Vec<_> = (0..CALLS).map(|_| Connection::open(&gateway.lcx)).collect();
    for connection in &mut calls {
        connection.write(request("GET /", "", b""));
    }
    for connection in &mut calls {
        let reply = connection.reply(false).unwrap();
        let known = [(504, Some("timeout")), (503, Some("overloaded"))];
        assert!(known.contains(&(reply.status(), reply.refusal())));
    }
    // If each had the whole time when it is its turn, the last one would take as long as all of them.
    let accesses = gateway.accesses.lock().unwrap();
    assert!(accesses.iter().all(|call| call.elapsed < SOON * CALLS / 3));
    drop(open);
}

#[test]
fn slow_heads_and_bodies_end_in_time() {
    let product = Product::with(OK);
    let gateway = Running::to_product(&product, Limits::new().client_timeout(SOON));
    let mut connection = Connection::open(&gateway.lcx);
    connection.write(request("POST /", "Content-Length: 10\r\n", b""));
    connection.write("half");
    let reply = connection.reply(false).unwrap();
    assert_eq!((reply.status(), reply.refusal()), (408, Some("slow_body")));
    // The first head of a connection, and the second.
    for calls in [0, 1] {
        let mut connection = Connection::open(&gateway.lcx);
        for _ in 0..calls {
            assert_eq!(connection.call("GET /", "", b"").unwrap().status(), 200);
        }
        connection.write("GET / HTTP/1.1\r\nHost: local");
        let reply = connection.reply(false).unwrap();
        assert_eq!((reply.status(), reply.refusal()), (408, Some("slow_head")));
        assert!(connection.reply(false).is_none());
    }
    // An idle connection ends too.
    let mut connection = Connection::open(&gateway.lcx);
    assert_eq!(connection.call("GET /", "", b"").unwrap().status(), 200);
    assert!(connection.reply(false).is_none());
    assert_eq!(product.requests().len(), 2);
}

#[test]
fn a_client_that_does_not_read_its_answer_ends_in_time() {
    let length = 64 << 20;
    let product = Product::start(move |_| {
        let mut answer =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes();
        answer.resize(answer.len() + length, b'x');
        Some(answer)
    });
    let gateway = Running::to_product(&product, Limits::new().client_timeout(SOON));
    let mut unread = Connection::open(&gateway.lcx);
    unread.write(request("GET /", "", b""));
    wait_until("the product is called", || !product.requests().is_empty());
    // The connection of this question is the only one left.
    wait_until("the connection ends", || {
        let metrics = call(&gateway.address, "GET /_gateway/metrics", "", b"");
        metrics.text().contains("ap_gateway_connections 1\n")
    });
}

#[test]
fn idle_connections_do_not_keep_others_out() {
    let product = Product::with(OK);
    let gateway = Running::to_product(&product, Limits::new().max_connections(20));
    let mut idle = Vec::new();
    for at in 0..200 {
        let mut connection = Connection::open(&gateway.lcx);
        match at % 3 {
            0 => {}
            1 => connection.write("GET / HTTP/1.1\r\nHost:"),
            _ => drop(connection.call("GET /", "", b"")),
        }
        idle.push(connection);
        assert_eq!(call(&gateway.lcx, "GET /", "", b"").status(), 200, "{at}");
    }
    // The first ones were closed for the others.
    assert!(idle[0].reply(false).is_none());
}

#[test]
fn a_client_that_hangs_up_in_its_body_makes_no_call() {
    let product = Product::with(OK);
    let gateway = Running::to_product(&product, Limits::new());
    for _ in 0..20 {
        let mut connection = Connection::open(&gateway.lcx);
        connection.write(request("POST /", "Content-Length: 2000\r\n", b""));
        connection.write([b'x'; 1000]);
    }
    wait_until("every half request is counted", || {
        gateway.accesses.lock().unwrap().len() == 20
    });
    assert!(product.requests().is_empty());
    assert_eq!(call(&gateway.lcx, "GET /", "", b"").status(), 200);
}

#[test]
fn a_connection_stays_open_after_a_refusal_if_the_body_was_read() {
    let product = Product::start(|request| request.starts_with(b"GET").then(|| OK.to_vec()));
    let gateway = Running::to_product(&product, Limits::new());
    let mut connection = Connection::open(&gateway.lcx);
    let reply = connection.call("POST /", "", b"x").unwrap();
    assert_eq!((reply.status(), reply.header("connection")), (502, None));
    assert_eq!(connection.call("GET /", "", b"").unwrap().status(), 200);
    // Nobody reads a body that the gateway does not need.
    let reply = connection.call("GET /_gateway/health", "", b"x").unwrap();
    assert_eq!(
        (reply.status(), reply.header("connection")),
        (200, Some("close"))
    );
}

#[test]
fn a_product_that_hangs_ends_in_a_504() {
    let (open, wait) = latch();
    let product = Product::start(move |_| {
        let _ = wait.lock().unwrap().recv();
        None
    });
    let gateway = Running::to_product(&product, Limits::new().timeout(SOON));
    let reply = call(&gateway.lcx, "POST /", "", b"x");
    assert_eq!((reply.status(), reply.refusal()), (504, Some("timeout")));
    assert_eq!(product.requests().len(), 1);
    drop(open);
}

#[test]
fn beyond_the_queue_calls_are_told_to_come_again() {
    let (open, wait) = latch();
    let product = Product::start(move |_| {
        let _ = wait.lock().unwrap().recv();
        Some(OK.to_vec())
    });
    let limits = Limits::new().max_in_flight(2).max_queued(3);
    let gateway = Running::to_product(&product, limits);
    let mut calls: Vec<_> = (0..5).map(|_| Connection::open(&gateway.lcx)).collect();
    for (at, connection) in calls.iter_mut().enumerate() {
        connection.write(request("GET /", "", b""));
        if at < 2 {
            wait_until("the call is in flight", || product.requests().len() > at);
        }
    }
    // The three others wait as soon as one more is refused.
    wait_until("the queue is full", || {
        let reply = call_or_wait(&gateway.lcx);
        reply.is_none_or(|(status, retry_after)| {
            assert_eq!((status, retry_after.as_deref()), (503, Some("1")));
            true
        })
    });
    assert_eq!(product.requests().len(), 2);
    drop(open);
    for mut connection in calls {
        assert_eq!(connection.reply(false).unwrap().status(), 200);
    }
}

/// Makes a call that is refused at once if the queue is full.
fn call_or_wait(address: &str) -> Option<(u16, Option<String>)> {
    let mut connection = Connection::open(address);
    connection.stream.set_read_timeout(Some(SOON)).unwrap();
    let reply = connection.call("GET /", "", b"")?;
    Some((
        reply.status(),
        reply.header("retry-after").map(str::to_owned),
    ))
}

#[test]
fn a_call_whose_connection_ends_before_the_answer_is_repeated_if_it_is_safe() {
    for (line, body, expected, requests) in [
        ("GET /", &b""[..], 200, 2),
        ("PUT /", b"x", 200, 2),
        ("DELETE /", b"", 200, 2),
        ("POST /", b"x", 502, 1),
        ("PATCH /", b"x", 502, 1),
    ] {
        let count = Arc::new(AtomicUsize::new(0));
        let product = Product::start({
            let count = Arc::clone(&count);
            move |_| (count.fetch_add(1, Ordering::SeqCst) > 0).then(|| OK.to_vec())
        });
        let gateway = Running::to_product(&product, Limits::new());
        let reply = call(&gateway.lcx, line, "", body);
        assert_eq!(reply.status(), expected, "{line}");
        assert_eq!(count.load(Ordering::SeqCst), requests, "{line}");
    }
    // A product that never answers is not called for ever.
    let product = Product::start(|_| None);
    let gateway = Running::to_product(&product, Limits::new());
    let reply = call(&gateway.lcx, "GET /", "", b"");
    assert_eq!((reply.status(), reply.refusal()), (502, Some("closed")));
    assert_eq!(product.requests().len(), 3);
}

#[test]
fn an_ambiguous_or_broken_answer_is_not_passed_on() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nX Y: z\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "nonsense\r\n\r\n",
    ] {
        let product = Product::with(answer.as_bytes());
        let gateway = Running::to_product(&product, Limits::new());
        let reply = call(&gateway.lcx, "POST /", "", b"x");
        assert_eq!(reply.status(), 502, "{answer}");
        assert!(reply.refusal().is_some(), "{answer}");
    }
    // A second answer to one request is for nobody.
    let two = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhidden";
    let product = Product::with(two);
    let gateway = Running::to_product(&product, Limits::new());
    let mut connection = Connection::open(&gateway.lcx);
    for _ in 0..10 {
        let reply = connection.call("GET /", "", b"").unwrap();
        assert_eq!((reply.status(), reply.text()), (200, "1"));
    }
}

#[test]
fn stopping_finishes_the_calls_under_way_and_takes_no_new_ones() {
    let (open, wait) = latch();
    let product = Product::start(move |_| {
        let _ = wait.lock().unwrap().recv();
        Some(OK.to_vec())
    });
    let mut gateway = Running::to_product(&product, Limits::new());
    let mut under_way = Connection::open(&gateway.lcx);
    under_way.write(request("POST /", "", b"x"));
    let mut idle = Connection::open(&gateway.lcx);
    wait_until("the call is in flight", || product.requests().len() == 1);
    gateway.tell_to_stop();
    assert!(
        idle.reply(false).is_none(),
        "an idle connection ends at once"
    );
    wait_until("nobody listens any more", || {
        std::net::TcpStream::connect(&gateway.lcx).is_err()
    });
    drop(open);
    let reply = under_way.reply(false).unwrap();
    assert_eq!(
        (reply.status(), reply.header("connection")),
        (200, Some("close"))
    );
    assert_eq!(gateway.stop().unfinished, 0);
    assert_eq!(product.requests().len(), 1);
}

#[test]
fn stopping_does_not_wait_for_ever() {
    let (open, wait) = latch();
    let product = Product::start(move |_| {
        let _ = wait.lock().unwrap().recv();
        None
    });
    let gateway = Running::to_product(&product, Limits::new().stop_timeout(SOON));
    let mut under_way = Connection::open(&gateway.lcx);
    under_way
        .stream
        .write_all(&request("GET /", "", b""))
        .unwrap();
    wait_until("the call is in flight", || product.requests().len() == 1);
    assert_eq!(gateway.stop().unfinished, 1);
    drop(open);
}
