//! A gateway on a thread, a product that answers by a function, and a client that writes raw bytes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use ap_emulator::Emulator;
use ap_gateway::ap_client::ap_core::{ApiKey, KeyRing, Origin, Origins, Service};
use ap_gateway::ap_client::transport::TransportConfig;
use ap_gateway::{Access, Ended, Gateway, Limits, Listener, LocalKey, Route};
use ap_hyper::HyperTransport;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::oneshot;

pub(crate) const LOCAL_KEY: &str = "placeholder-local-key";
pub(crate) const ACCOUNT_KEY: &str = "placeholder-account-key";

/// Far longer than a passing test waits: it only turns a hang into a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A gateway that serves until it is dropped.
pub(crate) struct Running {
    /// The authority of the listener whose paths name the service.
    pub(crate) address: String,
    /// The authority of LeadConduit's own listener.
    pub(crate) lcx: String,
    pub(crate) accesses: Arc<Mutex<Vec<Access>>>,
    pub(crate) ring: KeyRing,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Ended>>,
}

impl Running {
    pub(crate) fn start(origins: Origins, keys: &[&str], limits: Limits) -> Self {
        Self::start_with(origins, keys, limits, ap_hyper::Limits::new())
    }

    /// A gateway whose transport has limits too.
    pub(crate) fn start_with(
        origins: Origins,
        keys: &[&str],
        limits: Limits,
        transport: ap_hyper::Limits,
    ) -> Self {
        let keys = keys.iter().map(|key| ApiKey::parse(key).unwrap());
        let ring = KeyRing::new(keys).unwrap();
        let by_path = Listener::port(0, Route::ByPath).unwrap();
        let lcx = Listener::port(0, Route::Service(Service::LeadConduit)).unwrap();
        let authority = |listener: &Listener| {
            let url = listener.url().unwrap();
            url.strip_prefix("http://").unwrap().to_owned()
        };
        let (address, lcx_address) = (authority(&by_path), authority(&lcx));
        let accesses = Arc::<Mutex<Vec<Access>>>::default();
        let (stop, stopped) = oneshot::channel();
        let (kept, shared) = (Arc::clone(&accesses), ring.clone());
        let thread = std::thread::spawn(move || {
            let client = ap_hyper::ClientBuilder::new().keys(shared).origins(origins);
            let local_key = LocalKey::parse(LOCAL_KEY).unwrap();
            let transport = HyperTransport::with_limits(&TransportConfig::new(), transport);
            let client = client.build_with(transport.unwrap()).unwrap();
            let mut gateway = Gateway::new(client, local_key, limits).unwrap();
            gateway.listen(by_path);
            gateway.listen(lcx);
            gateway.on_access(move |access| kept.lock().unwrap().push(access.clone()));
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let stop = async { drop(stopped.await) };
            runtime.unwrap().block_on(gateway.serve(stop)).unwrap()
        });
        Self {
            address,
            lcx: lcx_address,
            accesses,
            ring,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// A gateway to an emulator, with its key.
    pub(crate) fn to_emulator(emulator: &Emulator) -> Self {
        Self::start(emulator.origins(), &[&emulator.key()], Limits::new())
    }

    /// A gateway whose LeadConduit is this product.
    pub(crate) fn to_product(product: &Product, limits: Limits) -> Self {
        Self::start(product.origins(), &[ACCOUNT_KEY], limits)
    }

    /// Tells the gateway to stop, and does not wait for it.
    pub(crate) fn tell_to_stop(&mut self) {
        drop(self.stop.take());
    }

    pub(crate) fn stop(mut self) -> Ended {
        self.tell_to_stop();
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}

type Requests = Arc<Mutex<Vec<Vec<u8>>>>;

/// A server that keeps each request as it came, and answers by a function of it. `None` closes the connection.
pub(crate) struct Product {
    pub(crate) address: String,
    requests: Requests,
}

impl Product {
    pub(crate) fn start(answer: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (requests, answer) = (Requests::default(), Arc::new(answer));
        let kept = Arc::clone(&requests);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let mut connection = Connection::of(stream);
                    while let Some(request) = connection.read_message(false) {
                        kept.lock().unwrap().push(request.clone());
                        let Some(bytes) = answer(&request) else {
                            return;
                        };
                        if connection.stream.write_all(&bytes).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, requests }
    }

    /// A product that answers everything with these bytes.
    pub(crate) fn with(answer: &'static [u8]) -> Self {
        Self::start(move |_| Some(answer.to_vec()))
    }

    pub(crate) fn origins(&self) -> Origins {
        self.among(Origins::vendor())
    }

    /// Returns these origins with this product as LeadConduit.
    pub(crate) fn among(&self, origins: Origins) -> Origins {
        let origin = Origin::parse_loopback(&format!("http://{}", self.address)).unwrap();
        origins.with(Service::LeadConduit, origin).unwrap()
    }

    pub(crate) fn requests(&self) -> Vec<Vec<u8>> {
        self.requests.lock().unwrap().clone()
    }
}

/// A raw response.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn status(&self) -> u16 {
        self.head[9..12].parse().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Why the gateway answered by itself.
    pub(crate) fn refusal(&self) -> Option<&str> {
        self.header("ap-gateway-refusal")
    }
}

/// A connection on which whole messages are read.
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: &str) -> Self {
        Self::of(TcpStream::connect(address).unwrap())
    }

