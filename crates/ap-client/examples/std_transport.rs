//! A complete blocking transport over nothing but the standard library.
//!
//! It shows the contract of [`Transport`]: it sends one request once, follows nothing, keeps every limit and
//! the deadline, and never takes a part of a body for the whole. The standard library has no TLS, so this
//! transport sends plain http to loopback only.
//!
//! ```text
//! cargo run -p ap-client --example std_transport
//! ```
//!
//! The example calls a listener of its own. To call another one, such as `ap emulate`, set `AP_EXAMPLE_URL`
//! and `ACTIVEPROSPECT_API_KEY`.

#[path = "listener/mod.rs"]
mod listener;

use std::error::Error as StdError;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::thread;
use std::time::{Duration, Instant};

use ap_client::transport::{
    Connect, Deadline, Moment, Transport, TransportConfig, TransportError,
    TransportErrorKind as Kind, body_capacity, check_head, check_plain_http, host, wire_headers,
};
use ap_client::{Blocking, ClientBuilder};
use ap_core::{ApiKey, KeyRing, Origin, Origins, Response, Service};
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};

/// The longest line of a chunk, with its extensions.
const MAX_CHUNK_LINE: usize = 1_024;

/// Opens a connection for each request.
#[derive(Debug)]
pub(crate) struct StdTransport {
    start: Instant,
    config: TransportConfig,
}

impl Connect for StdTransport {
    fn connect(config: &TransportConfig) -> Result<Self, TransportError> {
        // Loopback has no TLS here and is never proxied, so roots and a proxy are not used.
        Ok(Self {
            start: Instant::now(),
            config: config.clone(),
        })
    }
}

impl Transport for StdTransport {
    fn now(&self) -> Moment {
        Moment::after_start(self.start.elapsed())
    }

    fn sleep_until(&self, moment: Moment) {
        thread::sleep(moment.since_start().saturating_sub(self.start.elapsed()));
    }

    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let connection = Connection {
            stream: self.open(request, deadline)?,
            transport: self,
            deadline,
        };
        // A server may answer and close before it has read the whole body (RFC 9112 section 9.5). Its
        // response counts for more than the failure to write.
        match write_request(&connection, request) {
            Err(error) if is_timeout(&error) => return Err(failed(Kind::Timeout)),
            Ok(()) | Err(_) => {}
        }
        self.read_response(request.method(), &mut BufReader::new(&connection))
    }
}

