//! [`ScannedStream`]: a connection whose bytes the scanner sees, and whose client must keep reading.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use crate::head_scanner::HeadScanner;

/// A connection whose bytes the scanner sees. A client that stops reading ends it.
#[derive(Debug)]
pub struct ScannedStream<S> {
    stream: S,
    /// What was read before.
    start: Bytes,
    scanner: HeadScanner,
    /// What was scanned, and had no room where it was read to.
    scanned: Bytes,
    write_timeout: Duration,
    /// Runs while the client does not read.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> ScannedStream<S> {
    /// Wraps a connection. `start` is what was read of it before.
    pub const fn new(
        stream: S,
        start: Bytes,
        scanner: HeadScanner,
        write_timeout: Duration,
    ) -> Self {
        Self {
            stream,
            start,
            scanner,
            scanned: Bytes::new(),
            write_timeout,
            stalled: None,
        }
    }

    /// Returns the connection.
    pub fn into_inner(self) -> S {
        self.stream
    }

    /// Returns what a write returned, or an error if the client has not read anything for too long.
    fn in_time(
        &mut self,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let timeout = self.write_timeout;
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ScannedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.scanned.is_empty() {
            put(&mut self.scanned, buffer);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        if self.start.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        } else {
            put(&mut self.start, buffer);
        }
        let read = buffer.filled().get(before..).unwrap_or_default();
        if let Some((start, rest)) = self.scanner.scan(read) {
            buffer.set_filled(before + start);
            self.scanned = rest.into();
            put(&mut self.scanned, buffer);
        }
        Poll::Ready(Ok(()))
    }
}

/// Moves as much as there is room for.
fn put(bytes: &mut Bytes, buffer: &mut ReadBuf<'_>) {
    let length = bytes.len().min(buffer.remaining());
    buffer.put_slice(bytes.get(..length).unwrap_or_default());
    bytes.advance(length);
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ScannedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.in_time(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.in_time(written, context)
    }

    /// Without this, hyper would copy each answer before it writes it, and keep the room for the largest one.
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
