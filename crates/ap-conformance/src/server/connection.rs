//! A connection of a listener, plain or TLS, with the ways to end it that a test needs.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::SockRef;

use crate::server::Shared;

pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

/// The same within TLS, whose two ways cannot be on two threads: each is looked at in turn.
fn tunnel_in_tls(
    mut client: StreamOwned<ServerConnection, TcpStream>,
    mut server: TcpStream,
    shared: &Shared,
    connection: usize,
) -> io::Result<()> {
    let turn = Some(Duration::from_millis(2));
    client.sock.set_read_timeout(turn)?;
    server.set_read_timeout(turn)?;
    let mut buffer = [0; 16 * 1024];
    let came = |read: io::Result<usize>| match read {
        Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
        Ok(n) => Ok(Some(n)),
        Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
            Ok(None)
        }
        Err(error) => Err(error),
    };
    while !shared.is_over() {
        if let Some(n) = came(client.read(&mut buffer))? {
            shared.received(connection, &buffer[..n]);
            server.write_all(&buffer[..n])?;
        }
        if let Some(n) = came(server.read(&mut buffer))? {
            client.write_all(&buffer[..n])?;
            client.flush()?;
        }
    }
    Ok(())
}

impl Stream {
    /// Takes a connection, with TLS if there is a configuration. The handshake is done here.
    /// A greeting goes out with the server's part of it, so it is there before any request.
    pub(crate) fn accept(
        tcp: TcpStream,
        tls: Option<Arc<ServerConfig>>,
        greeting: &[u8],
    ) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        tcp.set_write_timeout(Some(Duration::from_secs(10)))?;
        let Some(config) = tls else {
            return Ok(Self::Plain(tcp));
        };
        tcp.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut connection = ServerConnection::new(config).map_err(io::Error::other)?;
        connection.writer().write_all(greeting)?;
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

    /// Ends it as a good server does: TLS's closing alert, then the write side.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        if let Self::Tls(tls) = self {
            tls.conn.send_close_notify();
            tls.flush()?;
        }
        self.half_close()
    }

    pub(crate) fn half_close(&self) -> io::Result<()> {
        self.tcp().shutdown(Shutdown::Write)
    }

    pub(crate) fn fin(&self) -> io::Result<()> {
        self.tcp().shutdown(Shutdown::Both)
    }

    pub(crate) fn reset(&self) -> io::Result<()> {
        SockRef::from(self.tcp()).set_linger(Some(Duration::ZERO))
    }

    /// Passes bytes on to an address, both ways, until either side ends.
    pub(crate) fn tunnel(
        self,
        to: SocketAddr,
        shared: &Shared,
        connection: usize,
    ) -> io::Result<()> {
        let mut server = TcpStream::connect(to)?;
        let mut client = match self {
            Self::Plain(client) => client,
            Self::Tls(client) => return tunnel_in_tls(*client, server, shared, connection),
        };
        client.set_read_timeout(Some(Duration::from_secs(10)))?;
        server.set_read_timeout(Some(Duration::from_secs(10)))?;
        let (mut back_from, mut back_to) = (server.try_clone()?, client.try_clone()?);
        let back = std::thread::spawn(move || {
            // Either end may go first; both ways then end.
            let _ = io::copy(&mut back_from, &mut back_to);
            let _ = back_to.shutdown(Shutdown::Write);
        });
        let mut buffer = [0; 16 * 1024];
        loop {
            match client.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(n) => {
                    shared.received(connection, &buffer[..n]);
                    server.write_all(&buffer[..n])?;
                }
            }
        }
        let _ = server.shutdown(Shutdown::Both);
        let _ = back.join();
        Ok(())
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => &tls.sock,
        }
    }
}
