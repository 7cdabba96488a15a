//! A client that writes and reads raw bytes, so that no HTTP library repairs anything.
#![allow(dead_code, unreachable_pub)]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use ap_emulator::{Emulator, Product};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

pub const JSON: &str = "Accept: application/json\r\n";

/// One raw response.
#[derive(Debug, Clone)]
pub struct Reply {
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn status(&self) -> u16 {
        self.head[9..12].parse().unwrap()
    }

    /// The value of a header. The name must be spelled as it was sent.
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
    // Far longer than a passing test waits, also on a busy machine: it only turns a hang into a
    // failure.
    stream
        .set_read_timeout(Some(Duration::from_secs(120)))
        .unwrap();
    stream
}

/// Reads one response and leaves the connection open.
pub fn read_reply(stream: &mut TcpStream, is_head: bool) -> Reply {
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
    let mut body = vec![0; if is_head { 0 } else { length }];
    stream.read_exact(&mut body).expect("a whole body");
    if !is_head
        && head
            .to_ascii_lowercase()
            .contains("\r\ntransfer-encoding: chunked\r\n")
    {
        body = read_chunks(stream);
    }
    Reply { head, body }
}

fn read_chunks(stream: &mut TcpStream) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let mut size = Vec::new();
        let mut byte = [0];
        while !size.ends_with(b"\r\n") {
            stream.read_exact(&mut byte).expect("the size of a chunk");
            size.push(byte[0]);
        }
        let size = str::from_utf8(&size).unwrap().trim_end();
        let size = usize::from_str_radix(size, 16).unwrap();
        let mut chunk = vec![0; size + 2];
        stream.read_exact(&mut chunk).expect("a whole chunk");
        body.extend_from_slice(&chunk[..size]);
        if size == 0 {
            return body;
        }
    }
}

/// Sends `request` unchanged and reads one response.
pub fn raw(url: &str, request: impl AsRef<[u8]>) -> Reply {
    let mut stream = connect(url);
    stream.write_all(request.as_ref()).unwrap();
    read_reply(&mut stream, request.as_ref().starts_with(b"HEAD "))
}

/// Sends a request with the given header lines, each with its line end.
pub fn send(url: &str, method: &str, path: &str, headers: &str, body: &str) -> Reply {
    let headers = format!("Host: {}\r\n{headers}", authority(url));
    raw(url, request_without_host(method, path, &headers, body))
}

/// A request for `localhost` with the given header lines, each with its line end.
pub fn request(method: &str, path: &str, headers: &str, body: &str) -> String {
    request_without_host(method, path, &format!("Host: localhost\r\n{headers}"), body)
}

/// A request with the given header lines and, where there can be a body, with its length.
pub fn request_without_host(method: &str, path: &str, headers: &str, body: &str) -> String {
    let length = if body.is_empty() && method != "POST" {
        String::new()
    } else {
        format!("Content-Length: {}\r\n", body.len())
    };
    format!("{method} {path} HTTP/1.1\r\n{headers}{length}\r\n{body}")
}

/// Connects and sends a request for `localhost`, without reading the response.
pub fn start(url: &str, method: &str, path: &str, headers: &str, body: &str) -> TcpStream {
    let mut stream = connect(url);
    let request = request(method, path, headers, body);
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// Everything that arrives until the connection ends, and `true` if it ended without a reset.
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

pub fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

/// The header line with these credentials.
pub fn basic(user_and_key: &str) -> String {
    format!("Authorization: Basic {}\r\n", base64(user_and_key))
}

/// The header lines of a usual call with `key`.
pub fn with_key(key: &str) -> String {
    format!("{}{JSON}", basic(&format!("X:{key}")))
}

/// A path for which `product` responds with 200.
pub fn known_path(product: Product) -> &'static str {
    match product {
        Product::LeadConduit => "/user",
        Product::SuppressionList => "/lists",
        Product::TrustedForm => "/account",
    }
}

/// The status of a call to `product` with `key`.
pub fn status_of(emulator: &Emulator, product: Product, key: &str) -> u16 {
    let url = emulator.url(product);
    send(url, "GET", known_path(product), &with_key(key), "").status()
}

/// Makes a call of the control API.
pub fn control(emulator: &Emulator, method: &str, call: &str, body: &str) -> Reply {
    send(
        emulator.control_url(),
        method,
        &format!("/_emulator/{call}"),
        "",
        body,
    )
}

/// The memory that this process has in use, in bytes. Only Linux says it.
pub fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kilobytes: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes * 1024
}
