//! Runs the code of the example `std_transport`, and checks its transport against the contract.
#![allow(clippy::unwrap_used, clippy::panic)]

#[allow(dead_code, reason = "an example's `main` is not called from here")]
#[path = "../examples/std_transport/main.rs"]
mod std_transport;

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ap_client::transport::{
    Deadline, FnTransport, Moment, Transport as _, TransportConfig, TransportErrorKind,
};
use ap_core::key::basic;
use ap_core::{ApiKey, Error, KeyRing};
use bytes::Bytes;
use http::{Method, Request, Response};
use std_transport::{connect, listener};

/// Returns what a row writes in short: `200 length: 2 | []`. In a row, ` ; ` ends a header line, and the first
/// `|` ends the head.
fn reply(row: &str) -> Vec<u8> {
    let row = row
        .replace("length:", "Content-Length:")
        .replace("chunked", "Transfer-Encoding: chunked");
    let text = row
        .replace(" ; ", "\r\n")
        .replace(" | ", "\r\n\r\n")
        .replace(" |", "\r\n\r\n");
    text.replace("\\n", "\r\n").into_bytes()
}

const OK: &str = "HTTP/1.1 200 OK ; length: 2 | []";
const BAD: &str = r#"HTTP/1.1 401 Unauthorized ; length: 33 | {"error":"authentication failed"}"#;

/// Answers each connection with the next reply, and returns what it received.
fn server(replies: Vec<Vec<u8>>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let received = move || {
        let answer = |reply: Vec<u8>| {
            let (mut stream, _) = listener.accept().unwrap();
            let received = receive(&mut stream);
            // Some tests are about a peer that has closed already.
            let _ = stream.write_all(&reply);
            let _ = stream.shutdown(Shutdown::Write);
            received
        };
        replies.into_iter().map(answer).collect()
    };
    (url, thread::spawn(received))
}

fn receive(stream: &mut TcpStream) -> String {
    let mut received = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        let read = stream.read(&mut buffer).unwrap();
        received.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&received);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            assert!(read > 0, "the request ends early");
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        if read == 0 || body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return text.into_owned();
        }
    }
}

fn keys(letters: &str) -> KeyRing {
    let key = |letter| ApiKey::parse(format!("placeholder-key-{letter}")).unwrap();
    KeyRing::new(letters.chars().map(key)).unwrap()
}

fn call(url: &str, letters: &str) -> Result<String, String> {
    let response = std_transport::call(url, keys(letters)).map_err(|error| error.to_string())?;
    Ok(format!(
        "{} {}",
        response.status().as_u16(),
        response.text().unwrap()
    ))
}

#[test]
fn the_example_finds_the_accepted_key() {
    for (letters, replies, sent, outcome) in [
        ("a", &[OK][..], "a", Ok("200 []".to_owned())),
        ("ab", &[BAD, OK], "ab", Ok("200 []".to_owned())),
        (
            "a",
            &[BAD],
            "a",
            Err("LeadConduit rejected the API key".to_owned()),
        ),
    ] {
        let (url, received) = server(replies.iter().map(|text| reply(text)).collect());
        assert_eq!(call(&url, letters), outcome);
        let received = received.join().unwrap();
        assert_eq!(received.len(), sent.len());
        for (request, letter) in received.iter().zip(sent.chars()) {
            assert!(request.starts_with("GET /flows HTTP/1.1\r\n"), "{request}");
            assert_eq!(request.matches("authorization: ").count(), 1);
            let value = basic(b"API", format!("placeholder-key-{letter}").as_bytes());
            assert!(request.contains(&format!("authorization: {}\r\n", value.to_str().unwrap())));
            assert!(request.contains("accept: application/json\r\n"));
        }
    }
}

