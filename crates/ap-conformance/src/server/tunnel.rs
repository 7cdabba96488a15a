//! Passes the bytes of a connection on to another listener, as a proxy does.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use rustls::{ServerConnection, StreamOwned};

use super::connection::Connection;
use super::recorded_stream::RecordedStream;
use super::state::ListenerState;

/// How long a tunnel waits for bytes.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long a tunnel within TLS waits for bytes of one direction before it tries the other.
const TLS_TURN: Duration = Duration::from_millis(2);

/// Passes bytes on to an address, in both directions, until either end closes.
pub(crate) fn tunnel(
    connection: Connection,
    to: SocketAddr,
    state: &ListenerState,
    number: usize,
) -> io::Result<()> {
    let server = TcpStream::connect(to)?;
    match connection {
        Connection::Plain(client) => plain(client, server, state, number),
        Connection::Tls(client) => within_tls(*client, server, state, number),
    }
}

fn plain(
    mut client: TcpStream,
    mut server: TcpStream,
    state: &ListenerState,
    number: usize,
) -> io::Result<()> {
    client.set_read_timeout(Some(TIMEOUT))?;
    server.set_read_timeout(Some(TIMEOUT))?;
    let (mut back_from, mut back_to) = (server.try_clone()?, client.try_clone()?);
    let back = std::thread::spawn(move || {
        // Either end may close first; then both directions end.
        let _ = io::copy(&mut back_from, &mut back_to);
        let _ = back_to.shutdown(Shutdown::Write);
    });
    let mut buffer = [0; 16 * 1024];
    loop {
        match client.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(n) => {
                state.add_received(number, &buffer[..n]);
                server.write_all(&buffer[..n])?;
            }
        }
    }
    let _ = server.shutdown(Shutdown::Both);
    let _ = back.join();
    Ok(())
}

/// One TLS connection cannot be used by two threads, so this one serves both directions in turn.
fn within_tls(
    mut client: StreamOwned<ServerConnection, RecordedStream>,
    mut server: TcpStream,
    state: &ListenerState,
    number: usize,
) -> io::Result<()> {
    client.sock.tcp.set_read_timeout(Some(TLS_TURN))?;
    server.set_read_timeout(Some(TLS_TURN))?;
    let mut buffer = [0; 16 * 1024];
    let bytes_read = |read: io::Result<usize>| match read {
        Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
        Ok(n) => Ok(Some(n)),
        Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
            Ok(None)
        }
        Err(error) => Err(error),
    };
    while !state.is_over() {
        if let Some(n) = bytes_read(client.read(&mut buffer))? {
            state.add_received(number, &buffer[..n]);
            server.write_all(&buffer[..n])?;
        }
        if let Some(n) = bytes_read(server.read(&mut buffer))? {
            client.write_all(&buffer[..n])?;
            client.flush()?;
        }
    }
    Ok(())
}
