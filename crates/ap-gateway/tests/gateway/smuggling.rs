//! Bytes that servers could read in two ways, on both sides, and what else HTTP/1.1 allows.

use std::io::Write as _;

use ap_gateway::Limits;

use crate::common::{Connection, LOCAL_KEY, Product, Running, authorization, call};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// The statuses of the answers to some bytes, until the gateway closes the connection.
fn statuses(address: &str, bytes: &str) -> Vec<String> {
    let mut connection = Connection::open(address);
    // The gateway may close before everything is written.
    let _ = connection.stream.write_all(bytes.as_bytes());
    std::iter::from_fn(|| connection.reply(false))
        .map(|reply| reply.status().to_string())
        .collect()
}

/// The first line | more lines | what comes after the head | the statuses | how many requests the product gets.
/// `~` ends a line, `GET` at the end is a whole request after which the connection closes, `OWN` is the gateway's authority,
/// and `<r>`, `<t>`, `<v>` and `<0>` are control characters.
const REQUESTS: &str = "
GET / HTTP/1.1 | | GET | 200 200 | 2
POST / HTTP/1.1 | Content-Length: 3~ | abcGET | 200 200 | 2
GET / HTTP/1.1 | Content-Length: 3~ | abcGET | 200 200 | 2
~~GET / HTTP/1.1 | | ~GET | 200 200 | 2
POST / HTTP/1.1 | Transfer-Encoding: chunked~ | 1~a~0~~GET | 200 | 1
POST / HTTP/1.1 | Transfer-Encoding: CHUNKED~ | 0~X: y~~GET | 200 | 1
POST / HTTP/1.1 | Transfer-Encoding: chunked~ | 0~X y: z~~GET | 400 | 0
POST / HTTP/1.1 | Content-Length: 1, 1~ | aGET | 400 | 0
POST / HTTP/1.1 | Content-Length: 0x1~ | aGET | 400 | 0
POST / HTTP/1.1 | Content-Length: +1~ | aGET | 400 | 0
POST / HTTP/1.1 | Content-Length: -1~ | aGET | 400 | 0
POST / HTTP/1.1 | Content-Length:~ | aGET | 400 | 0
POST / HTTP/1.1 | Content-Length: 99999999999999999999~ | aGET | 400 | 0
POST / HTTP/1.1 | Content-Length : 1~ | aGET | 400 | 0
POST / HTTP/1.1 | Content-Length: 1~Content-Length: 1~ | aGET | 400 | 0
POST / HTTP/1.1 | Content-Length: 1~Transfer-Encoding: chunked~ | 0~~GET | 400 | 0
POST / HTTP/1.1 | Transfer-Encoding: chunked~Transfer-Encoding: chunked~ | 0~~GET | 400 | 0
POST / HTTP/1.1 | Transfer-Encoding: gzip, chunked~ | 0~~GET | 400 | 0
POST / HTTP/1.1 | Transfer-Encoding: chunked, gzip~ | 0~~GET | 400 | 0
POST / HTTP/1.1 | Transfer-Encoding: identity~ | 0~~GET | 400 | 0
POST / HTTP/1.1 | Transfer-Encoding: xchunked~ | 0~~GET | 400 | 0
POST / HTTP/1.1 | Transfer-Encoding: 'chunked'~ | 0~~GET | 400 | 0
POST / HTTP/1.1 | Transfer-Encoding:<v>chunked~ | 0~~GET | 400 | 0
POST / HTTP/1.1 | Transfer-Encoding:~ chunked~ | 0~~GET | 400 | 0
POST / HTTP/1.1 | Transfer-Encoding:~ | 0~~GET | 400 | 0
POST / HTTP/1.0 | Transfer-Encoding: chunked~ | 0~~GET | 400 | 0
POST / HTTP/1.1 | Transfer-Encoding: chunked~ | 0x1~a~0~~ | 400 | 0
POST / HTTP/1.1 | Transfer-Encoding: chunked~ | -1~a~0~~ | 400 | 0
POST / HTTP/1.1 | Transfer-Encoding: chunked~ | ffffffffffffffff1~a~0~~ | 400 | 0
POST / HTTP/1.1 | Transfer-Encoding: chunked~ | 1~ab~0~~ | 400 | 0
POST / HTTP/1.1 | Transfer_Encoding: chunked~Content_Length: 9~ | GET | 200 200 | 2
GET / HTTP/1.0 | | GET | 200 | 1
GET / HTTP/1.0 | Connection: keep-alive~ | GET | 200 200 | 2
GET / HTTP/1.2 | | | 400 | 0
GET / HTTP/2.0 | | | 400 | 0
GET / | | | 400 | 0
PRI * HTTP/2.0 | | SM~~ | 400 | 0
GET / HTTP/1.1 | X: a<r>Y: b~ | | 400 | 0
GET / HTTP/1.1 | X: a<0>b~ | | 400 | 0
GET / HTTP/1.1 | : a~ | | 400 | 0
GET / HTTP/1.1 | <t>X: a~ | | 400 | 0
GET / HTTP/1.1 | X~ | | 400 | 0
GET  / HTTP/1.1 | | | 400 | 0
GET /a b HTTP/1.1 | | | 400 | 0
GET /<t>a HTTP/1.1 | | | 400 | 0
G@T / HTTP/1.1 | | | 400 | 0
GET / HTTP/1.1 | Connection: upgrade~Upgrade: websocket~ | GET | 200 200 | 2
GET / HTTP/1.1 | Connection: upgrade, http2-settings~Upgrade: h2c~HTTP2-Settings: AA~ | GET | 200 200 | 2
POST / HTTP/1.1 | Upgrade: x~Content-Length: 3~ | abcGET | 200 200 | 2
GET / HTTP/1.1 | Expect: 100-continue~ | GET | 200 200 | 2
CONNECT localhost:80 HTTP/1.1 | | GET | 405 | 0
CONNECT localhost:80 HTTP/1.1 | Content-Length: 3~ | abcGET | 405 | 0
GET http://localhost/ HTTP/1.1 | | GET | 400 200 | 1
GET https://OWN/ HTTP/1.1 | | GET | 400 200 | 1
GET ftp://OWN/ HTTP/1.1 | | GET | 400 200 | 1
GET http://user@OWN/ HTTP/1.1 | | GET | 421 200 | 1
GET * HTTP/1.1 | | GET | 405 200 | 1
OPTIONS * HTTP/1.1 | | GET | 405 200 | 1
GET localhost:80 HTTP/1.1 | | GET | 400 200 | 1
";