    pub(crate) fn of(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends one request and reads its response. The first line ends before the version.
    pub(crate) fn call(&mut self, line: &str, headers: &str, body: &[u8]) -> Option<Reply> {
        self.write(request(line, headers, body));
        self.reply(line.starts_with("HEAD "))
    }

    pub(crate) fn reply(&mut self, is_head: bool) -> Option<Reply> {
        let message = self.read_message(is_head)?;
        let end = message
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap();
        Some(Reply {
            head: String::from_utf8_lossy(&message[..end]).into_owned(),
            body: message[end + 4..].to_vec(),
        })
    }

    /// Reads one message whose length is announced; `None` at the end of the connection.
    fn read_message(&mut self, is_head: bool) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.map_or(0, |length| length.parse().unwrap());
                let end = end + 4 + if is_head { 0 } else { length };
                if self.buffer.len() >= end {
                    return Some(self.buffer.drain(..end).collect());
                }
            }
            let mut bytes = [0; 65536];
            match self.stream.read(&mut bytes) {
                Ok(read @ 1..) => self.buffer.extend_from_slice(&bytes[..read]),
                _ => return None,
            }
        }
    }
}

/// A request with the local key and the framing of its body.
pub(crate) fn request(line: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = if body.is_empty() {
        String::new()
    } else {
        format!("Content-Length: {}\r\n", body.len())
    };
    let (host, key) = ("Host: localhost\r\n", authorization(LOCAL_KEY));
    let mut bytes = format!("{line} HTTP/1.1\r\n{host}{key}{headers}{length}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

pub(crate) fn authorization(key: &str) -> String {
    let pair = STANDARD.encode(format!("any:{key}"));
    format!("Authorization: Basic {pair}\r\n")
}

/// Makes one call on a connection of its own.
pub(crate) fn call(address: &str, line: &str, headers: &str, body: &[u8]) -> Reply {
    Connection::open(address).call(line, headers, body).unwrap()
}

/// Sends bytes on a connection of its own, and reads what comes first.
pub(crate) fn send(address: &str, bytes: impl AsRef<[u8]>) -> Reply {
    let mut connection = Connection::open(address);
    connection.write(bytes);
    connection.reply(false).unwrap()
}

/// Waits until something is so, for as long as a test may take.
pub(crate) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let end = std::time::Instant::now() + PATIENCE;
    while !is_so() {
        assert!(std::time::Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A point that a thread waits at until it is opened.
pub(crate) fn latch() -> (mpsc::Sender<()>, Mutex<mpsc::Receiver<()>>) {
    let (open, wait) = mpsc::channel();
    (open, Mutex::new(wait))
}
