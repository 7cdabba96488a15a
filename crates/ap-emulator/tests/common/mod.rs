//! A client that writes and reads raw bytes, so that nothing is tidied up on the way.
#![allow(dead_code, unreachable_pub)]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use ap_emulator::{Emulator, Product};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

pub const JSON: &str = "Accept: application/json\r\n";

/// One raw answer.
#[derive(Debug, Clone)]
pub struct Reply {
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn status(&self) -> u16 {
        self.head[9..12].parse().unwrap()
    }

    /// The value of a header, whose name has to be spelled exactly so.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// The host and port of a URL.
pub fn authority(url: &str) -> &str {
    let rest = url.strip_prefix("http://").unwrap();
    rest.split('/').next().unwrap()
}

pub fn connect(url: &str) -> TcpStream {
    let stream = TcpStream::connect(authority(url)).unwrap();
    // Far beyond anything a passing test waits for: it only turns a hang into a failure.
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
}

/// Reads one answer and leaves the connection as it is.
pub fn read_reply(stream: &mut TcpStream, head_only: bool) -> Reply {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a whole head");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length: usize = head
        .lines()
        .find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse().unwrap())
        })
        .unwrap_or(0);
    let mut body = vec![0; if head_only { 0 } else { length }];
    stream.read_exact(&mut body).expect("a whole body");
    Reply { head, body }
}

/// Sends `request` as it is and reads one answer.
pub fn raw(url: &str, request: impl AsRef<[u8]>) -> Reply {
    let mut stream = connect(url);
    stream.write_all(request.as_ref()).unwrap();
    read_reply(&mut stream, request.as_ref().starts_with(b"HEAD "))
}

/// Sends a request with the given header lines, each with its line end.
pub fn send(url: &str, method: &str, path: &str, headers: &str, body: &str) -> Reply {
    let length = if body.is_empty() && method != "POST" {
        String::new()
    } else {
        format!("Content-Length: {}\r\n", body.len())
    };
    let host = authority(url);
    raw(
        url,
        format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}{length}\r\n{body}"),
    )
}

/// Everything that comes until the connection ends, and whether it ended without a reset.
pub fn read_to_end(stream: &mut TcpStream) -> (Vec<u8>, bool) {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return (all, true),
            Ok(read) => all.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return (all, false),
            Err(error) => panic!("the connection stayed open: {error}"),
        }
    }
}

pub fn basic(user_and_key: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(user_and_key))
}

pub fn with_key(key: &str) -> String {
    format!("{}{JSON}", basic(&format!("X:{key}")))
}

/// A path that each product answers with 200.
pub fn known_path(product: Product) -> &'static str {
    match product {
        Product::LeadConduit => "/user",
        Product::SuppressionList => "/lists",
        _ => "/account",
    }
}

/// The status that `product` gives to `key`.
pub fn status_of(emulator: &Emulator, product: Product, key: &str) -> u16 {
    let url = emulator.url(product);
    send(url, "GET", known_path(product), &with_key(key), "").status()
}

pub fn control(emulator: &Emulator, method: &str, call: &str, body: &str) -> Reply {
    send(
        emulator.control_url(),
        method,
        &format!("/_emulator/{call}"),
        "",
        body,
    )
}