#[test]
fn each_request_is_read_in_one_way_or_not_at_all() {
    let product = Product::with(OK);
    let gateway = Running::to_product(&product, Limits::new());
    let address = &gateway.lcx;
    let own = format!("Host: localhost\r\n{}", authorization(LOCAL_KEY));
    let next = format!("GET /next HTTP/1.1\r\n{own}Connection: close\r\n\r\n");
    let mut failures = Vec::new();
    for row in REQUESTS.trim().lines() {
        let fields: Vec<_> = row
            .split('|')
            .map(|field| field.trim_matches(' '))
            .collect();
        let [line, lines, rest, expected, requests] = fields[..] else {
            panic!("{row}");
        };
        let is_absolute = line.contains("OWN");
        let line = line.replace("OWN", address);
        let own = if is_absolute {
            own.replace("localhost", address)
        } else {
            own.clone()
        };
        let rest = rest.replace("GET", &next);
        let mut bytes = format!("{line}~{own}{lines}~{rest}");
        for (name, text) in [
            ("~", "\r\n"),
            ("<r>", "\r"),
            ("<t>", "\t"),
            ("<v>", "\u{b}"),
            ("<0>", "\0"),
        ] {
            bytes = bytes.replace(name, text);
        }
        let before = product.requests().len();
        let found = statuses(address, &bytes);
        let sent = product.requests()[before..].to_vec();
        if found.join(" ") != expected || sent.len().to_string() != requests {
            failures.push(format!("{row}: {found:?}, {} sent", sent.len()));
        }
        let sent = String::from_utf8_lossy(&sent.concat()).to_ascii_lowercase();
        for name in ["transfer", "content_length", "upgrade", "expect", "http2"] {
            assert!(!sent.contains(name), "{row}: {sent}");
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn an_answer_of_another_protocol_or_with_interim_answers_is_one_answer() {
    let endless = "HTTP/1.1 102 Processing\r\n\r\n".repeat(5000);
    for (answer, status) in [
        (
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
            502,
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            200,
        ),
        (
            "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            200,
        ),
        (&endless, 502),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            502,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            502,
        ),
        (
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            502,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Trailer: 1\r\n\r\n",
            200,
        ),
        (
            "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
            502,
        ),
        ("HTTP/2 200\r\nContent-Length: 2\r\n\r\nok", 502),
    ] {
        let bytes = answer.as_bytes().to_vec();
        let product = Product::start(move |_| Some(bytes.clone()));
        let gateway = Running::to_product(&product, Limits::new());
        let reply = call(&gateway.lcx, "POST /", "", b"x");
        assert_eq!(reply.status(), status, "{answer:.80}: {}", reply.text());
        assert_eq!(product.requests().len(), 1, "{answer:.80}");
        if status == 200 {
            assert_eq!(reply.text(), "ok");
            assert!(reply.header("x-trailer").is_none() && reply.header("link").is_none());
        }
    }
}

#[test]
fn a_head_that_two_programs_could_end_differently_is_written_once() {
    // A length twice, in an answer without a body.
    let product =
        Product::with(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Length: 7\r\n\r\n");
    let gateway = Running::to_product(&product, Limits::new());
    let reply = Connection::open(&gateway.lcx)
        .call("HEAD /", "", b"")
        .unwrap();
    assert_eq!(
        reply
            .head
            .to_ascii_lowercase()
            .matches("content-length")
            .count(),
        1
    );
}
