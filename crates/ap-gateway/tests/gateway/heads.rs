//! Heads that the server below the gateway refuses: each gets a sentence, and nothing of it reaches a product.

use std::net::Shutdown;

use ap_gateway::Limits;

use crate::common::{Connection, LOCAL_KEY, Product, Reply, Running, authorization, call, request};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Sends bytes, reads the answer, and checks that the connection ends after it.
fn last_answer(address: &str, bytes: &[u8]) -> Reply {
    let mut connection = Connection::open(address);
    // The gateway may close before everything is written.
    let _ = std::io::Write::write_all(&mut connection.stream, bytes);
    let reply = connection.reply(false).expect("no answer");
    assert!(
        connection.reply(false).is_none(),
        "more than one answer: {reply:?}"
    );
    reply
}

/// The start of a request | a word of the sentence. `~` ends a line, `|` separates, `OWN` are the usual headers.
const MALFORMED: &str = "
G@T / HTTP/1.1~OWN~ | method
 GET / HTTP/1.1~OWN~ | method
GET  / HTTP/1.1~OWN~ | URI
GET /a b HTTP/1.1~OWN~ | %20
GET /<0> HTTP/1.1~OWN~ | URI
GET /<7f> HTTP/1.1~OWN~ | URI
GET /<t> HTTP/1.1~OWN~ | URI
GET http://[::1 HTTP/1.1~OWN~ | URI
GET a/b HTTP/1.1~OWN~ | URI
GET / HTTP/1.2~OWN~ | version
GET / HTTP/2.0~OWN~ | version
GET / http/1.1~OWN~ | version
GET /~OWN~ | URI
GET / HTTP/1.1~OWNX : y~~ | header
GET / HTTP/1.1~OWNX~~ | header
GET / HTTP/1.1~OWN: y~~ | header
GET / HTTP/1.1~OWNX: y~ z~~ | header
GET / HTTP/1.1~ X: y~OWN~ | header
GET / HTTP/1.1~OWNX: a<0>b~~ | header
GET / HTTP/1.1~OWNX<e9>: b~~ | header
POST / HTTP/1.1~OWNContent-Length: x~~ | content-length
POST / HTTP/1.1~OWNContent-Length: +1~~x | content-length
POST / HTTP/1.1~OWNContent-Length: 1, 1~~x | content-length
POST / HTTP/1.1~OWNContent-Length: 1~Content-Length: 2~~xy | content-length
POST / HTTP/1.1~OWNContent-Length: 18446744073709551615~~x | too large
POST / HTTP/1.1~OWNTransfer-Encoding: gzip~~x | transfer-encoding
POST / HTTP/1.0~OWNTransfer-Encoding: chunked~~0~~ | transfer-encoding
PRI * HTTP/2.0~~SM~~<0><0><0> | without HTTP/2
<16><3><1><0>~ | method
";

