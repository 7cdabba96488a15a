//! Runs the code of both examples, and holds the transport of one of them to the transports' contract.
#![allow(clippy::unwrap_used, clippy::panic)]
// Each example has the listener as a module of its own, as it must to be a program.
#![allow(clippy::duplicate_mod)]

// An example's `main` is not called from here.
#[allow(dead_code)]
#[path = "../examples/bare_exchange.rs"]
mod bare_exchange;
#[path = "../examples/listener/mod.rs"]
mod listener;
#[allow(dead_code)]
#[path = "../examples/std_transport.rs"]
mod std_transport;

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ap_core::{
    ApiKey, CallError, Connect as _, Deadline, ErrorKind, KeyRing, Settings, Transport as _,
    TransportError,
};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use std_transport::StdTransport;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]";
const BAD: &str =
    "HTTP/1.1 401 Unauthorized\r\nContent-Length: 33\r\n\r\n{\"error\":\"authentication failed\"}";

/// Answers each connection with the next reply, and gives what it received.
fn server(replies: Vec<Vec<u8>>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let received = move || {
        let answer = |reply: Vec<u8>| {
            let (mut stream, _) = listener.accept().unwrap();
            let received = receive(&mut stream);
            // That the other side has closed already is what some of the tests are about.
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
            assert!(read > 0, "the request breaks off");
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

fn authorization(letter: char) -> String {
    let value = ap_core::basic(b"API", format!("placeholder-key-{letter}").as_bytes());
    format!("authorization: {}\r\n", value.to_str().unwrap())
}

/// Both examples' calls, as a status and a body.
fn calls(url: &str, letters: &str) -> [Result<(StatusCode, String), String>; 2] {
    let one = std_transport::call(url, keys(letters)).map(|response| {
        (
            response.status(),
            String::from_utf8(response.body().to_vec()).unwrap(),
        )
    });
    let other = bare_exchange::call(url, keys(letters));
    [one, other].map(|outcome| outcome.map_err(|error| error.to_string()))
}

#[test]
fn both_examples_are_answered() {
    let (url, received) = server(vec![OK.into(), OK.into()]);
    for outcome in calls(&url, "a") {
        assert_eq!(outcome, Ok((StatusCode::OK, "[]".to_owned())));
    }
    for request in received.join().unwrap() {
        assert!(request.starts_with("GET /flows HTTP/1."), "{request}");
        assert_eq!(request.matches("authorization: ").count(), 1);
        assert!(request.contains(&authorization('a')));
        assert!(request.contains("accept: application/json\r\n"));
    }
}

#[test]
fn both_examples_find_the_second_key() {
    let (url, received) = server(vec![BAD.into(), OK.into(), BAD.into(), OK.into()]);
    for outcome in calls(&url, "ab") {
        assert_eq!(outcome, Ok((StatusCode::OK, "[]".to_owned())));
    }
    for (request, letter) in received.join().unwrap().iter().zip(['a', 'b', 'a', 'b']) {
        assert!(request.contains(&authorization(letter)));
        assert_eq!(request.matches("authorization: ").count(), 1);
    }
}

#[test]
fn both_examples_say_that_every_key_was_refused() {
    let (url, received) = server(vec![BAD.into(), BAD.into()]);
    for outcome in calls(&url, "a") {
        assert_eq!(
            outcome,
            Err("LeadConduit refused the API key: authentication failed".to_owned())
        );
    }
    assert_eq!(received.join().unwrap().len(), 2);
}

#[test]
fn the_examples_own_listener_takes_one_key() {
    let takes = ApiKey::parse("placeholder-key-b").unwrap();
    let url = listener::listen(takes).unwrap();
    for outcome in calls(&url, "ab") {
        let (status, body) = outcome.unwrap();
        assert_eq!(status, StatusCode::OK);
        assert!(body.contains("An example"));
    }
    for outcome in calls(&url, "ac") {
        assert!(
            outcome
                .unwrap_err()
                .starts_with("LeadConduit refused every API key")
        );
    }
}

#[test]
fn a_url_that_is_not_an_origin_on_loopback_is_refused() {
    for (url, reason) in [
        ("http://192.0.2.1", "the URL is not on loopback"),
        ("https://app.leadconduit.com", "the URL is not on loopback"),
        (
            "http://127.0.0.1:1/x",
            "an origin ends after the host and port",
        ),
        ("127.0.0.1:1", "the URL does not begin with https://"),
    ] {
        for outcome in calls(url, "a") {
            assert!(outcome.unwrap_err().starts_with(reason), "{url}");
        }
    }
}

// --- The transport by itself

fn transport() -> StdTransport {
    StdTransport::connect(&Settings::default()).unwrap()
}

/// One round trip against one reply, in time enough.
fn round_trip(reply: &[u8]) -> Result<Response<Bytes>, ErrorKind> {
    round_trip_of(&transport(), &Method::GET, reply)
}

fn round_trip_of(
    transport: &StdTransport,
    method: &Method,
    reply: &[u8],
) -> Result<Response<Bytes>, ErrorKind> {
    let (url, received) = server(vec![reply.to_vec()]);
    let request = Request::builder()
        .method(method)
        .uri(format!("{url}/"))
        .body(Bytes::new())
        .unwrap();
    let deadline = Deadline::after(transport.now(), Duration::from_secs(60));
    let outcome = transport
        .send(&request, deadline)
        .map_err(|error: TransportError| error.kind());
    assert_eq!(received.join().unwrap().len(), 1);
    outcome
}

#[test]
fn whole_responses_are_handed_on_whole() {
    let rows: [(&str, u16, &str); 14] = [
        (OK, 200, "[]"),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n[]", 200, "[]"),
        ("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, ""),
        (
            "HTTP/1.1 200 \r\ncontent-length:2\r\n\r\n[]ignored",
            200,
            "[]",
        ),
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}",
            404,
            "{}",
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
            302,
            "",
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
        (
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
            304,
            "",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            200,
            "",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\n[\r\n1;x=y\r\n]\r\n0\r\n\r\n",
            200,
            "[]",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n00\r\nX: y\r\n\r\n",
            200,
            "0123456789",
        ),
        (
            "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
            200,
            "[]",
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 Unauthorized\r\nContent-Length: 1\r\n\r\nx",
            401,
            "x",
        ),
        (
            "HTTP/1.1 500 Oh\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n",
            500,
            "",
        ),
    ];
    for (reply, status, body) in rows {
        let response =
            round_trip(reply.as_bytes()).unwrap_or_else(|kind| panic!("{reply:?}: {kind:?}"));
        assert_eq!(
            (response.status().as_u16(), response.body().as_ref()),
            (status, body.as_bytes())
        );
        let cookies = response.headers().get_all("set-cookie").iter().count();
        assert_eq!(
            cookies,
            reply.matches("Set-Cookie").count(),
            "repeated lines are kept"
        );
    }
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n";
    let response = round_trip_of(&transport(), &Method::HEAD, head.as_bytes()).unwrap();
    assert!(response.body().is_empty());
}

#[test]
fn what_is_not_a_whole_response_is_an_error() {
    use ErrorKind::{Closed, Malformed, TooLarge, Truncated};
    let many = format!(
        "HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n",
        "X: y\r\n".repeat(100)
    );
    let long = format!(
        "HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 0\r\n\r\n",
        "y".repeat(65_536)
    );
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n".repeat(3_000);
    let rows: [(&str, ErrorKind); 32] = [
        ("", Closed),
        ("H", Truncated),
        ("HTTP/1.1 200 OK\r\n", Truncated),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", Truncated),
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[]", Truncated),
        ("HTTP/1.1 200 OK\r\n\r\n[]", Truncated),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            Truncated,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[",
            Truncated,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n",
            Truncated,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n",
            Truncated,
        ),
        ("HTTP/1.1 103 Early Hints\r\n\r\n", Closed),
        ("SSH-2.0-x\r\n\r\n", Malformed),
        ("HTTP/2 200 OK\r\n\r\n", Malformed),
        ("HTTP/1.1 20 OK\r\n\r\n", Malformed),
        ("HTTP/1.1 2000 OK\r\n\r\n", Malformed),
        ("HTTP/1.1 200 OK\nContent-Length: 0\n\n", Malformed),
        ("HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n", Malformed),
        (
            "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
            Malformed,
        ),
        ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", Malformed),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
            Malformed,
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n[]", Malformed),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Malformed),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n[]x",
            Malformed,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            Malformed,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            Malformed,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n\r\n",
            Malformed,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[]\r\n0\r\n\r\n",
            Malformed,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n",
            TooLarge,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n",
            TooLarge,
        ),
        (&many, TooLarge),
        (&long, TooLarge),
        (&interim, TooLarge),
    ];
    for (reply, kind) in rows {
        assert_eq!(
            round_trip(reply.as_bytes()).map(drop),
            Err(kind),
            "{reply:.99?}"
        );
    }
}

#[test]
fn the_limit_of_a_body_counts_over_all_chunks() {
    let mut settings = Settings::default();
    settings.body_limit = 4;
    let transport = StdTransport::connect(&settings).unwrap();
    let go = |reply: &str| round_trip_of(&transport, &Method::GET, reply.as_bytes());
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let fits = go(&format!("{head}2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n")).unwrap();
    assert_eq!(fits.body(), "abcd");
    let over = go(&format!("{head}2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"));
    assert_eq!(over.map(drop), Err(ErrorKind::TooLarge));
}

#[test]
fn the_deadline_ends_every_wait() {
    // It takes connections, by its queue, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let request = Request::get(format!("http://{}/", silent.local_addr().unwrap()));
    let request = request.body(Bytes::new()).unwrap();
    let transport = transport();
    for timeout in [
        Duration::ZERO,
        Duration::from_nanos(1),
        Duration::from_millis(20),
    ] {
        let deadline = Deadline::after(transport.now(), timeout);
        let error = transport.send(&request, deadline).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{timeout:?}");
    }
    // A body that nobody reads fills every buffer on the way.
    let mut upload = Request::post(request.uri())
        .body(Bytes::from(vec![0; 64 << 20]))
        .unwrap();
    *upload.uri_mut() = request.uri().clone();
    let deadline = Deadline::after(transport.now(), Duration::from_millis(50));
    assert_eq!(
        transport.send(&upload, deadline).unwrap_err().kind(),
        ErrorKind::Timeout
    );
}

#[test]
fn a_request_goes_out_as_it_is_with_its_framing() {
    let (url, received) = server(vec![OK.into()]);
    let transport = transport();
    let request = Request::post(format!("{url}/a%20b?c=d"))
        .header("x-one", "1")
        .header("x-one", "2")
        .body(Bytes::from_static(b"{\"a\":1}"))
        .unwrap();
    transport.send(&request, Deadline::NEVER).unwrap();
    let host = url.strip_prefix("http://").unwrap();
    let expected = format!(
        "POST /a%20b?c=d HTTP/1.1\r\nhost: {host}\r\nx-one: 1\r\nx-one: 2\r\ncontent-length: 7\r\nconnection: close\r\n\r\n{{\"a\":1}}"
    );
    assert_eq!(received.join().unwrap(), [expected]);
}

#[test]
fn nothing_but_plain_http_on_loopback_is_sent() {
    let transport = transport();
    for url in [
        "https://127.0.0.1:1/",
        "http://192.0.2.1/",
        "http://evil.example/",
        "/flows",
    ] {
        let request = Request::get(url).body(Bytes::new()).unwrap();
        let error = transport.send(&request, Deadline::NEVER).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsendable, "{url}");
    }
    // Port 1 is nobody's; a port that was just closed may be somebody's by now.
    let error = std_transport::call("http://127.0.0.1:1", keys("a")).unwrap_err();
    let error: Box<CallError> = error.downcast().unwrap();
    assert_eq!(error.name(), "connect");
}
