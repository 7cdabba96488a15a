//! A complete blocking transport, written from nothing but the standard library, which has no TLS: so
//! it goes to plain http on loopback alone. What it shows is the contract of [`Transport`]: one request,
//! sent once, nothing followed, every limit and the deadline kept, and no short body passed for a whole
//! one.
//!
//! ```text
//! cargo run -p ap-core --example std_transport
//! ```
//!
//! calls a listener of its own. To call another one, such as `ap emulate`, set `AP_EXAMPLE_URL` and
//! `ACTIVEPROSPECT_API_KEY`.

#[path = "listener/mod.rs"]
mod listener;

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use ap_core::{
    ApiKey, Client, Connect, Deadline, ErrorKind, KeyRing, Moment, Origin, Origins, Service,
    Settings, Transport, TransportError, check_head, is_loopback,
};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};

/// One connection a request, on loopback.
#[derive(Debug)]
pub(crate) struct StdTransport {
    start: Instant,
    settings: Settings,
}

impl Connect for StdTransport {
    fn connect(settings: &Settings) -> Result<Self, TransportError> {
        // Roots and a proxy say nothing on loopback, which has no TLS here and is never proxied.
        let settings = settings.clone();
        let start = Instant::now();
        Ok(Self { start, settings })
    }
}

impl Transport for StdTransport {
    fn now(&self) -> Moment {
        Moment::after_start(self.start.elapsed())
    }

    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        let connection = Timed {
            stream: self.open(request, deadline)?,
            transport: self,
            deadline,
        };
        // A server may answer and close before it has read all of a body (RFC 9112 section 9.5): its
        // answer counts for more than the failure to write.
        match write_request(&connection, request) {
            Err(error) if is_timeout(&error) => return Err(failed(ErrorKind::Timeout)),
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
        let (Some("http"), Some(host), true) = (uri.scheme_str(), uri.host(), is_loopback(uri))
        else {
            return Err(failed(ErrorKind::Unsendable).with_source("plain http on loopback alone"));
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let addresses = (host, uri.port_u16().unwrap_or(80)).to_socket_addrs();
        let addresses = addresses.map_err(|error| failed(ErrorKind::Dns).with_source(error))?;

        let mut last = failed(ErrorKind::Dns);
        for address in addresses {
            let left = deadline.left(self.now()).unwrap_or(Duration::MAX);
            if left.is_zero() {
                return Err(failed(ErrorKind::Timeout));
            }
            let allowed = left.min(self.settings.connect_timeout);
            match TcpStream::connect_timeout(&address, allowed) {
                Ok(stream) => return Ok(stream),
                Err(error) if is_timeout(&error) && allowed == left => {
                    last = failed(ErrorKind::Timeout);
                }
                Err(error) if is_timeout(&error) => last = failed(ErrorKind::ConnectTimeout),
                Err(error) => last = failed(ErrorKind::Connect).with_source(error),
            }
        }
        Err(last)
    }

    fn read_response(
        &self,
        method: &Method,
        input: &mut impl BufRead,
    ) -> Result<Response<Bytes>, TransportError> {
        let mut left = self.settings.head_limit;
        loop {
            let head = self.read_head(input, &mut left)?;
            let status = head.status();
            if status == StatusCode::SWITCHING_PROTOCOLS {
                return Err(failed(ErrorKind::Malformed)); // nobody asked for it
            }
            if !status.is_informational() {
                let (parts, ()) = head.into_parts();
                check_head(&self.settings, method, &parts)?;
                let has_none = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
                let body = if *method == Method::HEAD || has_none {
                    Vec::new()
                } else {
                    self.read_body(&parts.headers, input)?
                };
                return Ok(Response::from_parts(parts, body.into()));
            }
        }
    }

    /// A status line and header lines. All heads of one response share one limit, interim ones too.
    fn read_head(
        &self,
        input: &mut impl BufRead,
        left: &mut usize,
    ) -> Result<Response<()>, TransportError> {
        let malformed = || failed(ErrorKind::Malformed);
        // What breaks off before the first byte is no response at all.
        match input.fill_buf() {
            Ok([]) => return Err(failed(ErrorKind::Closed)),
            Ok(_) => {}
            Err(error) => return Err(failed(kind(&error, ErrorKind::Closed))),
        }
        let line = read_line(input, left)?;
        let status = match line.as_slice() {
            [
                b'H',
                b'T',
                b'T',
                b'P',
                b'/',
                b'1',
                b'.',
                b'0' | b'1',
                b' ',
                code @ ..,
            ] if matches!(code.get(3), None | Some(b' ')) => code
                .get(..3)
                .and_then(|code| StatusCode::from_bytes(code).ok()),
            _ => None,
        };
        let mut head = Response::new(());
        *head.status_mut() = status.ok_or_else(malformed)?;
        loop {
            let line = read_line(input, left)?;
            if line.is_empty() {
                return Ok(head);
            }
            if head.headers().len() == self.settings.header_limit {
                return Err(failed(ErrorKind::TooLarge));
            }
            // A name ends at its colon, without a blank: a folded line has no name, and fails here.
            let colon = line
                .iter()
                .position(|byte| *byte == b':')
                .ok_or_else(malformed)?;
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            let name = HeaderName::from_bytes(name).map_err(|_| malformed())?;
            let value = HeaderValue::from_bytes(value).map_err(|_| malformed())?;
            head.headers_mut().append(name, value);
        }
    }

    /// RFC 9112 section 6.3, without the bodies that only the end of the connection ends.
    fn read_body(
        &self,
        headers: &HeaderMap,
        input: &mut impl BufRead,
    ) -> Result<Vec<u8>, TransportError> {
        let lengths: Vec<_> = headers.get_all(CONTENT_LENGTH).iter().collect();
        let codings: Vec<_> = headers.get_all(TRANSFER_ENCODING).iter().collect();
        let mut body = Vec::new();
        match (lengths.as_slice(), codings.as_slice()) {
            ([length], []) => {
                let digits = length.to_str().unwrap_or_default();
                // A number that does not fit is as large as any limit.
                let length = match is_all(digits, u8::is_ascii_digit) {
                    true => digits.parse().unwrap_or(usize::MAX),
                    false => return Err(failed(ErrorKind::Malformed)),
                };
                self.read_exactly(length, input, &mut body)?;
            }
            ([], [coding]) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => {
                self.read_chunks(input, &mut body)?;
            }
            _ => return Err(failed(ErrorKind::Malformed)),
        }
        Ok(body)
    }

    fn read_chunks(
        &self,
        input: &mut impl BufRead,
        body: &mut Vec<u8>,
    ) -> Result<(), TransportError> {
        loop {
            let line = read_line(input, &mut 1_024)?;
            let size = line.split(|byte| *byte == b';').next().unwrap_or_default();
            let size = std::str::from_utf8(size).unwrap_or_default().trim_end();
            let size = if is_all(size, u8::is_ascii_hexdigit) {
                usize::from_str_radix(size, 16).map_err(|_| failed(ErrorKind::TooLarge))?
            } else {
                return Err(failed(ErrorKind::Malformed));
            };
            if size == 0 {
                break;
            }
            self.read_exactly(size, input, body)?;
            if !read_line(input, &mut 1_024)?.is_empty() {
                return Err(failed(ErrorKind::Malformed));
            }
        }
        // Trailers are read, and mean nothing here.
        let mut left = self.settings.head_limit;
        while !read_line(input, &mut left)?.is_empty() {}
        Ok(())
    }

    fn read_exactly(
        &self,
        length: usize,
        input: &mut impl BufRead,
        body: &mut Vec<u8>,
    ) -> Result<(), TransportError> {
        if length > self.settings.body_limit - body.len() {
            return Err(failed(ErrorKind::TooLarge));
        }
        let length = length as u64;
        match input.take(length).read_to_end(body) {
            Ok(read) if read as u64 == length => Ok(()),
            Ok(_) => Err(failed(ErrorKind::Truncated)),
            Err(error) => Err(failed(kind(&error, ErrorKind::Truncated))),
        }
    }
}

/// A line without its end, counted against a limit that its end counts against too.
fn read_line(input: &mut impl BufRead, left: &mut usize) -> Result<Vec<u8>, TransportError> {
    let mut line = Vec::new();
    let read = input.take(*left as u64).read_until(b'\n', &mut line);
    *left -= read.map_err(|error| failed(kind(&error, ErrorKind::Truncated)))?;
    match line.strip_suffix(b"\r\n") {
        Some(text) => Ok(text.to_vec()),
        None if line.ends_with(b"\n") => Err(failed(ErrorKind::Malformed)),
        None if *left == 0 => Err(failed(ErrorKind::TooLarge)),
        None => Err(failed(ErrorKind::Truncated)),
    }
}

fn write_request(mut connection: &Timed<'_>, request: &Request<Bytes>) -> io::Result<()> {
    let uri = request.uri();
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let mut head =
        format!("{} {target} HTTP/1.1\r\nhost: {host}\r\n", request.method()).into_bytes();
    for (name, value) in request.headers() {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    let may_have_body = matches!(
        *request.method(),
        Method::POST | Method::PUT | Method::PATCH
    );
    let body = request.body();
    if may_have_body || !body.is_empty() {
        head.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
    }
    head.extend_from_slice(b"connection: close\r\n\r\n");
    connection.write_all(&head)?;
    connection.write_all(body)
}

/// A connection whose every read and write ends with the call's deadline.
struct Timed<'a> {
    stream: TcpStream,
    transport: &'a StdTransport,
    deadline: Deadline,
}

impl Timed<'_> {
    fn left(&self) -> io::Result<Option<Duration>> {
        match self.deadline.left(self.transport.now()) {
            Some(Duration::ZERO) => Err(io::ErrorKind::TimedOut.into()),
            left => Ok(left),
        }
    }
}

