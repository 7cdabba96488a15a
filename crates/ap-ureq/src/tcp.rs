//! TCP connections that hear the server while they still send. ureq's own write until everything is
//! out, so they never hear a server that answers before it has read the whole request.

use std::fmt;
use std::hint;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use ap_client::transport::{TransportErrorKind, localhost_addresses};
use http::Uri;
use http::uri::Scheme;
use ureq::config::Config;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport as UreqLayer,
};
use ureq::{Error, Timeout};

use crate::call_context::{self, TimeLimit};
use crate::error::ureq_error;

/// How long a connection that has no room to send waits for the server before it tries again. The
/// system's buffer lasts far longer than this at any speed.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// The shortest read timeout that a socket accepts.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// Resolves nothing. ureq resolves names for every call; [`TcpConnector`] does it when it connects.
#[derive(Debug)]
pub(crate) struct DeferredResolver;

impl Resolver for DeferredResolver {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        Ok(self.empty())
    }
}

/// Opens TCP connections, to targets or to a proxy.
#[derive(Debug)]
pub(crate) struct TcpConnector {
    pub(crate) is_proxied: bool,
}

impl<In: UreqLayer> Connector<In> for TcpConnector {
    type Out = Either<In, TcpTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        if let Some(tunnel) = chained {
            return Ok(Some(Either::A(tunnel)));
        }
        let limit = TimeLimit::new(details.timeout);
        let mut addresses = resolve(details, limit)?;
        if !self.is_proxied && details.uri.scheme() == Some(&Scheme::HTTP) {
            addresses.retain(is_loopback);
            if addresses.is_empty() {
                return Err(ureq_error(
                    TransportErrorKind::Unsendable,
                    "plain http is sent to loopback only, and the name resolves to another machine",
                ));
            }
        }
        let stream = connect_to_any(&addresses, limit)?;
        stream.set_nodelay(true)?;
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(Some(Either::B(TcpTransport::new(stream, buffers))))
    }
}

fn resolve(details: &ConnectionDetails<'_>, limit: TimeLimit) -> Result<Vec<SocketAddr>, Error> {
    let timeout = limit.as_timeout();
    if timeout.after.is_zero() {
        return Err(Error::Timeout(limit.reason));
    }
    if let Some(addresses) = localhost_addresses(details.uri) {
        return Ok(addresses.into());
    }
    match DefaultResolver::default().resolve(details.uri, details.config, timeout) {
        Ok(addresses) => Ok(addresses.iter().copied().collect()),
        // The operating system's own error does not say that it is about a name.
        Err(Error::Io(_)) => Err(Error::HostNotFound),
        Err(error) => Err(error),
    }
}

fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// Tries one address after another. Each may take half of the remaining time, so that a silent one
/// does not use up all of it.
fn connect_to_any(addresses: &[SocketAddr], limit: TimeLimit) -> Result<TcpStream, Error> {
    let mut failure = Error::ConnectionFailed;
    for (index, address) in addresses.iter().enumerate() {
        let remaining = limit.remaining();
        if remaining.is_zero() {
            return Err(Error::Timeout(limit.reason));
        }
        let is_last = index + 1 == addresses.len();
        let share = if is_last { remaining } else { remaining / 2 };
        match TcpStream::connect_timeout(address, share.max(SHORTEST_WAIT)) {
            Ok(stream) => return Ok(stream),
            Err(error) if is_timeout(&error) => {
                let is_over = limit.remaining().is_zero();
                failure = Error::Timeout(if is_over {
                    limit.reason
                } else {
                    Timeout::Connect
                });
            }
            Err(error) => failure = Error::Io(error),
        }
    }
    Err(failure)
}

/// Bytes that had no room when the server began to speak, to be sent later. The key may be among
/// them, so they are wiped.
#[derive(Default)]
struct Unsent {
    bytes: Vec<u8>,
    sent: usize,
}

impl Unsent {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Adds bytes. A vector that grows leaves a copy behind, so a new one takes the place of the old one.
    fn push(&mut self, more: &[u8]) {
        let kept = &self.bytes[self.sent..];
        let mut bytes = Vec::with_capacity(kept.len() + more.len());
        bytes.extend_from_slice(kept);
        bytes.extend_from_slice(more);
        self.wipe();
        self.bytes = bytes;
    }

    /// Sends what there is room for. Returns `true` if nothing is left.
    fn send(&mut self, stream: &TcpStream) -> io::Result<bool> {
        without_waiting(stream, |mut stream| {
            while self.sent < self.bytes.len() {
                match stream.write(&self.bytes[self.sent..]) {
                    Ok(0) => return Err(ErrorKind::WriteZero.into()),
                    Ok(count) => self.sent += count,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                    Err(error) => return Err(error),
                }
            }
            Ok(true)
        })
    }

    fn wipe(&mut self) {
        self.bytes.fill(0);
        // Keeps the compiler from leaving the wiping out.
        hint::black_box(&self.bytes);
        self.bytes.clear();
        self.sent = 0;
    }
}

