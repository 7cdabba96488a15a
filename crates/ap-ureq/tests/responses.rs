//! How responses are read, whichever features of ureq are on.
#![allow(clippy::unwrap_used)]

mod common;

use ap_ureq::ap_client::transport::TransportErrorKind;
use common::{Server, describe, own, send, with_settings};

/// Each answer, after which the server closes the connection, and what becomes of it.
const ANSWERS: &[(&str, &str)] = &[
    // Whole responses.
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "200 hello",
    ),
    ("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", "401 "),
    (
        "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
        "302 ",
    ),
    ("HTTP/1.1 204\r\n\r\n", "204 "),
    (
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        "304 ",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "200 hello",
    ),
    (
        "\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "200 hello",
    ),
    // Cut chunks, after heads of every form.
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "truncated",
    ),
    (
        "\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "truncated",
    ),
    (
        "\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "truncated",
    ),
    (
        "HTTP/1.1 200\nTransfer-Encoding:chunked\n\n5\r\nhello\r\n0\r\n",
        "truncated",
    ),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding:\t CHUNKED \r\n\r\n5\r\nhello\r\n0\r\n",
        "truncated",
    ),
    (
        "HTTP/1.1 100\r\n\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "truncated",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r",
        "truncated",
    ),
    // A body whose end is told in a way that is not understood, or in two.
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "malformed",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "malformed",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "malformed",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "malformed",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n",
        "malformed",
    ),
    (
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "malformed",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        "malformed",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
        "malformed",
    ),
    ("HTTP/1.1 200 OK\r\n\r\nhello", "truncated"),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello",
        "truncated",
    ),
    // Informational responses.
    (
        "HTTP/1.1 103\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "200 ok",
    ),
    ("HTTP/1.1 100 Continue\r\n\r\n", "closed"),
    ("HTTP/1.1 101 Switching Protocols\r\n\r\n", "malformed"),
    (
        "HTTP/1.0 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "malformed",
    ),
    // No response.
    ("", "closed"),
    ("\r\n", "closed"),
    ("HTTP/1.1 200 OK\r\nContent-Le", "closed"),
    ("SSH-2.0-OpenSSH_9\r\n", "malformed"),
    (
        "\r\rHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "malformed",
    ),
    (" HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "malformed"),
    ("HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n", "malformed"),
    (
        "HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n",
        "malformed",
    ),
];

#[test]
fn a_response_is_whole_or_an_error() {
    for (answer, expected) in ANSWERS {
        let server = Server::answering_once(*answer);
        let outcome = send(&own(), &server.get("/"));
        assert_eq!(describe(outcome), *expected, "{answer:?}");
    }
}

#[test]
fn a_response_is_the_same_however_it_is_cut_into_pieces() {
    let answer = "HTTP/1.1 103\r\n\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\nT: 1\r\n\r\n";
    let server = Server::start(move |connection| {
        loop {
            connection.read_request()?;
            for byte in answer.bytes() {
                connection.write(&[byte])?;
            }
        }
    });
    assert_eq!(describe(send(&own(), &server.get("/"))), "200 hello");
}

#[test]
fn encoded_bodies_and_their_headers_arrive_as_they_were_sent() {
    for header in [
        "Content-Encoding: gzip",
        "Content-Encoding: br",
        "Content-Encoding: deflate",
        "Content-Type: text/plain; charset=iso-8859-1",
        "Content-Type: text/html; charset=utf-16",
    ] {
        let body = b"\x1f\x8b\x08not \xe9ncoded";
        for framing in ["Content-Length: 14", "Transfer-Encoding: chunked"] {
            let mut answer =
                format!("HTTP/1.1 200 OK\r\n{header}\r\n{framing}\r\n\r\n").into_bytes();
            if framing.ends_with("chunked") {
                answer.extend_from_slice(b"e\r\n");
                answer.extend_from_slice(body);
                answer.extend_from_slice(b"\r\n0\r\n\r\n");
            } else {
                answer.extend_from_slice(body);
            }
            let server = Server::answering(answer);
            let response = send(&own(), &server.get("/")).unwrap();
            assert_eq!(response.body().as_ref(), body, "{header}, {framing}");
            for line in [header, framing] {
                let (name, value) = line.split_once(": ").unwrap();
                assert_eq!(response.headers()[name], value, "{header}, {framing}");
            }
        }
    }
}

#[test]
fn a_cookie_is_returned_and_not_kept() {
    let server = Server::answering(
        "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nContent-Length: 0\r\n\r\n",
    );
    let transport = own();
    for _ in 0..2 {
        let response = send(&transport, &server.get("/")).unwrap();
        let cookies = response.headers().get_all("set-cookie");
        assert_eq!(cookies.iter().collect::<Vec<_>>(), ["a=b", "c=d"]);
    }
    for head in server.heads() {
        assert!(!head.to_ascii_lowercase().contains("cookie"), "{head}");
    }
}

#[test]
fn a_request_carries_no_header_that_ureq_adds() {
    let server = Server::answering("HTTP/1.1 204\r\n\r\n");
    send(&own(), &server.get("/a?b")).unwrap();
    let host = server.origin.trim_start_matches("http://");
    assert_eq!(
        server.heads(),
        [format!("GET /a?b HTTP/1.1\r\nhost: {host}\r\n\r\n")]
    );
}

#[test]
fn limits_are_those_of_the_settings() {
    let lines = |count: usize| {
        let lines = "A: b\r\n".repeat(count - 1);
        Server::answering(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{lines}\r\n"
        ))
    };
    let outcome = |transport, server: &Server| send(&transport, &server.get("/")).map(|_| ());
    assert_eq!(outcome(own(), &lines(100)), Ok(()));
    assert_eq!(
        outcome(own(), &lines(101)),
        Err(TransportErrorKind::TooLarge)
    );
    // More than ureq itself reads.
    let lenient = || with_settings(|config| config.max_headers = 1000);
    assert_eq!(outcome(lenient(), &lines(1000)), Ok(()));
    assert_eq!(
        outcome(lenient(), &lines(1001)),
        Err(TransportErrorKind::TooLarge)
    );

    let bodies = [
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
    ];
    for body in bodies {
        for (limit, expected) in [(3, Ok(())), (2, Err(TransportErrorKind::TooLarge))] {
            let transport = with_settings(|config| config.max_body_size = limit);
            assert_eq!(
                outcome(transport, &Server::answering(body)),
                expected,
                "{body:?}"
            );
        }
    }
}