#[test]
fn a_head_that_the_server_refuses_gets_a_sentence() {
    let product = Product::with(OK);
    let gateway = Running::to_product(&product, Limits::new());
    let own = format!("Host: localhost~{}~", authorization(LOCAL_KEY).trim_end());
    let mut failures = Vec::new();
    let mut rows = 0;
    for row in MALFORMED.split('\n').filter(|row| !row.is_empty()) {
        rows += 1;
        let (start, word) = row.rsplit_once(" | ").unwrap();
        let mut bytes = start.replace("OWN", &own).replace('~', "\r\n").into_bytes();
        for (name, byte) in [
            ("<0>", 0),
            ("<1>", 1),
            ("<3>", 3),
            ("<t>", b'\t'),
            ("<16>", 0x16),
            ("<7f>", 0x7f),
            ("<e9>", 0xe9),
        ] {
            while let Some(at) = bytes
                .windows(name.len())
                .position(|part| part == name.as_bytes())
            {
                bytes.splice(at..at + name.len(), [byte]);
            }
        }
        // Alone, after another request on its connection, and in the same piece as that.
        for before in 0..3 {
            let mut connection = Connection::open(&gateway.lcx);
            match before {
                0 => connection.write(&bytes),
                1 => {
                    assert_eq!(connection.call("GET /", "", b"").unwrap().status(), 200);
                    connection.write(&bytes);
                }
                _ => {
                    let mut both = request("GET /", "", b"");
                    both.extend_from_slice(&bytes);
                    connection.write(both);
                    assert_eq!(connection.reply(false).unwrap().status(), 200);
                }
            }
            let reply = connection.reply(false);
            let is_right = reply.as_ref().is_some_and(|reply| {
                let body: serde_json::Value =
                    serde_json::from_slice(&reply.body).unwrap_or_default();
                let sentence = body["error"].as_str().unwrap_or_default();
                let is_large = sentence.contains("64 KiB");
                reply.status() == if is_large { 431 } else { 400 }
                    && (sentence.contains(word) || (is_large && word == "too large"))
                    && reply.refusal() == Some("head")
                    && reply.header("connection") == Some("close")
                    && reply.header("content-type") == Some("application/json")
            });
            if !is_right {
                failures.push(format!("{row} ({before}): {reply:?}"));
            } else if connection.reply(false).is_some() {
                failures.push(format!("{row} ({before}): two answers"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(
        product.requests().len(),
        2 * rows,
        "only the requests before them were sent"
    );
    let accesses = gateway.accesses.lock().unwrap();
    let refused = accesses
        .iter()
        .filter(|access| access.refusal == Some("head"));
    assert_eq!(refused.count(), 3 * rows);
    drop(accesses);
    let metrics = call(&gateway.address, "GET /_gateway/metrics", "", b"");
    let line = format!(
        "ap_gateway_refusals_total{{reason=\"head\"}} {}\n",
        3 * rows
    );
    assert!(metrics.text().contains(&line), "{}", metrics.text());
}

#[test]
fn a_head_that_is_too_large_gets_a_431_with_a_sentence() {
    let product = Product::with(OK);
    let gateway = Running::to_product(&product, Limits::new());
    let many: String = (0..99).map(|at| format!("X-{at}: y\r\n")).collect();
    let long = format!("X-Long: {}\r\n", "y".repeat(70 * 1024));
    let target = format!("GET /{}", "é".repeat(30 * 1024));
    for (line, headers) in [("GET /", &many), ("GET /", &long), (&target, &long)] {
        let reply = last_answer(&gateway.lcx, &request(line, headers, b""));
        assert_eq!((reply.status(), reply.refusal()), (431, Some("head")));
        assert!(reply.text().contains("send less"), "{}", reply.text());
    }
    assert!(product.requests().is_empty());
    // 100 lines are fine, with the two that every request has.
    let many: String = (0..98).map(|at| format!("X-{at}: y\r\n")).collect();
    assert_eq!(call(&gateway.lcx, "GET /", &many, b"").status(), 200);
}

#[test]
fn what_a_url_may_not_contain_reaches_the_product_percent_encoded() {
    let product = Product::with(OK);
    let gateway = Running::to_product(&product, Limits::new());
    let table: [(&[u8], &str); 8] = [
        (b"/lcx/caf\xe9", "/caf%E9"),
        (b"/lcx/\x80\xff?\x80=\xff", "/%80%FF?%80=%FF"),
        ("/lcx/é?ü=€".as_bytes(), "/%C3%A9?%C3%BC=%E2%82%AC"),
        (b"/lcx/a#b?c#d", "/a%23b?c%23d"),
        (b"/lcx/<a>`\"", "/%3Ca%3E%60%22"),
        (
            b"/lcx/?a=<b>`\"&c='|^{}[]",
            "/?a=%3Cb%3E%60%22&c=%27%7C%5E%7B%7D%5B%5D",
        ),
        (b"/lcx/%41%e9%2F", "/%41%e9%2F"),
        (b"/lcx/%e9\xe9", "/%e9%E9"),
    ];
    for (at, (target, expected)) in table.iter().enumerate() {
        let mut bytes = b"POST ".to_vec();
        bytes.extend_from_slice(target);
        bytes.extend_from_slice(&request("", "", b"caf\xe9 #")[..]);
        // The last bytes of the target, and what follows, come later.
        let (start, rest) = bytes.split_at(4 + target.len());
        let mut connection = Connection::open(&gateway.address);
        connection.write(start);
        std::thread::yield_now();
        connection.write(rest);
        connection.write(request("GET /lcx/next", "", b""));
        assert_eq!(connection.reply(false).unwrap().status(), 200, "{expected}");
        assert_eq!(connection.reply(false).unwrap().status(), 200, "{expected}");
        let requests = product.requests();
        assert_eq!(requests.len(), 2 * at + 2, "{expected}");
        let line = format!("POST {expected} HTTP/1.1\r\n");
        let sent = &requests[2 * at];
        assert!(
            sent.starts_with(line.as_bytes()),
            "{expected}: {}",
            sent.escape_ascii()
        );
        assert!(sent.ends_with(b"\r\n\r\ncaf\xe9 #"), "{expected}");
        assert!(requests[2 * at + 1].starts_with(b"GET /next HTTP/1.1\r\n"));
    }
}

#[test]
fn a_target_that_looks_like_another_host_stays_refused() {
    let product = Product::with(OK);
    let gateway = Running::to_product(&product, Limits::new());
    let own = &gateway.lcx;
    for target in [
        format!("http://other.example#@{own}/"),
        format!("http://{own}#@other.example/"),
        format!("http://{own}\"/"),
        format!("http://{own}<.other.example/"),
        format!("http://\u{e9}@{own}/"),
        format!("http://{own}\\@other.example/"),
    ] {
        let bytes = format!(
            "GET {target} HTTP/1.1\r\nHost: {own}\r\n{}\r\n",
            authorization(LOCAL_KEY)
        );
        let mut connection = Connection::open(own);
        connection.write(bytes);
        let reply = connection.reply(false).unwrap();
        assert!(matches!(reply.status(), 400 | 421), "{target}: {reply:?}");
        assert!(reply.refusal().is_some(), "{target}");
    }
    assert!(product.requests().is_empty());
}

#[test]
fn a_head_that_ends_early_gets_a_sentence() {
    let product = Product::with(OK);
    let gateway = Running::to_product(&product, Limits::new());
    for start in ["G", "GET / HTTP/1.1\r\nHost: localhost\r\n"] {
        let mut connection = Connection::open(&gateway.lcx);
        connection.write(start);
        connection.stream.shutdown(Shutdown::Write).unwrap();
        let reply = connection.reply(false).unwrap();
        assert_eq!((reply.status(), reply.refusal()), (400, Some("head")));
        assert!(reply.text().contains("completely"), "{}", reply.text());
    }
    // One that sends nothing, or only ends of lines, wants nothing.
    for start in ["", "\r\n"] {
        let mut connection = Connection::open(&gateway.lcx);
        connection.write(start);
        connection.stream.shutdown(Shutdown::Write).unwrap();
        assert!(connection.reply(false).is_none());
    }
    assert!(product.requests().is_empty());
}
