//! The key reaches the server and no log.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::HashSet;
use std::sync::Mutex;

use ap_ureq::ap_client::transport::TransportErrorKind;
use common::{Server, describe, own, send};
use http::HeaderValue;
use http::header::AUTHORIZATION;

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Collector;

impl log::Log for Collector {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        LINES.lock().unwrap().push(record.args().to_string());
    }
    fn flush(&self) {}
}

/// Logs everything, for all tests of this file.
fn collect() {
    let _ = log::set_logger(&Collector);
    log::set_max_level(log::LevelFilter::Trace);
}

/// Returns everything that was logged: the lines, and the bytes that ureq shows as rows of hexadecimal.
fn logged() -> String {
    let lines = LINES.lock().unwrap();
    let mut all = lines.join("\n");
    for line in lines.iter() {
        let columns = line.get(..39).unwrap_or_default().split_ascii_whitespace();
        let digits: String = columns.collect();
        let bytes = digits.as_bytes().chunks(2).map_while(|pair| {
            let pair = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(pair, 16).ok()
        });
        all.extend(bytes.map(char::from));
    }
    all
}

#[test]
fn a_key_of_any_form_reaches_the_server_and_no_log() {
    collect();
    let server = Server::start(|connection| {
        loop {
            // The server repeats the key, in its head and in its body.
            let head = connection.read_head()?;
            let key = head
                .lines()
                .find_map(|line| line.strip_prefix("authorization: "))?;
            let length = key.len();
            let answer =
                format!("HTTP/1.1 401 No\r\nX-Key: {key}\r\nContent-Length: {length}\r\n\r\n{key}");
            connection.write(answer.as_bytes())?;
        }
    });
    let transport = own();
    for key in [
        "Basic eDprZXk=".to_owned(),
        "Basic ~~~~~~~~~~~~~~~~".to_owned(),
        format!("Basic {}", "c2VjcmV0".repeat(4)),
        format!("Basic {}", "c2VjcmV0".repeat(1000)),
    ] {
        let mut request = server.get("/~a/~b?authorization:%20~");
        let headers = request.headers_mut();
        headers.insert(
            "x-before",
            HeaderValue::from_static("authorization: ~~~~~~"),
        );
        headers.insert(AUTHORIZATION, HeaderValue::try_from(&key).unwrap());
        headers.insert("x-after", HeaderValue::from_static("~"));
        assert_eq!(describe(send(&transport, &request)), format!("401 {key}"));
        assert!(
            !logged().contains(key.trim_start_matches("Basic ")),
            "{key}"
        );
    }
    assert_eq!(server.accepted(), 1);

    // The logger works, and every call has a placeholder of its own.
    let logged = logged();
    let placeholders = logged.split("\nauthorization: ~").skip(1);
    let placeholders: HashSet<_> = placeholders.filter_map(|text| text.get(..9)).collect();
    assert_eq!(placeholders.len(), 4, "{placeholders:?}");
}

#[test]
fn a_key_that_cannot_be_hidden_is_not_sent() {
    collect();
    let server = Server::answering("HTTP/1.1 204\r\n\r\n");
    let keys: [&[&str]; 2] = [&["Basic a"], &["Basic eDprZXk=", "Basic eDprZXk="]];
    for keys in keys {
        let mut request = server.get("/");
        for key in keys {
            let key = HeaderValue::from_static(key);
            request.headers_mut().append(AUTHORIZATION, key);
        }
        assert_eq!(
            send(&own(), &request).err(),
            Some(TransportErrorKind::Unsendable)
        );
    }
    assert_eq!(server.accepted(), 0);
}
