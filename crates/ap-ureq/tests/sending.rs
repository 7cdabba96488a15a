//! What happens while a request is being sent.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::{Duration, Instant};

use ap_ureq::ap_client::transport::TransportErrorKind;
use common::{LIMIT, Server, describe, own, send, send_within};

/// More than the buffers of two sockets can contain.
const LARGE: usize = 32 * 1024 * 1024;

#[test]
fn a_response_is_heard_while_the_request_is_still_sent() {
    // The server reads no byte of the body, and does not close.
    let server = Server::start(|connection| {
        connection.read_head()?;
        connection.write(b"HTTP/1.1 413 No\r\nContent-Length: 5\r\n\r\nlarge")?;
        connection.leave_open();
        Some(())
    });
    let transport = own();
    for calls in 1..=2 {
        let outcome = send(&transport, &server.post(vec![b'x'; LARGE]));
        assert_eq!(describe(outcome), "413 large");
        // The rest of a request must not be taken for the next one.
        assert_eq!(server.accepted(), calls);
    }
}

#[test]
fn an_informational_response_does_not_stop_the_request() {
    // It comes in two pieces, so the first does not tell that it is one.
    let server = Server::start(|connection| {
        connection.read_head()?;
        connection.write(b"HTTP/1.1 1")?;
        connection.read_bytes(LARGE / 2)?;
        connection.write(b"00 Continue\r\n\r\n")?;
        connection.read_bytes(LARGE / 2)?;
        connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nall")
    });
    let outcome = send(&own(), &server.post(vec![b'x'; LARGE]));
    assert_eq!(describe(outcome), "200 all");
}

#[test]
fn the_deadline_ends_a_call_whatever_the_server_does_not_do() {
    let reads_nothing = Server::start(|connection| {
        connection.leave_open();
        Some(())
    });
    let answers_nothing = Server::start(|connection| {
        loop {
            connection.read_bytes(1)?;
        }
    });
    let stops_in_the_body = Server::start(|connection| {
        connection.read_request()?;
        connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")?;
        connection.leave_open();
        Some(())
    });
    for (server, body) in [
        (reads_nothing, LARGE),
        (answers_nothing, 5),
        (stops_in_the_body, 5),
    ] {
        let start = Instant::now();
        let timeout = Duration::from_millis(200);
        let outcome = send_within(&own(), &server.post(vec![b'x'; body]), timeout);
        assert_eq!(outcome.err(), Some(TransportErrorKind::Timeout));
        assert!((timeout..LIMIT).contains(&start.elapsed()));
    }
}
