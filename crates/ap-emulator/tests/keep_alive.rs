//! A response that says `keep-alive` is followed by the next one on the same connection, also if it
//! was sent before the request's body was read. Otherwise it says `close`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::io::Write;
use std::net::TcpStream;

use ap_emulator::{Emulator, Fault, Plan, Product};
use common::{
    JSON, authority, basic, connect, known_path, read_reply, read_to_end, request,
    request_without_host, with_key,
};

const BODY: usize = 200_000;

/// Sends `request` and returns the status and `Connection` of its response.
fn exchange(stream: &mut TcpStream, request: &str) -> (u16, String) {
    stream.write_all(request.as_bytes()).unwrap();
    let reply = read_reply(stream, false);
    let connection = reply.header("Connection").expect("it says what follows");
    (reply.status(), connection.to_owned())
}

#[test]
fn two_hundred_refused_uploads_and_good_calls_share_one_connection() {
    let emulator = Emulator::start().unwrap();
    let good = with_key(&emulator.key());
    let body = "b".repeat(BODY);
    for product in Product::ALL {
        let mut stream = connect(emulator.url(product));
        let refused = request("POST", "/flows", &with_key("wrong"), &body);
        let answered = request("GET", known_path(product), &good, "");
        for pair in 0..200 {
            for (request, status) in [(&refused, 401), (&answered, 200)] {
                let expected = (status, "keep-alive".to_owned());
                assert_eq!(exchange(&mut stream, request), expected, "{product} {pair}");
            }
        }
    }
}

#[test]
fn every_response_before_the_body_was_read_keeps_its_word() {
    let emulator = Emulator::start().unwrap();
    let url = emulator.url(Product::LeadConduit);
    let body = "b".repeat(BODY);
    let good = with_key(&emulator.key());
    let foreign = format!("Host: example.com\r\n{good}");
    let twice = format!("{}{}{JSON}", basic("X:a"), basic("X:b"));
    let own = format!("Host: {}\r\n", authority(url));
    let table = [
        (401, request("POST", "/flows", "", &body)),
        (400, request("POST", "/flows", &twice, &body)),
        (
            403,
            request(
                "POST",
                "/flows",
                &basic(&format!("X:{}", emulator.key())),
                &body,
            ),
        ),
        (421, request_without_host("POST", "/flows", &foreign, &body)),
        (501, request("PUT", "/flows", &good, &body)),
        (501, request("POST", "/nowhere", &good, &body)),
        (415, request("POST", "/feedback", "", &body)),
        (
            200,
            request(
                "GET",
                "/user",
                &format!("{good}Content-Length: 200000\r\n"),
                "",
            ) + &body,
        ),
    ];
    let next = request("GET", "/user", &good, "");
    for (status, request) in &table {
        let mut stream = connect(url);
        for _ in 0..20 {
            let expected = (*status, "keep-alive".to_owned());
            let shown = request.lines().next().unwrap();
            assert_eq!(exchange(&mut stream, request), expected, "{shown}");
            assert_eq!(exchange(&mut stream, &next).0, 200, "{shown}");
        }
    }

    let login = request_without_host("POST", "/_emulator/login/lcx", &own, &body);
    let mut stream = connect(url);
    for _ in 0..20 {
        let expected = (200, "keep-alive".to_owned());
        assert_eq!(exchange(&mut stream, &login), expected);
    }

    let upload = request("POST", "/flows", &good, &body);
    let mut stream = connect(url);
    for _ in 0..20 {
        emulator.fault(Fault::unavailable(Product::LeadConduit));
        assert_eq!(
            exchange(&mut stream, &upload),
            (503, "keep-alive".to_owned())
        );
        assert_eq!(exchange(&mut stream, &next).0, 200);
    }
    emulator.set_plan(Plan::Free);
    for _ in 0..20 {
        assert_eq!(
            exchange(&mut stream, &upload),
            (401, "keep-alive".to_owned())
        );
        assert_eq!(exchange(&mut stream, &next).0, 200);
    }
}

#[test]
fn a_refusal_comes_before_the_body_and_the_body_may_follow() {
    let emulator = Emulator::start().unwrap();
    let mut stream = connect(emulator.url(Product::LeadConduit));
    let next = request("GET", "/user", &with_key(&emulator.key()), "");
    for _ in 0..20 {
        let head = request("POST", "/flows", "Content-Length: 200000\r\n", "").replacen(
            "Content-Length: 0\r\n",
            "",
            1,
        );
        assert_eq!(exchange(&mut stream, &head), (401, "keep-alive".to_owned()));
        stream.write_all(&[b'b'; BODY]).unwrap();
        assert_eq!(exchange(&mut stream, &next).0, 200);
    }
}

#[test]
fn a_response_after_which_the_body_is_not_read_says_close() {
    let emulator = Emulator::start().unwrap();
    let url = emulator.url(Product::LeadConduit);
    let chunk = format!("10000\r\n{}\r\n", "n".repeat(0x10000)).repeat(3);
    let expect = format!("{}Expect: 100-continue\r\n", with_key("wrong"));
    let table = [
        // Larger than any body that the emulator reads.
        (
            401,
            request("POST", "/flows", "", &"b".repeat(1024 * 1024 + 1)),
        ),
        // The client may send the body or leave it out.
        (
            401,
            request(
                "POST",
                "/flows",
                &format!("{expect}Content-Length: 9\r\n"),
                "",
            )
            .replacen("Content-Length: 0\r\n", "", 1),
        ),
        (
            401,
            format!(
                "POST /flows HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n"
            ),
        ),
        // A head that cannot be parsed.
        (400, "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n".to_owned()),
        (431, request("GET", "/", &"X-Many: m\r\n".repeat(500), "")),
    ];
    for (status, request) in &table {
        let mut stream = connect(url);
        stream.write_all(request.as_bytes()).unwrap();
        let reply = read_reply(&mut stream, false);
        let connection = reply
            .head
            .to_ascii_lowercase()
            .contains("\r\nconnection: close\r\n");
        assert_eq!(
            (reply.status(), connection),
            (*status, true),
            "{}",
            reply.head
        );
        assert_eq!(read_to_end(&mut stream), (Vec::new(), true));
    }
}