impl Read for &Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        (&self.stream).read(buffer)
    }
}

impl Write for &Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        (&self.stream).write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        (&self.stream).flush()
    }
}

fn failed(kind: ErrorKind) -> TransportError {
    TransportError::new(kind)
}

/// What an error of a socket means: the deadline, or that the connection broke where it was.
fn kind(error: &io::Error, broken: ErrorKind) -> ErrorKind {
    if is_timeout(error) {
        ErrorKind::Timeout
    } else {
        broken
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
    )
}

fn is_all(text: &str, is: impl Fn(&u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(|byte| is(&byte))
}

/// The call itself is the same on any transport.
pub(crate) fn call(url: &str, keys: KeyRing) -> Result<Response<Bytes>, Box<dyn Error>> {
    let origin = Origin::parse_loopback(url)?;
    let client: Client<StdTransport> = Client::builder()
        .keys(keys)
        .origins(Origins::vendor().with(Service::LeadConduit, origin)?)
        .build()?;
    let request = client.request(Service::LeadConduit, Method::GET, "/flows")?;
    Ok(client.send(request)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let new = ApiKey::parse("placeholder-key-2")?;
    let (url, keys) = match std::env::var("AP_EXAMPLE_URL") {
        Ok(url) => (
            url,
            vec![ApiKey::parse(std::env::var("ACTIVEPROSPECT_API_KEY")?)?],
        ),
        // The listener takes the second key alone: the account's key was reset.
        Err(_) => (
            listener::listen(new.clone())?,
            vec![ApiKey::parse("placeholder-key-1")?, new],
        ),
    };
    let response = call(&url, KeyRing::new(keys)?)?;
    println!(
        "{}: {}",
        response.status(),
        String::from_utf8_lossy(response.body())
    );
    Ok(())
}
