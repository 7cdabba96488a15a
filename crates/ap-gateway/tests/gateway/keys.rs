//! Keys: which answers pass, and what is in them.

use ap_emulator::Emulator;
use ap_gateway::Limits;
use ap_gateway::ap_client::ap_core::key::{DEFAULT_USER, basic};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::common::{
    ACCOUNT_KEY, Connection, LOCAL_KEY, Product, Reply, Running, authorization, call,
};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// The key that a reset has just made.
const NEW_KEY: &str = "placeholder-new-key";

/// Makes one call to a product that answers with these header lines and this body.
fn answered(keys: &[&str], status: &str, headers: &str, body: &str) -> Reply {
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
    let product = Product::start(move |_| Some(answer.clone().into_bytes()));
    let gateway = Running::start(product.origins(), keys, Limits::new());
    call(&gateway.lcx, "GET /", "", b"")
}

#[test]
fn the_local_key_is_not_sent_anywhere() {
    let product = Product::with(OK);
    let gateway = Running::to_product(&product, Limits::new());
    let header = format!("X-Api-Key: {LOCAL_KEY}\r\n");
    // The same header under another name.
    let encoded = authorization(LOCAL_KEY).replace("Authorization", "X-Authorization");
    let name = format!("X-{}-Y: z\r\n", LOCAL_KEY.to_ascii_uppercase());
    let escaped = format!("{{\"key\":\"{}\"}}", LOCAL_KEY.replace('-', r"\u002d"));
    for (line, headers, body) in [
        (format!("GET /lcx/?key={LOCAL_KEY}"), "", ""),
        (
            format!("GET /lcx/{}", LOCAL_KEY.replace('-', "%2D")),
            "",
            "",
        ),
        ("GET /lcx/".to_owned(), header.as_str(), ""),
        ("GET /lcx/".to_owned(), encoded.as_str(), ""),
        ("GET /lcx/".to_owned(), name.as_str(), ""),
        (format!("{LOCAL_KEY} /lcx/"), "", ""),
        ("POST /lcx/".to_owned(), "", &escaped),
        (
            "POST /lcx/".to_owned(),
            "",
            &format!("{{\"key\":\"{LOCAL_KEY}\"}}"),
        ),
    ] {
        let reply = call(&gateway.address, &line, headers, body.as_bytes());
        assert_eq!(
            (reply.status(), reply.refusal()),
            (400, Some("local_key")),
            "{line}"
        );
        assert!(!reply.text().contains(LOCAL_KEY));
    }
    assert!(product.requests().is_empty());
}

#[test]
fn an_answer_with_the_accounts_key_is_withheld() {
    let pair = basic(DEFAULT_USER.as_bytes(), ACCOUNT_KEY.as_bytes());
    let pair = pair.to_str().unwrap();
    for (header, body) in [
        (String::new(), format!("your key is {ACCOUNT_KEY}")),
        (format!("X-Key: {ACCOUNT_KEY}\r\n"), String::new()),
        (format!("X-{ACCOUNT_KEY}: y\r\n"), String::new()),
        (String::new(), format!("you sent {pair}")),
    ] {
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\n{header}Content-Length: {length}\r\n\r\n{body}");
        let product = Product::start(move |_| Some(answer.clone().into_bytes()));
        let gateway = Running::to_product(&product, Limits::new());
        let reply = call(&gateway.lcx, "GET /", "", b"");
        assert_eq!((reply.status(), reply.refusal()), (502, Some("withheld")));
        let text = format!("{} {}", reply.head, reply.text());
        assert!(!text.contains(ACCOUNT_KEY) && !text.contains(pair));
    }
}

