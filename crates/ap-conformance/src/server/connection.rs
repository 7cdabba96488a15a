//! [`Connection`]: an accepted connection, plain or TLS, with every way to end it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::SockRef;

use super::recorded_stream::RecordedStream;
use super::state::ListenerState;

/// An accepted connection.
pub(crate) enum Connection {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, RecordedStream>>),
}

/// The first byte of a TLS connection: a record with a handshake.
const TLS_HANDSHAKE: u8 = 22;

/// Returns the first bytes of a connection that does not begin with a TLS handshake. They are still to be read.
pub(crate) fn bytes_without_tls(tcp: &TcpStream) -> Option<Vec<u8>> {
    tcp.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut buffer = vec![0; 16 * 1024];
    let count = tcp.peek(&mut buffer[..1]).ok()?;
    if count == 0 || buffer[0] == TLS_HANDSHAKE {
        return None;
    }
    let count = tcp.peek(&mut buffer).ok()?;
    buffer.truncate(count);
    Some(buffer)
}

impl Connection {
    /// Accepts a connection, and completes the handshake if there is a TLS configuration.
    ///
    /// A greeting is sent with the server's part of the handshake, so it arrives before any request.
    pub(crate) fn accept(
        tcp: TcpStream,
        tls: Option<Arc<ServerConfig>>,
        greeting: &[u8],
        state: &Arc<ListenerState>,
        number: usize,
    ) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        tcp.set_write_timeout(Some(Duration::from_secs(10)))?;
        let Some(config) = tls else {
            return Ok(Self::Plain(tcp));
        };
        tcp.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut connection = ServerConnection::new(config).map_err(io::Error::other)?;
        connection.writer().write_all(greeting)?;
        let tcp = RecordedStream::new(tcp, state, number);
        let mut stream = StreamOwned::new(connection, tcp);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Self::Tls(Box::new(stream)))
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.write_all(bytes),
            Self::Tls(tls) => tls.write_all(bytes).and_then(|()| tls.flush()),
        }
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }

    pub(crate) fn set_read_timeout(&self, time: Duration) -> io::Result<()> {
        self.tcp()
            .set_read_timeout(Some(time.max(Duration::from_millis(1))))
    }

    /// Closes it as a correct server does: TLS's closing alert, then the write half.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        if let Self::Tls(tls) = self {
            tls.conn.send_close_notify();
            tls.flush()?;
        }
        self.half_close()
    }

    /// Closes the write half.
    pub(crate) fn half_close(&self) -> io::Result<()> {
        self.tcp().shutdown(Shutdown::Write)
    }

    /// Ends it at once, without a closing alert.
    pub(crate) fn fin(&self) -> io::Result<()> {
        self.tcp().shutdown(Shutdown::Both)
    }

    /// Makes the close a reset.
    pub(crate) fn reset(&self) -> io::Result<()> {
        SockRef::from(self.tcp()).set_linger(Some(Duration::ZERO))
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => &tls.sock.tcp,
        }
    }
}
