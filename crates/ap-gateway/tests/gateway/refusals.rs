//! Requests that are refused before anything is sent.

use ap_gateway::Limits;

use crate::common::{Connection, LOCAL_KEY, Product, Running, authorization, call, request, send};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn a_wrong_key_gets_a_401_that_is_not_the_vendors() {
    let product = Product::with(OK);
    let gateway = Running::to_product(&product, Limits::new());
    let good = authorization(LOCAL_KEY);
    for key in [
        String::new(),
        authorization("placeholder-other-key"),
        authorization(""),
        good.replace("Basic", "Bearer"),
        format!("Authorization: {LOCAL_KEY}\r\n"),
    ] {
        let bytes = format!("GET /lcx/ HTTP/1.1\r\nHost: localhost\r\n{key}\r\n");
        let reply = send(&gateway.address, bytes);
        assert_eq!(reply.status(), 401, "{key}");
        assert_eq!(reply.text(), r#"{"error":"wrong gateway key"}"#);
        assert!(reply.header("www-authenticate").is_some());
    }
    assert!(product.requests().is_empty());
    let bytes = format!("GET /lcx/ HTTP/1.1\r\nHost: localhost\r\n{good}\r\n");
    assert_eq!(send(&gateway.address, bytes).status(), 200);
}

#[test]
fn what_is_ambiguous_foreign_or_a_browsers_is_refused() {
    let product = Product::with(OK);
    let gateway = Running::to_product(&product, Limits::new());
    let own = &gateway.address;
    let key = authorization(LOCAL_KEY);
    let host = "Host: localhost\r\n";
    let other_port = "127.0.0.1:1";
    // The first line, the other lines, the body; the status, and the reason.
    let table = [
        (
            "POST /lcx/",
            format!("{host}{key}Content-Length: 1\r\nContent-Length: 1\r\n"),
            "x",
            400,
            "framing",
        ),
        (
            "POST /lcx/",
            format!("{host}{key}Content-Length: 1\r\nContent-Length: 2\r\n"),
            "x",
            400,
            "",
        ),
        (
            "POST /lcx/",
            format!("{host}{key}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
            "0\r\n\r\n",
            400,
            "framing",
        ),
        (
            "POST /lcx/",
            format!("{host}{key}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"),
            "0\r\n\r\n",
            400,
            "framing",
        ),
        (
            "POST /lcx/",
            format!("{host}{key}Transfer-Encoding: gzip\r\n"),
            "x",
            400,
            "",
        ),
        (
            "POST /lcx/",
            format!("{host}{key}Content-Length: +1\r\n"),
            "x",
            400,
            "",
        ),
        ("GET /lcx/", format!("{host}{key}\nX: y\r\n"), "", 400, ""),
        ("GET /lcx/", format!("{host}{key}X : y\r\n"), "", 400, ""),
        (
            "GET /lcx/",
            format!("{host}{key}X: y\r\n folded\r\n"),
            "",
            400,
            "",
        ),
        (
            "GET /lcx/",
            format!("{host}{key}{key}"),
            "",
            400,
            "authorization",
        ),
        ("GET /lcx/", format!("{host}{host}{key}"), "", 400, "host"),
        ("GET /lcx/", key.clone(), "", 400, "host"),
        (
            "GET /lcx/",
            format!("Host: app.leadconduit.com\r\n{key}"),
            "",
            421,
            "host",
        ),
        (
            "GET /lcx/",
            format!("Host: 127.0.0.1.other.example\r\n{key}"),
            "",
            421,
            "host",
        ),
        (
            "GET http://app.leadconduit.com/lcx/",
            format!("Host: app.leadconduit.com\r\n{key}"),
            "",
            421,
            "host",
        ),
        (
            "GET http://app.leadconduit.com/lcx/",
            format!("{host}{key}"),
            "",
            421,
            "host",
        ),
        (
            "GET http://127.0.0.1:1/lcx/",
            format!("Host: {other_port}\r\n{key}"),
            "",
            400,
            "host",
        ),
        (
            "GET http://localhost/lcx/",
            format!("{host}{key}"),
            "",
            400,
            "host",
        ),
        ("OPTIONS *", format!("{host}{key}"), "", 405, "method"),
        (
            "CONNECT app.leadconduit.com:443",
            format!("Host: app.leadconduit.com:443\r\n{key}"),
            "",
            405,
            "method",
        ),
        ("TRACE /lcx/", format!("{host}{key}"), "", 405, "method"),
        (
            "GET /lcx/",
            format!("{host}{key}Origin: http://localhost\r\n"),
            "",
            403,
            "browser",
        ),
        (
            "GET /lcx/",
            format!("{host}{key}Origin: null\r\n"),
            "",
            403,
            "browser",
        ),
        (
            "GET /lcx/",
            format!("{host}{key}Sec-Fetch-Site: cross-site\r\n"),
            "",
            403,
            "browser",
        ),
        (
            "GET /lcx/",
            format!("{host}{key}Sec-Fetch-Site: none\r\n"),
            "",
            403,
            "browser",
        ),
        (
            "GET /_gateway/health",
            format!("{host}Origin: http://localhost\r\n"),
            "",
            403,
            "browser",
        ),
    ];
    for (line, headers, body, status, reason) in table {
        let reply = send(own, format!("{line} HTTP/1.1\r\n{headers}\r\n{body}"));
        assert_eq!(reply.status(), status, "{line} {headers}");
        if !reason.is_empty() {
            assert_eq!(reply.refusal(), Some(reason), "{line} {headers}");
        }
    }
    assert!(product.requests().is_empty());
    // An absolute target that names this gateway is fine.
    let line = format!("GET http://{own}/lcx/ HTTP/1.1\r\nHost: {own}\r\n{key}\r\n");
    assert_eq!(send(own, line).status(), 200);
}

#[test]
fn a_request_inside_the_body_of_another_is_not_answered() {
    let product = Product::with(OK);
    let gateway = Running::to_product(&product, Limits::new());
    let hidden = "GET /lcx/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for framing in [
        format!("Content-Length: 0\r\nContent-Length: {}\r\n", hidden.len()),
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n".to_owned(),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n".to_owned(),
    ] {
        let mut connection = Connection::open(&gateway.address);
        let mut bytes = request("POST /lcx/", &framing, b"");
        bytes.extend_from_slice(hidden.as_bytes());
        connection.write(bytes);
        assert_eq!(connection.reply(false).unwrap().status(), 400, "{framing}");
        assert!(connection.reply(false).is_none(), "{framing}");
    }
    assert!(product.requests().is_empty());
    // Two requests in one write are two requests.
    let mut connection = Connection::open(&gateway.address);
    let mut bytes = request("POST /lcx/1", "", b"GET /lcx/hidden HTTP/1.1\r\n\r\n");
    bytes.extend_from_slice(&request("GET /lcx/2", "", b""));
    connection.write(bytes);
    assert_eq!(connection.reply(false).unwrap().status(), 200);
    assert_eq!(connection.reply(false).unwrap().status(), 200);
    assert_eq!(product.requests().len(), 2);
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let product = Product::with(OK);
    let gateway = Running::to_product(&product, Limits::new());
    let many: String = (0..120).map(|at| format!("X-{at}: y\r\n")).collect();
    let long = format!("X-Long: {}\r\n", "y".repeat(70 * 1024));
    for headers in [many, long] {
        let mut connection = Connection::open(&gateway.lcx);
        // The gateway may close before everything is written.
        let _ = std::io::Write::write_all(&mut connection.stream, &request("GET /", &headers, b""));
        if let Some(reply) = connection.reply(false) {
            assert_eq!(reply.status(), 431);
        }
    }
    assert!(product.requests().is_empty());
    assert_eq!(call(&gateway.lcx, "GET /", "", b"").status(), 200);
}