impl Drop for Unsent {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// A TCP connection.
pub(crate) struct TcpTransport {
    stream: TcpStream,
    buffers: LazyBuffers,
    unsent: Unsent,
    /// The server accepts no more bytes, but what it sent before can still be read.
    is_write_closed: bool,
}

impl fmt::Debug for TcpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpTransport").finish_non_exhaustive()
    }
}

impl TcpTransport {
    fn new(stream: TcpStream, buffers: LazyBuffers) -> Self {
        Self {
            stream,
            buffers,
            unsent: Unsent::default(),
            is_write_closed: false,
        }
    }

    /// Sends what was left before, as far as there is room. Returns `true` if nothing is left.
    fn send_unsent(&mut self) -> io::Result<bool> {
        if self.unsent.is_empty() {
            return Ok(true);
        }
        match self.unsent.send(&self.stream) {
            Ok(false) => return Ok(false),
            Ok(true) => {}
            Err(error) => {
                // A server that has answered may close before it has read everything.
                if !self.can_hear(Duration::ZERO).unwrap_or(false) {
                    return Err(error);
                }
                self.is_write_closed = true;
                call_context::set_server_sent_early();
            }
        }
        self.unsent.wipe();
        Ok(true)
    }

    /// Returns `true` if there is something to read, or the connection's end, within a time.
    fn can_hear(&self, wait: Duration) -> io::Result<bool> {
        match with_timeout(&self.stream, wait, |stream| stream.peek(&mut [0])) {
            Ok(_) => Ok(true),
            Err(error) if is_timeout(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl UreqLayer for TcpTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    /// Sends until everything is out or the server speaks. In the second case the rest is sent with
    /// the next piece, or while a response is awaited.
    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if self.is_write_closed {
            return Ok(());
        }
        let output = &self.buffers.output()[..amount];
        let written = if self.unsent.is_empty() {
            // Mostly there is room for all of it. What an error means is found out below.
            without_waiting(&self.stream, |mut stream| stream.write(output)).unwrap_or(0)
        } else {
            0
        };
        if written == amount {
            return Ok(());
        }
        self.unsent.push(&output[written..]);
        let limit = TimeLimit::new(timeout);
        while !self.send_unsent()? {
            if self.can_hear(POLL_INTERVAL)? {
                call_context::set_server_sent_early();
                return Ok(());
            }
            if limit.remaining().is_zero() {
                return Err(Error::Timeout(limit.reason));
            }
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let limit = TimeLimit::new(timeout);
        loop {
            let is_sent = self.send_unsent()?;
            let remaining = limit.remaining();
            let wait = if is_sent {
                remaining
            } else {
                remaining.min(POLL_INTERVAL)
            };
            let input = self.buffers.input_append_buf();
            match with_timeout(&self.stream, wait, |mut stream| stream.read(input)) {
                Ok(count) => {
                    self.buffers.input_appended(count);
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => {
                    if limit.remaining().is_zero() {
                        return Err(Error::Timeout(limit.reason));
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Returns `true` if everything was sent, and nothing came that nobody asked for.
    fn is_open(&mut self) -> bool {
        !self.is_write_closed
            && self.unsent.is_empty()
            && matches!(self.can_hear(Duration::ZERO), Ok(false))
    }
}

/// Reads within a time; with no time at all, only what is there already.
fn with_timeout<T>(
    stream: &TcpStream,
    wait: Duration,
    read: impl FnOnce(&TcpStream) -> io::Result<T>,
) -> io::Result<T> {
    if wait.is_zero() {
        return without_waiting(stream, read);
    }
    stream.set_read_timeout(Some(wait.max(SHORTEST_WAIT)))?;
    read(stream)
}

fn without_waiting<T>(
    stream: &TcpStream,
    act: impl FnOnce(&TcpStream) -> io::Result<T>,
) -> io::Result<T> {
    stream.set_nonblocking(true)?;
    let outcome = act(stream);
    stream.set_nonblocking(false)?;
    outcome
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_loopback_address_is_told_from_others_also_where_it_is_mapped() {
        for (address, expected) in [
            ("127.0.0.1:80", true),
            ("127.8.0.1:80", true),
            ("[::1]:80", true),
            ("[::ffff:127.0.0.1]:80", true),
            ("10.0.0.1:80", false),
            ("[::ffff:10.0.0.1]:80", false),
            ("0.0.0.0:80", false),
        ] {
            assert_eq!(
                is_loopback(&address.parse().unwrap()),
                expected,
                "{address}"
            );
        }
    }

    #[test]
    fn bytes_that_wait_are_sent_in_order_and_wiped() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();

        let mut unsent = Unsent::default();
        unsent.push(b"one ");
        unsent.push(b"two");
        assert!(unsent.send(&stream).unwrap());
        unsent.wipe();
        assert!(unsent.is_empty());
        drop((unsent, stream));
        let mut received = String::new();
        peer.read_to_string(&mut received).unwrap();
        assert_eq!(received, "one two");
    }

    #[test]
    fn a_connection_shows_nothing_of_its_buffers() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut transport = TcpTransport::new(stream, LazyBuffers::new(16, 16));
        transport.buffers().output()[..3].copy_from_slice(b"key");
        assert_eq!(format!("{transport:?}"), "TcpTransport { .. }");
    }
}
