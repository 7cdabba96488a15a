//! Clients that take more than their part: of connections, of time, of memory.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use ap_gateway::Limits;

use crate::common::{
    ACCOUNT_KEY, Connection, Product, Reply, Running, call, latch, request, wait_until,
};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const SOON: Duration = Duration::from_millis(300);
/// More than the buffers of two sockets contain.
const LARGE: usize = 16 << 20;

/// Returns an answer with so many bytes.
fn answer_of(length: usize) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes();
    answer.resize(answer.len() + length, b'x');
    answer
}

/// A product that answers everything with so many bytes.
fn large(length: usize) -> Product {
    Product::start(move |_| Some(answer_of(length)))
}

/// Waits until the answer to a call begins to arrive, and reads nothing of it.
fn wait_for_answer(connection: &Connection) {
    assert_eq!(connection.stream.peek(&mut [0]).unwrap(), 1);
}

/// Returns the present value of a metric of one line.
fn metric(gateway: &Running, name: &str) -> usize {
    let metrics = call(&gateway.address, "GET /_gateway/metrics", "", b"");
    let mut lines = metrics.text().lines();
    let value = lines.find_map(|line| line.strip_prefix(&format!("ap_gateway_{name} ")));
    value.unwrap().parse().unwrap()
}

/// Makes a call on a connection that may be refused, or closed at once.
fn try_call(address: &str) -> Option<Reply> {
    let mut connection = Connection::open(address);
    connection
        .stream
        .write_all(&request("GET /", "", b""))
        .ok()?;
    connection.reply(false)
}

/// Returns how many accepted sockets the system has on this side of a port.
#[cfg(target_os = "linux")]
fn open_sockets(address: &str) -> usize {
    let port: u16 = address.rsplit_once(':').unwrap().1.parse().unwrap();
    let local = format!(":{port:04X}");
    let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    // Most lines are about other ports.
    let lines = table.lines().skip(1).filter(|line| line.contains(&local));
    let is_open = |line: &str| {
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        // State 0A listens. A socket that is not accepted yet, or closed already, has no inode.
        fields[1].ends_with(&local) && fields[3] != "0A" && fields[9] != "0"
    };
    lines.filter(|line| is_open(line)).count()
}

#[test]
#[cfg(target_os = "linux")]
fn no_more_connections_are_open_than_the_limit_however_many_come() {
    const MOST: usize = 20;
    // One that was accepted waits until another is closed, and 16 may be told that all are busy.
    const ALLOWED: usize = MOST + 1 + 16;
    let product = Product::with(OK);
    let gateway = Running::to_product(&product, Limits::new().max_connections(MOST));
    let (mut clients, mut most) = (VecDeque::new(), 0);
    for at in 0..10_000 {
        let mut connection = Connection::open(&gateway.lcx);
        match at % 3 {
            0 => {}
            // It may be closed already.
            1 => drop(connection.stream.write_all(b"GET / HTTP/1.1\r\nHost:")),
            _ => drop(connection.stream.write_all(&request("GET /", "", b""))),
        }
        clients.push_back(connection);
        // Nobody hangs up before hundreds of others have come.
        if clients.len() > 300 {
            clients.pop_front();
        }
        if at % 100 == 0 {
            // No more connections wait to be accepted.
            let _ = try_call(&gateway.address);
            // The table is not read at once, so that one that closes and the next one may both be counted.
            let mut counts = (0..4).map(|_| open_sockets(&gateway.lcx));
            let is_allowed = |count: &usize| *count <= ALLOWED;
            let count = counts
                .find(is_allowed)
                .unwrap_or_else(|| open_sockets(&gateway.lcx));
            most = most.max(count);
        }
    }
    wait_until("a new client is served", || {
        try_call(&gateway.lcx).is_some_and(|reply| reply.status() == 200)
    });
    assert!((MOST / 2..=ALLOWED).contains(&most), "{most}");
}

#[test]
fn clients_that_are_refused_and_do_not_hang_up_keep_nobody_out() {
    let (open, wait) = latch();
    let product = Product::start(move |_| {
        let _ = wait.lock().unwrap().recv();
        Some(OK.to_vec())
    });
    let gateway = Running::to_product(&product, Limits::new().max_connections(4));
    let mut busy: Vec<_> = (0..4).map(|_| Connection::open(&gateway.lcx)).collect();
    for connection in &mut busy {
        connection.write(request("POST /", "", b"x"));
    }
    wait_until("all are busy", || product.requests().len() == 4);
    // To wait a second for each of them would take longer than a test has.
    let refused: Vec<_> = (0..300)
        .map(|_| TcpStream::connect(&gateway.lcx).unwrap())
        .collect();
    let mut first = Connection::of(refused[0].try_clone().unwrap());
    assert_eq!(first.reply(false).unwrap().refusal(), Some("connections"));
    let counted = |access: &ap_gateway::Access| access.refusal == Some("connections");
    assert!(gateway.accesses.lock().unwrap().iter().any(counted));
    drop(open);
    for connection in &mut busy {
        assert_eq!(connection.reply(false).unwrap().status(), 200);
    }
    wait_until("a new client is served", || {
        try_call(&gateway.lcx).is_some_and(|reply| reply.status() == 200)
    });
    drop(refused);
}