#[test]
fn no_spelling_of_the_accounts_key_passes() {
    let escaped = format!("{{\"text\":\"{}\"}}", ACCOUNT_KEY.replace('a', r"\u0061"));
    let encoded = STANDARD.encode(format!("other-user:{ACCOUNT_KEY}:x"));
    for (headers, body) in [
        ("", escaped.as_str()),
        ("", encoded.as_str()),
        (&*format!("X-Echo: {encoded}\r\n"), ""),
    ] {
        let reply = answered(&[ACCOUNT_KEY], "200 OK", headers, body);
        assert_eq!(
            (reply.status(), reply.refusal()),
            (502, Some("withheld")),
            "{body}"
        );
    }
    // A short key is looked for too, where it is no part of a word.
    let short = ["a1b2"];
    for (body, status) in [
        (r#"{"text":"a1b2"}"#, 502),
        ("your key is a1b2", 502),
        (r#"{"id":"5f3ba1b2c0"}"#, 200),
    ] {
        assert_eq!(
            answered(&short, "200 OK", "", body).status(),
            status,
            "{body}"
        );
    }
}

#[test]
fn api_keys_are_replaced_by_the_names_of_their_members_and_every_other_byte_stays() {
    let json = "Content-Type: application/json\r\n";
    for (headers, body, expected) in [
        (
            json,
            r#"{ "api_key" : "placeholder-new-key", "id":"1" }"#,
            r#"{ "api_key" : "[redacted]", "id":"1" }"#,
        ),
        (
            json,
            r#"[{"user":{"api_key":"short"},"token":"t"}]"#,
            r#"[{"user":{"api_key":"[redacted]"},"token":"t"}]"#,
        ),
        (
            json,
            r#"{"api_key":"placeholder-account-key"}"#,
            r#"{"api_key":"[redacted]"}"#,
        ),
        (
            json,
            r#"{"\u0061pi_key":"placeholder-\u006eew-key"}"#,
            r#"{"\u0061pi_key":"[redacted]"}"#,
        ),
        (
            "",
            r#"{"apiKeys":["placeholder-new-key"],"n":1.0}"#,
            r#"{"apiKeys":"[redacted]","n":1.0}"#,
        ),
        (
            json,
            r#"{"api_key":null,"comment":"api_key: none"}"#,
            r#"{"api_key":null,"comment":"api_key: none"}"#,
        ),
        // What the program asked for: credentials of other services, and text about keys.
        (
            json,
            r#"{"password":"p","access_token":"t"}"#,
            r#"{"password":"p","access_token":"t"}"#,
        ),
        (
            "Content-Type: text/html\r\n",
            r#"<script>x={"api_key":"public"}</script>"#,
            r#"<script>x={"api_key":"public"}</script>"#,
        ),
    ] {
        let reply = answered(&[ACCOUNT_KEY], "200 OK", headers, body);
        assert_eq!((reply.status(), reply.text()), (200, expected), "{body}");
    }
    let headers = format!("X-Api-Key: {NEW_KEY}\r\nETag: \"1\"\r\nContent-MD5: x\r\n");
    let body = format!("{{\"api_key\":\"{NEW_KEY}\"}}");
    let reply = answered(&[ACCOUNT_KEY], "200 OK", &headers, &body);
    assert_eq!(reply.header("x-api-key"), Some("[redacted]"));
    assert_eq!(reply.header("etag"), Some("\"1\""));
    assert_eq!(
        reply.header("content-md5"),
        None,
        "it is not that of this body"
    );
    assert_eq!(reply.text(), r#"{"api_key":"[redacted]"}"#);
}

#[test]
fn a_user_and_an_account_can_be_read_without_their_keys_also_during_a_reset() {
    let emulator = Emulator::start().unwrap();
    let gateway = Running::to_emulator(&emulator);
    // The gateway does not know the new key yet.
    let (old, new) = (emulator.key(), emulator.reset());
    for path in ["/lcx/user", "/lcx/account", "/trustedform-app/account"] {
        let line = format!("GET {path}");
        let reply = call(&gateway.address, &line, "Accept: application/json\r\n", b"");
        assert_eq!(reply.status(), 200, "{path}: {}", reply.text());
        for key in [&old, &new] {
            assert!(
                !reply.text().contains(key.as_str()),
                "{path}: {}",
                reply.text()
            );
        }
    }
}

#[test]
fn an_answer_that_cannot_be_searched_is_withheld() {
    for (status, headers) in [
        ("200 OK", "Content-Encoding: gzip\r\n"),
        ("200 OK", "Content-Encoding: identity, br\r\n"),
        (
            "200 OK",
            "Content-Type: application/json; charset=UTF-16\r\n",
        ),
        ("206 Partial Content", "Content-Range: bytes 0-1/9\r\n"),
        (
            "206 Partial Content",
            "Content-Type: multipart/byteranges; boundary=x\r\n",
        ),
        ("200 OK", "Content-Range: bytes 0-1/9\r\n"),
        ("416 Range Not Satisfiable", "Content-Range: bytes */9\r\n"),
    ] {
        let reply = answered(&[ACCOUNT_KEY], status, headers, "xx");
        assert_eq!(
            (reply.status(), reply.refusal()),
            (502, Some("withheld")),
            "{headers}"
        );
    }
    for (status, headers) in [
        ("200 OK", "Content-Encoding: identity\r\n"),
        ("200 OK", "Content-Type: text/csv; charset=iso-8859-1\r\n"),
    ] {
        assert_eq!(
            answered(&[ACCOUNT_KEY], status, headers, "xx").status(),
            200,
            "{headers}"
        );
    }
    // An answer without a body has nothing to search.
    let product =
        Product::with(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 70\r\n\r\n");
    let gateway = Running::to_product(&product, Limits::new());
    let reply = Connection::open(&gateway.lcx).call("HEAD /", "", b"");
    assert_eq!(reply.unwrap().status(), 200);
}

#[test]
fn a_body_with_the_mark_of_a_replaced_key_is_not_saved() {
    let product = Product::with(OK);
    let gateway = Running::to_product(&product, Limits::new());
    let body = br#"{"name":"x","api_key":"[redacted]"}"#;
    let reply = call(&gateway.lcx, "PUT /account", "", body);
    assert_eq!((reply.status(), reply.refusal()), (400, Some("redacted")));
    assert!(product.requests().is_empty());
    let body = br#"{"comment":"[redacted]"}"#;
    assert_eq!(call(&gateway.lcx, "PUT /account", "", body).status(), 200);
}