impl StdTransport {
    fn open(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<TcpStream, TransportError> {
        let uri = request.uri();
        check_plain_http(uri)?;
        let (Some("http"), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err(failed(Kind::Unsendable).with_source("there is no TLS here"));
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let addresses = (host, uri.port_u16().unwrap_or(80)).to_socket_addrs();
        let dns = |error| failed(Kind::Dns).with_source(error);

        let mut last = failed(Kind::Dns);
        for address in addresses.map_err(dns)? {
            let remaining = deadline.begin(self.now())?.unwrap_or(Duration::MAX);
            let timeout = remaining.min(self.config.bounded_connect_timeout());
            match TcpStream::connect_timeout(&address, timeout) {
                Ok(stream) => return Ok(stream),
                Err(error) if is_timeout(&error) && timeout == remaining => {
                    last = failed(Kind::Timeout);
                }
                Err(error) if is_timeout(&error) => {
                    last = failed(Kind::ConnectTimeout);
                }
                Err(error) => last = failed(Kind::Connect).with_source(error),
            }
        }
        Err(last)
    }

    fn read_response(
        &self,
        method: &Method,
        input: &mut impl BufRead,
    ) -> Result<http::Response<Bytes>, TransportError> {
        // All heads of one response share one limit, informational ones too.
        let mut limit = self.config.max_header_size;
        loop {
            let (head, ()) = self.read_head(input, &mut limit)?.into_parts();
            if head.status == StatusCode::SWITCHING_PROTOCOLS {
                return Err(failed(Kind::Malformed)); // nobody asked for it
            }
            if head.status.is_informational() {
                continue;
            }
            check_head(&self.config, method, &head)?;
            let no_body = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED];
            let body = if *method == Method::HEAD || no_body.contains(&head.status) {
                Vec::new()
            } else {
                self.read_body(&head.headers, input)?
            };
            return Ok(http::Response::from_parts(head, body.into()));
        }
    }

    /// Reads a status line and header lines.
    fn read_head(
        &self,
        input: &mut impl BufRead,
        limit: &mut usize,
    ) -> Result<http::Response<()>, TransportError> {
        let malformed = || failed(Kind::Malformed);
        // A connection that ends before the first byte has no response at all.
        match input.fill_buf() {
            Ok([]) => return Err(failed(Kind::Closed)),
            Ok(_) => {}
            Err(error) => return Err(broken(&error, Kind::Closed)),
        }
        let mut head = http::Response::new(());
        (*head.version_mut(), *head.status_mut()) =
            parse_status_line(&read_line(input, limit)?).ok_or_else(malformed)?;
        loop {
            let line = read_line(input, limit)?;
            if line.is_empty() {
                return Ok(head);
            }
            if head.headers().len() == self.config.max_headers {
                return Err(failed(Kind::TooLarge));
            }
            // A name ends at its colon, without a space. So a folded line has no name, and fails here.
            let colon = line.iter().position(|byte| *byte == b':');
            let (name, value) = line.split_at(colon.ok_or_else(malformed)?);
            let name = HeaderName::from_bytes(name).map_err(|_| malformed())?;
            let value = HeaderValue::from_bytes(value[1..].trim_ascii());
            let value = value.map_err(|_| malformed())?;
            head.headers_mut().append(name, value);
        }
    }

    /// Reads a body whose head was checked: it has one length, or it is chunked.
    fn read_body(
        &self,
        headers: &HeaderMap,
        input: &mut impl BufRead,
    ) -> Result<Vec<u8>, TransportError> {
        let mut body = Vec::new();
        let Some(length) = headers.get(CONTENT_LENGTH) else {
            self.read_chunks(input, &mut body)?;
            return Ok(body);
        };
        let length = length.to_str().ok().and_then(|text| text.parse().ok());
        let length = length.ok_or_else(|| failed(Kind::Malformed))?;
        body.reserve(body_capacity(Some(length)));
        self.read_exactly(length, input, &mut body)?;
        Ok(body)
    }

    fn read_chunks(
        &self,
        input: &mut impl BufRead,
        body: &mut Vec<u8>,
    ) -> Result<(), TransportError> {
        loop {
            let line = read_line(input, &mut { MAX_CHUNK_LINE })?;
            let size = line.split(|byte| *byte == b';').next().unwrap_or_default();
            let size = std::str::from_utf8(size).unwrap_or_default().trim_end();
            if size.is_empty() || !size.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(failed(Kind::Malformed));
            }
            let size = u64::from_str_radix(size, 16);
            match size.map_err(|_| failed(Kind::TooLarge))? {
                0 => break,
                size => self.read_exactly(size, input, body)?,
            }
            if !read_line(input, &mut { MAX_CHUNK_LINE })?.is_empty() {
                return Err(failed(Kind::Malformed));
            }
        }
        // Trailers are read and dropped.
        let mut limit = self.config.max_header_size;
        while !read_line(input, &mut limit)?.is_empty() {}
        Ok(())
    }

    fn read_exactly(
        &self,
        length: u64,
        input: &mut impl BufRead,
        body: &mut Vec<u8>,
    ) -> Result<(), TransportError> {
        let limit = self.config.max_body_size - body.len();
        if length > u64::try_from(limit).unwrap_or(u64::MAX) {
            return Err(failed(Kind::TooLarge));
        }
        match input.take(length).read_to_end(body) {
            Ok(read) if read as u64 == length => Ok(()),
            Ok(_) => Err(failed(Kind::Truncated)),
            Err(error) => Err(broken(&error, Kind::Truncated)),
        }
    }
}

