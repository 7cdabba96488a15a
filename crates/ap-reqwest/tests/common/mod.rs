//! A server on loopback that keeps its connections.
#![allow(
    dead_code,
    unreachable_pub,
    missing_debug_implementations,
    clippy::unwrap_used
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::Request;

/// The longest that anything here waits.
pub const LIMIT: Duration = Duration::from_secs(20);

pub struct Server {
    pub origin: String,
    pub port: u16,
    accepted: Arc<AtomicUsize>,
}

impl Server {
    /// Starts a server that answers every request with `ok`.
    pub fn start() -> Self {
        Self::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    }

    /// Starts a server that answers every request with these bytes.
    pub fn answering(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        thread::spawn(move || {
            for stream in listener.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
                let stream = stream.unwrap();
                thread::spawn(move || serve(&stream, answer));
            }
        });
        Self {
            origin: format!("http://127.0.0.1:{port}"),
            port,
            accepted,
        }
    }

    /// Returns how many connections were opened.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    pub fn get(&self) -> Request<Bytes> {
        get(&format!("{}/flows", self.origin))
    }
}

pub fn get(url: &str) -> Request<Bytes> {
    let request = Request::get(url).header("accept", "application/json");
    request.body(Bytes::new()).unwrap()
}

fn serve(mut stream: &TcpStream, answer: &str) -> Option<()> {
    let mut input = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            input.read_line(&mut line).ok()?;
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
            match line.as_str() {
                "" => return None,
                "\r\n" => break,
                _ => {}
            }
        }
        input.read_exact(&mut vec![0; length]).ok()?;
        stream.write_all(answer.as_bytes()).ok()?;
    }
}
