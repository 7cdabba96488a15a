//! [`RecordedStream`]: the TCP stream below TLS, which records the kind and length of each TLS record.

use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use super::conversation::Direction;
use super::state::ListenerState;
use super::tls_records::RecordScanner;

/// The TCP stream below TLS.
pub(crate) struct RecordedStream {
    pub(super) tcp: TcpStream,
    state: Arc<ListenerState>,
    /// The number of the connection.
    number: usize,
    received: RecordScanner,
    sent: RecordScanner,
}

impl RecordedStream {
    pub(super) fn new(tcp: TcpStream, state: &Arc<ListenerState>, number: usize) -> Self {
        Self {
            tcp,
            state: Arc::clone(state),
            number,
            received: RecordScanner::default(),
            sent: RecordScanner::default(),
        }
    }
}

impl Read for RecordedStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.tcp.read(buffer)?;
        self.received.read(&buffer[..count], |record, length| {
            let direction = Direction::Received;
            self.state
                .add_tls_record(self.number, direction, record, length);
        });
        Ok(count)
    }
}

impl Write for RecordedStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    /// Sends all records at once, so that a greeting arrives together with the handshake.
    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let count = self.tcp.write_vectored(parts)?;
        let mut rest = count;
        for part in parts {
            let written = rest.min(part.len());
            rest -= written;
            self.sent.read(&part[..written], |record, length| {
                let direction = Direction::Sent;
                self.state
                    .add_tls_record(self.number, direction, record, length);
            });
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}