#[test]
fn an_answer_that_is_being_written_is_not_cut_when_the_gateway_stops() {
    let product = large(LARGE);
    for headers in [
        "",
        "Connection: close\r\n",
        "Upgrade: x\r\n",
        "Connection: close, upgrade\r\nUpgrade: x\r\n",
    ] {
        let mut gateway = Running::to_product(&product, Limits::new());
        let mut idle = Connection::open(&gateway.lcx);
        let mut slow = Connection::open(&gateway.lcx);
        slow.write(request("GET /", headers, b""));
        wait_for_answer(&slow);
        gateway.tell_to_stop();
        assert!(
            idle.reply(false).is_none(),
            "an idle connection ends at once"
        );
        let answer = slow.reply(false).expect(headers);
        assert_eq!(answer.body.len(), LARGE, "{headers:?}");
        assert_eq!(gateway.stop().unfinished, 0, "{headers:?}");
    }
}

#[test]
fn a_connection_whose_answer_is_being_written_is_not_closed_for_another() {
    let product = Product::start(|request| {
        let is_large = request.starts_with(b"GET /large");
        Some(answer_of(if is_large { LARGE } else { 2 }))
    });
    let gateway = Running::to_product(&product, Limits::new().max_connections(2));
    let mut slow = Connection::open(&gateway.lcx);
    slow.write(request("GET /large", "", b""));
    wait_for_answer(&slow);
    // The others share the second connection.
    let mut others = Vec::new();
    for _ in 0..20 {
        let mut connection = Connection::open(&gateway.lcx);
        assert_eq!(connection.call("GET /", "", b"").unwrap().status(), 200);
        others.push(connection);
    }
    assert_eq!(slow.reply(false).expect("cut").body.len(), LARGE);
    // Now it is idle, and can serve again.
    assert_eq!(slow.call("GET /", "", b"").unwrap().status(), 200);
}

#[test]
fn slow_bodies_keep_no_call_out() {
    let product = Product::with(OK);
    let limits = Limits::new().max_in_flight(1).max_queued(1);
    let gateway = Running::to_product(&product, limits);
    let slow: Vec<_> = (0..10)
        .map(|_| {
            let mut connection = Connection::open(&gateway.lcx);
            connection.write(request("POST /", "Content-Length: 10\r\n", b""));
            connection.write("half");
            connection
        })
        .collect();
    for _ in 0..10 {
        assert_eq!(call(&gateway.lcx, "GET /", "", b"").status(), 200);
    }
    for mut connection in slow {
        connection.write("-whole");
        assert_eq!(connection.reply(false).unwrap().status(), 200);
    }
}

#[test]
fn bodies_of_all_requests_together_have_a_limit() {
    let product = Product::with(OK);
    let limits = Limits::new().max_body_size(80_000).max_buffered(80_000);
    let gateway = Running::to_product(&product, limits);
    let body = [b'x'; 80_000];
    let mut half = Connection::open(&gateway.lcx);
    half.write(request("POST /", "Content-Length: 80000\r\n", b""));
    half.write(&body[..40_000]);
    wait_until("there is no room", || {
        let reply = call(&gateway.lcx, "POST /", "", &body);
        assert!(matches!(reply.status(), 200 | 503));
        reply.refusal() == Some("overloaded") && reply.header("retry-after") == Some("1")
    });
    assert_eq!(call(&gateway.lcx, "POST /", "", b"small").status(), 200);
    half.write(&body[40_000..]);
    assert_eq!(half.reply(false).unwrap().status(), 200);
    assert_eq!(call(&gateway.lcx, "POST /", "", &body).status(), 200);
}

#[test]
fn answers_count_until_they_are_read() {
    let product = large(LARGE);
    let transport = ap_hyper::Limits::new().max_buffered(1 << 20);
    let gateway = Running::start_with(product.origins(), &[ACCOUNT_KEY], Limits::new(), transport);
    let mut first = Connection::open(&gateway.lcx);
    first.write(request("GET /", "", b""));
    wait_for_answer(&first);
    let mut second = Connection::open(&gateway.lcx);
    second.write(request("GET /", "", b""));
    wait_until("both are called", || product.requests().len() == 2);
    // The first answer takes more than there is, so the second one is not read meanwhile.
    for _ in 0..20 {
        assert_eq!(metric(&gateway, "in_flight"), 1);
    }
    for connection in [&mut first, &mut second] {
        let reply = connection.reply(false).unwrap();
        assert_eq!((reply.status(), reply.body.len()), (200, LARGE));
    }
}

#[test]
fn a_client_that_reads_its_answer_slowly_ends_in_time() {
    let product = large(LARGE);
    let gateway = Running::to_product(&product, Limits::new().answer_timeout(SOON));
    let mut slow = Connection::open(&gateway.lcx);
    slow.write(request("GET /", "", b""));
    let mut buffer = vec![0; 64 * 1024];
    let mut read = 0;
    while let Ok(more @ 1..) = slow.stream.read(&mut buffer) {
        read += more;
        // The pace of the client, not a wait for anything.
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(read < LARGE, "all of it was written");
}
