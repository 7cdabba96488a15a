//! Runs the code of the example against a server of the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code, reason = "its `main` is not called from here")]
#[path = "../examples/bare_exchange.rs"]
mod bare_exchange;
mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use ap_core::KeyRing;
use ap_core::key::basic;
use http::StatusCode;

/// Answers each connection with the next reply. Returns the URL, and the heads of the requests when it ends.
fn server(replies: Vec<String>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = move |reply: String| {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(&stream).lines().map(Result::unwrap);
        let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        stream.write_all(reply.as_bytes()).unwrap();
        head.join("\n")
    };
    (
        url,
        thread::spawn(|| replies.into_iter().map(answer).collect()),
    )
}

fn ok() -> String {
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]".to_owned()
}

fn bad() -> String {
    format!(
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: 33\r\n\r\n{}",
        common::BAD
    )
}

fn call(url: &str, letters: &str) -> Result<(StatusCode, String), String> {
    let ring = KeyRing::new(common::keys(letters)).unwrap();
    bare_exchange::call(url, ring).map_err(|error| error.to_string())
}

#[track_caller]
fn assert_keys(heads: &[String], letters: &str) {
    assert_eq!(heads.len(), letters.len());
    for (head, letter) in heads.iter().zip(letters.chars()) {
        assert!(head.starts_with("GET /flows HTTP/1.0\n"), "{head}");
        assert_eq!(head.matches("authorization: ").count(), 1);
        let key = basic(b"API", format!("placeholder-key-{letter}").as_bytes());
        assert!(head.contains(&format!("authorization: {}", key.to_str().unwrap())));
        assert!(head.contains("accept: application/json"));
    }
}

#[test]
fn the_example_is_answered() {
    let (url, heads) = server(vec![ok()]);
    assert_eq!(call(&url, "a"), Ok((StatusCode::OK, "[]".to_owned())));
    assert_keys(&heads.join().unwrap(), "a");
}

#[test]
fn the_example_finds_the_second_key() {
    let (url, heads) = server(vec![bad(), ok()]);
    assert_eq!(call(&url, "ab"), Ok((StatusCode::OK, "[]".to_owned())));
    assert_keys(&heads.join().unwrap(), "ab");
}

#[test]
fn the_example_says_that_every_key_was_rejected() {
    let (url, heads) = server(vec![bad()]);
    let error = r#"LeadConduit rejected the API key: "a""#;
    assert_eq!(call(&url, "a"), Err(error.to_owned()));
    assert_keys(&heads.join().unwrap(), "a");
}

#[test]
fn the_examples_own_listener_accepts_one_key() {
    let url = bare_exchange::listener::listen(common::key('b')).unwrap();
    let (status, body) = call(&url, "ab").unwrap();
    assert_eq!(status, StatusCode::OK);
    assert!(body.contains("An example"));
    let error = r#"LeadConduit rejected every API key: "a", "c""#;
    assert_eq!(call(&url, "ac"), Err(error.to_owned()));
}

#[test]
fn a_url_that_is_not_an_origin_on_loopback_is_refused() {
    for (url, error) in [
        (
            "http://192.0.2.1",
            "the URL is not on loopback (127.0.0.0/8, [::1] or localhost)",
        ),
        (
            "https://app.leadconduit.com",
            "the URL is not on loopback (127.0.0.0/8, [::1] or localhost)",
        ),
        (
            "http://127.0.0.1:1/x",
            "the URL has something after the host and port; remove it",
        ),
        ("127.0.0.1:1", "the URL does not begin with https://"),
    ] {
        assert_eq!(call(url, "a"), Err(error.to_owned()), "{url}");
    }
}
