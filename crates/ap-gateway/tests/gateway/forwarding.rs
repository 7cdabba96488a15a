//! What passes, byte by byte, and what does not.

use ap_emulator::Emulator;
use ap_gateway::Limits;
use ap_gateway::ap_client::ap_core::key::{DEFAULT_USER, basic};

use crate::common::{
    ACCOUNT_KEY, Connection, LOCAL_KEY, Product, Running, authorization, call, request, send,
};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// The lines of a request as the product received it, sorted after the first one, and the body.
fn received(request: &[u8]) -> (Vec<String>, Vec<u8>) {
    let end = request
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(request[..end].to_vec()).unwrap();
    let mut lines: Vec<_> = head.lines().map(str::to_owned).collect();
    lines[1..].sort();
    (lines, request[end + 4..].to_vec())
}

#[test]
fn method_path_query_body_and_the_clients_headers_pass() {
    let product = Product::with(OK);
    let gateway = Running::to_product(&product, Limits::new());
    let body: Vec<u8> = (0..=255).collect();
    let headers = "Accept: text/csv\r\nUser-Agent: mine\r\nX-Twice: 1\r\nX-Twice: 2\r\nX-Named: 1\r\n\
        Connection: keep-alive, X-Named\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\nCookie: a=b\r\n\
        Proxy-Authorization: Basic eDp5\r\nUpgrade: websocket\r\nContent-Type: a/b\r\n";
    let reply = call(
        &gateway.address,
        "PATCH /lcx/a%2Fb/c?d=e&d=%20+",
        headers,
        &body,
    );
    assert_eq!((reply.status(), reply.text()), (200, "ok"));
    let (lines, sent) = received(&product.requests()[0]);
    assert_eq!(sent, body);
    let key = basic(DEFAULT_USER.as_bytes(), ACCOUNT_KEY.as_bytes());
    let key = format!("authorization: {}", key.to_str().unwrap());
    let expected = [
        "PATCH /a%2Fb/c?d=e&d=%20+ HTTP/1.1",
        "accept: text/csv",
        &key,
        "content-length: 256",
        "content-type: a/b",
        &format!("host: {}", product.address),
        "user-agent: mine",
        "x-twice: 1",
        "x-twice: 2",
    ];
    assert_eq!(lines, expected);
    let all = String::from_utf8_lossy(&product.requests().concat()).into_owned();
    let local = authorization(LOCAL_KEY);
    assert!(
        !all.contains(local.trim_end().split(' ').next_back().unwrap()),
        "the local key left"
    );
}

