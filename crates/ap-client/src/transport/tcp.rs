//! [`DeadlineStream`]: a TCP connection whose reads and writes end with a call's deadline.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use ap_core::{TransportError, TransportErrorKind};
use http::Uri;
use http::uri::Scheme;

use super::clock::Clock;
use super::config::TransportConfig;
use super::deadline::Deadline;
use super::io_error::io_error_kind;
use super::localhost::localhost_addresses;

/// A TCP connection whose reads and writes end with a call's deadline, for libraries that read and write blocking
/// streams.
///
/// When the deadline has passed, every read and write is an error of kind [`TimedOut`](io::ErrorKind::TimedOut),
/// which [`io_error`](super::io_error) converts.
///
/// ```
/// use ap_client::transport::{Clock, Deadline, DeadlineStream, TransportConfig};
/// use std::io::{Read as _, Write as _};
/// use std::time::Duration;
///
/// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let uri = format!("http://{}/", listener.local_addr()?).parse()?;
/// let clock = Clock::start();
/// let deadline = Deadline::after(clock.now(), Duration::from_millis(50));
/// let mut stream = DeadlineStream::connect(&uri, &TransportConfig::new(), clock, deadline)?;
/// stream.write_all(b"GET / HTTP/1.1\r\n")?;
/// // Nobody answers.
/// assert!(stream.read(&mut [0]).is_err());
/// assert!(deadline.begin(clock.now()).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DeadlineStream {
    stream: TcpStream,
    clock: Clock,
    deadline: Deadline,
}

impl DeadlineStream {
    /// Puts a deadline over a connection. To use the connection for the next call, take it out by
    /// [`into_inner`](Self::into_inner).
    #[must_use]
    pub const fn new(stream: TcpStream, clock: Clock, deadline: Deadline) -> Self {
        Self {
            stream,
            clock,
            deadline,
        }
    }

    /// Connects to the host of a URI, within the connect timeout of the settings and the deadline. TLS is yours.
    ///
    /// The addresses are tried in the order in which the system gives them; those of `localhost` are
    /// [`localhost_addresses`]. The system's resolver has a time limit of its own, which nothing here can shorten.
    ///
    /// # Errors
    ///
    /// [`TransportError`] of kind [`Dns`](TransportErrorKind::Dns), [`Connect`](TransportErrorKind::Connect),
    /// [`ConnectTimeout`](TransportErrorKind::ConnectTimeout) or [`Timeout`](TransportErrorKind::Timeout).
    pub fn connect(
        uri: &Uri,
        config: &TransportConfig,
        clock: Clock,
        deadline: Deadline,
    ) -> Result<Self, TransportError> {
        let connect_deadline = Deadline::after(clock.now(), config.bounded_connect_timeout());
        let left = |deadline: Deadline, kind| {
            let left = deadline.begin(clock.now());
            left.map(|left| left.unwrap_or(Duration::MAX))
                .map_err(|_| TransportError::new(kind))
        };
        let mut last = TransportError::new(TransportErrorKind::Dns);
        for address in addresses(uri)? {
            let remaining = left(deadline, TransportErrorKind::Timeout)?;
            let limit = left(connect_deadline, TransportErrorKind::ConnectTimeout)?;
            let connected = TcpStream::connect_timeout(&address, remaining.min(limit));
            // A request is written whole; waiting for more of it only costs time.
            let connected = connected.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
            let error = match connected {
                Ok(stream) => return Ok(Self::new(stream, clock, deadline)),
                Err(error) => error,
            };
            let kind = match io_error_kind(&error, TransportErrorKind::Connect) {
                Some(TransportErrorKind::Timeout) if remaining <= limit => {
                    TransportErrorKind::Timeout
                }
                Some(TransportErrorKind::Timeout) => TransportErrorKind::ConnectTimeout,
                _ => TransportErrorKind::Connect,
            };
            last = TransportError::new(kind).with_source(error);
        }
        Err(last)
    }

    /// Returns the connection.
    #[must_use]
    pub const fn get_ref(&self) -> &TcpStream {
        &self.stream
    }

    /// Returns the connection, without the deadline. The timeout of its last read or write stays set.
    #[must_use]
    pub fn into_inner(self) -> TcpStream {
        self.stream
    }

    fn remaining(&self) -> io::Result<Option<Duration>> {
        let remaining = self.deadline.begin(self.clock.now());
        remaining.map_err(|_| io::ErrorKind::TimedOut.into())
    }
}

impl Read for &DeadlineStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.remaining()?)?;
        (&self.stream).read(buffer)
    }
}

impl Write for &DeadlineStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.remaining()?)?;
        (&self.stream).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&self.stream).flush()
    }
}

impl Read for DeadlineStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }
}

impl Write for DeadlineStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self).flush()
    }
}

/// Returns the addresses of a URI's host.
fn addresses(uri: &Uri) -> Result<Vec<SocketAddr>, TransportError> {
    if let Some(addresses) = localhost_addresses(uri) {
        return Ok(addresses.to_vec());
    }
    let dns = |error| TransportError::new(TransportErrorKind::Dns).with_source(error);
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_https = uri.scheme() == Some(&Scheme::HTTPS);
    let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
    (host, port)
        .to_socket_addrs()
        .map(Iterator::collect)
        .map_err(dns)
}