/// Parses `HTTP/1.1 200 OK`.
fn parse_status_line(line: &[u8]) -> Option<(http::Version, StatusCode)> {
    let (version, rest) = match line.strip_prefix(b"HTTP/1.")? {
        [b'0', b' ', rest @ ..] => (http::Version::HTTP_10, rest),
        [b'1', b' ', rest @ ..] => (http::Version::HTTP_11, rest),
        _ => return None,
    };
    match rest {
        [_, _, _] | [_, _, _, b' ', ..] => {
            Some((version, StatusCode::from_bytes(rest.get(..3)?).ok()?))
        }
        _ => None,
    }
}

/// Reads a line without its end. The end counts against the limit too.
fn read_line(input: &mut impl BufRead, limit: &mut usize) -> Result<Vec<u8>, TransportError> {
    let mut line = Vec::new();
    let read = input.take(*limit as u64).read_until(b'\n', &mut line);
    *limit -= read.map_err(|error| broken(&error, Kind::Truncated))?;
    match line.strip_suffix(b"\r\n") {
        Some(text) => Ok(text.to_vec()),
        None if line.ends_with(b"\n") => Err(failed(Kind::Malformed)),
        None if *limit == 0 => Err(failed(Kind::TooLarge)),
        None => Err(failed(Kind::Truncated)),
    }
}

fn write_request(mut connection: &Connection<'_>, request: &Request<Bytes>) -> io::Result<()> {
    let uri = request.uri();
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let mut head = format!("{} {target} HTTP/1.1\r\n", request.method()).into_bytes();
    for (name, value) in &wire_headers(request, host(uri)) {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
    let body = request.body();
    if !body.is_empty() {
        write!(head, "content-length: {}\r\n", body.len())?;
    }
    head.extend_from_slice(b"connection: close\r\n\r\n");
    connection.write_all(&head)?;
    connection.write_all(body)
}

/// A connection whose reads and writes end with the call's deadline.
struct Connection<'a> {
    stream: TcpStream,
    transport: &'a StdTransport,
    deadline: Deadline,
}

impl Connection<'_> {
    fn remaining(&self) -> io::Result<Option<Duration>> {
        let remaining = self.deadline.begin(self.transport.now());
        remaining.map_err(|_| io::ErrorKind::TimedOut.into())
    }
}

impl Read for &Connection<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.remaining()?)?;
        (&self.stream).read(buffer)
    }
}

impl Write for &Connection<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.remaining()?)?;
        (&self.stream).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&self.stream).flush()
    }
}

fn failed(kind: Kind) -> TransportError {
    TransportError::new(kind)
}

/// Converts a socket's error: the deadline has passed, or the connection broke at this point.
fn broken(error: &io::Error, kind: Kind) -> TransportError {
    failed(if is_timeout(error) {
        Kind::Timeout
    } else {
        kind
    })
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
    )
}

/// Makes a call, which looks the same on every transport.
pub(crate) fn call(url: &str, keys: KeyRing) -> Result<Response, Box<dyn StdError>> {
    let origin = Origin::parse_loopback(url)?;
    let client = ClientBuilder::<Blocking, StdTransport>::new()
        .keys(keys)
        .origins(Origins::vendor().with(Service::LeadConduit, origin)?)
        .build()?;
    Ok(client
        .get(Service::LeadConduit, "/flows")
        .send()?
        .error_for_status()?)
}

fn main() -> Result<(), Box<dyn StdError>> {
    let new = ApiKey::parse("placeholder-key-2")?;
    let (url, keys) = match std::env::var("AP_EXAMPLE_URL") {
        Ok(url) => (
            url,
            vec![ApiKey::parse(std::env::var("ACTIVEPROSPECT_API_KEY")?)?],
        ),
        // The account's key was reset: the listener accepts the second key only.
        Err(_) => (
            listener::listen(new.clone())?,
            vec![ApiKey::parse("placeholder-key-1")?, new],
        ),
    };
    let response = call(&url, KeyRing::new(keys)?)?;
    println!("{}: {}", response.status(), response.text()?);
    Ok(())
}
