//! A server on loopback that does what a test says, and calls to it.
#![allow(
    dead_code,
    unreachable_pub,
    missing_debug_implementations,
    clippy::unwrap_used
)]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use ap_ureq::UreqTransport;
use ap_ureq::ap_client::transport::{
    Connect as _, Deadline, Transport as _, TransportConfig, TransportErrorKind,
};
use ap_ureq::ureq::Agent;
use bytes::Bytes;
use http::{Request, Response};

/// The longest that anything here waits.
pub const LIMIT: Duration = Duration::from_secs(20);

pub struct Server {
    pub origin: String,
    accepted: Arc<AtomicUsize>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts a server that hands each connection to `serve`, on a thread of its own.
    pub fn start(serve: impl Fn(&mut Connection) -> Option<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            origin: format!("http://{}", listener.local_addr().unwrap()),
            accepted: Arc::default(),
            heads: Arc::default(),
        };
        let (accepted, heads) = (Arc::clone(&server.accepted), Arc::clone(&server.heads));
        let serve = Arc::new(serve);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                stream.set_read_timeout(Some(LIMIT)).unwrap();
                stream.set_write_timeout(Some(LIMIT)).unwrap();
                accepted.fetch_add(1, Ordering::SeqCst);
                let (serve, heads) = (Arc::clone(&serve), Arc::clone(&heads));
                thread::spawn(move || serve(&mut Connection { stream, heads }));
            }
        });
        server
    }

    /// Starts a server that gives each request the same answer, and keeps its connections.
    pub fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |connection| {
            loop {
                connection.read_request()?;
                connection.write(&answer)?;
            }
        })
    }

    /// Starts a server that answers one request on each connection, and then closes it.
    pub fn answering_once(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |connection| {
            connection.read_request()?;
            connection.write(&answer)
        })
    }

    /// Returns how many connections were opened.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Returns the heads of all requests.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    pub fn get(&self, path: &str) -> Request<Bytes> {
        let uri = format!("{}{path}", self.origin);
        Request::get(uri).body(Bytes::new()).unwrap()
    }

    pub fn post(&self, body: impl Into<Bytes>) -> Request<Bytes> {
        Request::post(format!("{}/", self.origin))
            .body(body.into())
            .unwrap()
    }
}

pub struct Connection {
    stream: TcpStream,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Connection {
    /// Reads a head; `None` if there is none.
    pub fn read_head(&mut self) -> Option<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).ok()?;
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        self.heads.lock().unwrap().push(head.clone());
        Some(head)
    }

    /// Reads a head and its body.
    pub fn read_request(&mut self) -> Option<()> {
        let head = self.read_head()?;
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.parse().unwrap())
        });
        self.read_bytes(length.unwrap_or(0))
    }

    pub fn read_bytes(&mut self, count: usize) -> Option<()> {
        self.stream.read_exact(&mut vec![0; count]).ok()
    }

    pub fn write(&mut self, bytes: &[u8]) -> Option<()> {
        self.stream.write_all(bytes).ok()
    }

    /// Leaves the connection open, without reading from it, until the test ends.
    pub fn leave_open(&mut self) {
        std::mem::forget(self.stream.try_clone());
    }
}

/// A transport of our own, with the default config.
pub fn own() -> UreqTransport {
    with_settings(|_| {})
}

pub fn with_settings(change: impl FnOnce(&mut TransportConfig)) -> UreqTransport {
    let mut config = TransportConfig::default();
    change(&mut config);
    UreqTransport::connect(&config).unwrap()
}

pub fn given(agent: Agent) -> UreqTransport {
    UreqTransport::from_agent(agent, &TransportConfig::default())
}

pub fn send(
    transport: &UreqTransport,
    request: &Request<Bytes>,
) -> Result<Response<Bytes>, TransportErrorKind> {
    send_within(transport, request, LIMIT)
}

pub fn send_within(
    transport: &UreqTransport,
    request: &Request<Bytes>,
    timeout: Duration,
) -> Result<Response<Bytes>, TransportErrorKind> {
    let deadline = Deadline::after(transport.now(), timeout);
    transport
        .send(request, deadline)
        .map_err(|error| error.kind())
}

/// Returns an outcome as one line of text.
pub fn describe(outcome: Result<Response<Bytes>, TransportErrorKind>) -> String {
    match outcome {
        Ok(response) => format!(
            "{} {}",
            response.status().as_u16(),
            response.body().escape_ascii()
        ),
        Err(kind) => kind.name().to_owned(),
    }
}