#[test]
fn an_answer_comes_back_with_status_values_and_body_as_they_were() {
    let answer = b"HTTP/1.1 207 Some\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nX-One: a\tb  c\r\n\
        X-Two: 1\r\nX-Two: 2\r\nX-Latin: caf\xe9\r\nSet-Cookie: session=1\r\nLocation: https://other.example/\r\n\
        X-Mine: 1\r\nConnection: X-Mine\r\nTransfer-Encoding: chunked\r\n\r\n\
        3\r\n\x00\xff\n\r\n0\r\n\r\n";
    let product = Product::with(answer);
    let gateway = Running::to_product(&product, Limits::new());
    let mut connection = Connection::open(&gateway.lcx);
    connection.write(request("GET /", "", b""));
    let reply = connection.reply(false).unwrap();
    assert_eq!((reply.status(), &reply.body[..]), (207, &b"\x00\xff\n"[..]));
    let mut lines: Vec<_> = reply
        .head
        .lines()
        .skip(1)
        .map(str::to_ascii_lowercase)
        .collect();
    lines.sort();
    let expected = [
        "content-length: 3",
        "date: thu, 01 jan 1970 00:00:00 gmt",
        "location: https://other.example/",
        "x-latin: caf\u{fffd}",
        "x-one: a\tb  c",
        "x-two: 1",
        "x-two: 2",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn redirects_and_answers_without_a_body_are_left_as_they_are() {
    for (line, answer, expected) in [
        (
            "GET /",
            "302 Found\r\nLocation: /x\r\nContent-Length: 0",
            "302 Found",
        ),
        (
            "GET /",
            "304 Not Modified\r\nContent-Length: 7",
            "304 Not Modified",
        ),
        ("DELETE /", "204 No Content", "204 No Content"),
    ] {
        let answer = format!("HTTP/1.1 {answer}\r\n\r\n").into_bytes();
        let product = Product::start(move |_| Some(answer.clone()));
        let gateway = Running::to_product(&product, Limits::new());
        let reply = call(&gateway.lcx, line, "", b"");
        assert!(
            reply.head.starts_with(&format!("HTTP/1.1 {expected}")),
            "{}",
            reply.head
        );
        assert_eq!(product.requests().len(), 1);
        assert_eq!(reply.header("date"), None);
    }
    let product = Product::with(b"HTTP/1.1 200 OK\r\nContent-Length: 70\r\n\r\n");
    let gateway = Running::to_product(&product, Limits::new());
    let mut connection = Connection::open(&gateway.lcx);
    let reply = connection.call("HEAD /", "", b"").unwrap();
    assert_eq!(
        (reply.status(), reply.header("content-length")),
        (200, Some("70"))
    );
}

#[test]
fn a_chunked_body_is_sent_whole_and_the_connection_closes_after_it() {
    let product = Product::with(OK);
    let gateway = Running::to_product(&product, Limits::new());
    let mut connection = Connection::open(&gateway.lcx);
    let mut bytes = request("POST /", "Transfer-Encoding: chunked\r\n", b"");
    bytes.extend_from_slice(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n");
    connection.write(bytes);
    let reply = connection.reply(false).unwrap();
    assert_eq!(
        (reply.status(), reply.header("connection")),
        (200, Some("close"))
    );
    let (lines, body) = received(&product.requests()[0]);
    assert_eq!(body, b"abcde");
    assert!(lines.contains(&"content-length: 5".to_owned()), "{lines:?}");
    assert!(connection.reply(false).is_none());
}

#[test]
fn what_the_core_refuses_is_encoded_or_refused_with_a_sentence() {
    let product = Product::with(OK);
    let gateway = Running::to_product(&product, Limits::new());
    assert_eq!(
        call(&gateway.address, "GET /lcx/a|b?c={d}", "", b"").status(),
        200
    );
    let line = String::from_utf8(product.requests()[0].clone()).unwrap();
    assert!(
        line.starts_with("GET /a%7Cb?c=%7Bd%7D HTTP/1.1\r\n"),
        "{line}"
    );
    for (line, headers, sentence) in [
        ("GET /lcx//other.example/", "", "two slashes"),
        ("GET /lcx/a/../b", "", ". or .. segment"),
        ("GET /lcx/%zz", "", "two hexadecimal digits"),
    ] {
        let reply = call(&gateway.address, line, headers, b"");
        assert_eq!(reply.status(), 400, "{line}");
        assert!(reply.text().contains(sentence), "{}", reply.text());
    }
    let mut latin = b"GET /lcx/ HTTP/1.1\r\nHost: localhost\r\n".to_vec();
    latin.extend_from_slice(authorization(LOCAL_KEY).as_bytes());
    latin.extend_from_slice(b"X-Name: caf\xe9\r\n\r\n");
    let reply = send(&gateway.address, latin);
    assert_eq!(reply.status(), 400);
    assert!(
        reply
            .text()
            .contains("the header x-name contains a byte that is not printable ASCII")
    );
    let long = call(
        &gateway.address,
        &format!("GET /lcx/{}", "a".repeat(8_000)),
        "",
        b"",
    );
    assert_eq!(long.status(), 414);
    assert_eq!(product.requests().len(), 1);
}

#[test]
fn each_first_segment_reaches_its_service() {
    let emulator = Emulator::start().unwrap();
    let gateway = Running::to_emulator(&emulator);
    let accept = "Accept: application/json\r\n";
    for (path, status) in [
        ("/lcx/flows", 200),
        ("/trustedform-app/account", 200),
        ("/suppressionlist/lists", 200),
        ("/trustedform/0123456789abcdef0123456789abcdef01234567", 404),
        ("/flows", 404),
        ("/", 404),
    ] {
        let reply = call(&gateway.address, &format!("GET {path}"), accept, b"");
        assert_eq!(reply.status(), status, "{path}: {}", reply.text());
        let is_ours = matches!(path, "/flows" | "/");
        assert_eq!(reply.refusal().is_some(), is_ours, "{path}");
    }
    assert_eq!(call(&gateway.lcx, "GET /flows", accept, b"").status(), 200);
}

#[test]
fn a_product_that_rejects_every_key_is_passed_on_as_it_is() {
    let emulator = Emulator::start().unwrap();
    let gateway = Running::start(emulator.origins(), &[ACCOUNT_KEY], Limits::new());
    let reply = call(
        &gateway.lcx,
        "GET /flows",
        "Accept: application/json\r\n",
        b"",
    );
    assert_eq!((reply.status(), reply.refusal()), (401, None));
    assert_eq!(reply.text(), r#"{"error":"authentication failed"}"#);
    let without = Running::start(emulator.origins(), &[], Limits::new());
    let reply = call(
        &without.lcx,
        "GET /flows",
        "Accept: application/json\r\n",
        b"",
    );
    assert_eq!((reply.status(), reply.refusal()), (502, Some("no_key")));
}