#[test]
fn the_examples_own_listener_accepts_one_key() {
    let accepted = ApiKey::parse("placeholder-key-b").unwrap();
    let url = listener::listen(accepted).unwrap();
    assert_eq!(call(&url, "ab").unwrap(), r#"200 [{"name":"An example"}]"#);
    assert_eq!(
        call(&url, "ac").unwrap_err(),
        "LeadConduit rejected every API key"
    );
}

#[test]
fn a_url_that_is_no_origin_on_loopback_is_refused() {
    let urls = [
        "http://192.0.2.1",
        "https://app.leadconduit.com",
        "http://127.0.0.1:1/x",
        "127.0.0.1:1",
    ];
    for url in urls {
        let error = std_transport::call(url, keys("a")).unwrap_err();
        assert!(error.is::<ap_core::InvalidOrigin>(), "{url}: {error}");
    }
}

// --- The transport by itself

fn transport() -> FnTransport {
    connect(&TransportConfig::default()).unwrap()
}

/// Makes one round trip against one reply, with enough time.
fn round_trip(
    transport: &FnTransport,
    method: Method,
    reply: Vec<u8>,
) -> Result<Response<Bytes>, TransportErrorKind> {
    let (url, received) = server(vec![reply]);
    let request = Request::builder().method(method).uri(format!("{url}/"));
    let request = request.body(Bytes::new()).unwrap();
    let deadline = Deadline::after(transport.now(), Duration::from_secs(60));
    let outcome = transport.send(&request, deadline);
    assert_eq!(received.join().unwrap().len(), 1);
    outcome.map_err(|error| error.kind())
}

#[test]
fn complete_responses_are_returned_as_they_came() {
    for row in [
        "HTTP/1.1 200 OK ; length: 2 | [] => 200 []",
        "HTTP/1.0 200 OK ; length: 2 | [] => 200 []",
        "HTTP/1.1 200 ; length: 0 | => 200 ",
        "HTTP/1.1 200 OK ; CONTENT-LENGTH:2 | []ignored => 200 []",
        "HTTP/1.1 404 Not Found ; length: 2 | {} => 404 {}",
        "HTTP/1.1 302 Found ; Location: http://127.0.0.1:1/ ; length: 0 | => 302 ",
        "HTTP/1.1 204 No Content | => 204 ",
        "HTTP/1.1 304 Not Modified ; length: 9 | => 304 ",
        "HTTP/1.1 200 OK ; chunked | 0\\n\\n => 200 ",
        "HTTP/1.1 200 OK ; Transfer-Encoding: Chunked | 1\\n[\\n1;x=y\\n]\\n0\\n\\n => 200 []",
        "HTTP/1.1 200 OK ; chunked | A\\n0123456789\\n00\\nX: y\\n\\n => 200 0123456789",
        "HTTP/1.1 103 Early Hints ; Link: x | HTTP/1.1 200 OK ; length: 2 | [] => 200 []",
        "HTTP/1.1 100 Continue | HTTP/1.1 100 Continue | HTTP/1.1 401 No ; length: 1 | x => 401 x",
        "HTTP/1.1 500 Oh ; Set-Cookie: a ; Set-Cookie: b ; length: 0 | => 500 ",
    ] {
        let (text, expected) = row.split_once(" => ").unwrap();
        let response = round_trip(&transport(), Method::GET, reply(text));
        let response = response.unwrap_or_else(|kind| panic!("{row}: {kind:?}"));
        let body = String::from_utf8_lossy(response.body());
        assert_eq!(format!("{} {body}", response.status().as_u16()), expected);
        let cookies = response.headers().get_all("set-cookie").iter().count();
        assert_eq!(
            cookies,
            text.matches("Set-Cookie").count(),
            "repeated lines are kept"
        );
    }
    let head = reply("HTTP/1.1 200 OK ; length: 99999999999 |");
    let response = round_trip(&transport(), Method::HEAD, head).unwrap();
    assert!(response.body().is_empty());
}

#[test]
fn anything_less_than_a_complete_response_is_an_error() {
    let many = format!("HTTP/1.1 200 OK ; {}length: 0 |", "X: y ; ".repeat(100));
    let long = format!("HTTP/1.1 200 OK ; X: {} ; length: 0 |", "y".repeat(65_536));
    let interim = "HTTP/1.1 103 Early Hints ; Link: x | ".repeat(3_000);
    let rows = [
        " => closed",
        "H => truncated",
        "HTTP/1.1 200 OK\\n => truncated",
        "HTTP/1.1 200 OK ; length: 2\\n => truncated",
        "HTTP/1.1 200 OK ; length: 3 | [] => truncated",
        "HTTP/1.1 200 OK | [] => truncated",
        "HTTP/1.1 200 OK ; chunked | => truncated",
        "HTTP/1.1 200 OK ; chunked | 2\\n[ => truncated",
        "HTTP/1.1 200 OK ; chunked | 2\\n[]\\n => truncated",
        "HTTP/1.1 200 OK ; chunked | 2\\n[]\\n0\\n => truncated",
        "HTTP/1.1 103 Early Hints | => closed",
        "SSH-2.0-x\\n\\n => malformed",
        "HTTP/2 200 OK | => malformed",
        "HTTP/1.1 20 OK | => malformed",
        "HTTP/1.1 2000 OK | => malformed",
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n => malformed",
        "HTTP/1.1 200 OK ; Content-Length : 0 | => malformed",
        "HTTP/1.1 200 OK ; X: a\\n b ; length: 0 | => malformed",
        "HTTP/1.1 200 OK ; no colon | => malformed",
        "HTTP/1.1 101 Switching Protocols ; Upgrade: x | => malformed",
        "HTTP/1.1 200 OK ; length: +2 | [] => malformed",
        "HTTP/1.1 200 OK ; length: -1 | => malformed",
        "HTTP/1.1 200 OK ; length: 2 ; length: 3 | []x => malformed",
        "HTTP/1.1 200 OK ; length: 2 ; chunked | 0\\n\\n => malformed",
        "HTTP/1.0 200 OK ; chunked | 0\\n\\n => malformed",
        "HTTP/1.1 200 OK ; Transfer-Encoding: gzip, x | 0\\n\\n => malformed",
        "HTTP/1.1 200 OK ; chunked | x\\n\\n => malformed",
        "HTTP/1.1 200 OK ; chunked | 1\\n[]\\n0\\n\\n => malformed",
        "HTTP/1.1 200 OK ; length: 67108865 | => too_large",
        "HTTP/1.1 200 OK ; chunked | FFFFFFFFFFFFFFFFFF\\n => malformed",
        &format!("{many} => too_large"),
        &format!("{long} => too_large"),
        &format!("{interim} => too_large"),
    ];
    for row in rows {
        let (text, expected) = row.rsplit_once(" => ").unwrap();
        let outcome = round_trip(&transport(), Method::GET, reply(text));
        assert_eq!(outcome.unwrap_err().name(), expected, "{row:.99}");
    }
}

#[test]
fn the_limit_of_a_body_counts_over_all_chunks() {
    let config = TransportConfig::new().max_body_size(4);
    let transport = connect(&config).unwrap();
    let go = |chunks: &str| {
        let text = format!("HTTP/1.1 200 OK ; chunked | {chunks}");
        round_trip(&transport, Method::GET, reply(&text))
    };
    assert_eq!(go("2\\nab\\n2\\ncd\\n0\\n\\n").unwrap().body(), "abcd");
    let over = go("2\\nab\\n3\\ncde\\n0\\n\\n").unwrap_err();
    assert_eq!(over, TransportErrorKind::TooLarge);
}

#[test]
fn the_deadline_ends_every_wait() {
    // It accepts connections, by its queue, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let request = Request::get(&url).body(Bytes::new()).unwrap();
    let transport = transport();
    let within = |request: &Request<Bytes>, timeout| {
        let deadline = Deadline::after(transport.now(), timeout);
        transport.send(request, deadline).unwrap_err().kind()
    };
    for timeout in [
        Duration::ZERO,
        Duration::from_nanos(1),
        Duration::from_millis(20),
    ] {
        assert_eq!(
            within(&request, timeout),
            TransportErrorKind::Timeout,
            "{timeout:?}"
        );
    }
    // A body that nobody reads fills every buffer on the way.
    let upload = Request::post(&url)
        .body(Bytes::from(vec![0; 64 << 20]))
        .unwrap();
    assert_eq!(
        within(&upload, Duration::from_millis(50)),
        TransportErrorKind::Timeout
    );
}

#[test]
fn waiting_ends_at_the_moment_or_at_once_if_it_has_passed() {
    let transport = transport();
    transport.sleep_until(Moment::after_start(Duration::ZERO));
    let soon = Moment::after_start(transport.now().since_start() + Duration::from_millis(2));
    transport.sleep_until(soon);
    assert!(transport.now() >= soon);
}

#[test]
fn a_request_goes_out_as_it_is_with_its_framing() {
    let body = Bytes::from_static(b"{\"a\":1}");
    for (body, length) in [(body, "7"), (Bytes::new(), "0")] {
        let (url, received) = server(vec![reply(OK)]);
        let request = Request::post(format!("{url}/a%20b?c=d"))
            .header("x-one", "1")
            .header("x-one", "2")
            .body(body.clone())
            .unwrap();
        transport().send(&request, Deadline::NEVER).unwrap();
        let host = url.strip_prefix("http://").unwrap();
        let body = std::str::from_utf8(&body).unwrap();
        let expected = format!(
            "POST /a%20b?c=d HTTP/1.1\r\nhost: {host}\r\nx-one: 1\r\nx-one: 2\r\ncontent-length: {length}\r\n\
            connection: close\r\n\r\n{body}"
        );
        assert_eq!(received.join().unwrap(), [expected]);
    }
}

#[test]
fn only_plain_http_on_loopback_is_sent() {
    let transport = transport();
    for url in [
        "https://127.0.0.1:1/",
        "http://192.0.2.1/",
        "http://evil.example/",
        "/flows",
    ] {
        let request = Request::get(url).body(Bytes::new()).unwrap();
        let error = transport.send(&request, Deadline::NEVER).unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Unsendable, "{url}");
    }
    // Nobody listens on port 1. A port that was just closed may be in use again.
    let error = std_transport::call("http://127.0.0.1:1", keys("a")).unwrap_err();
    let error: Box<Error> = error.downcast().unwrap();
    assert!(error.is_connect() && error.may_retry());
}
