//! The bytes of a connection on their way to the server: which request heads are ambiguous, and
//! which clients have stopped reading.
//!
//! The server repairs an ambiguous framing (two lengths, a length next to a transfer coding, bare
//! line feeds), as it may. A double for clients had better refuse it, and by the time the server
//! hands a request over it has removed what would show it.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// What the raw bytes of one request's head show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) well_formed: bool,
    /// Whether it is clear where the next request would start.
    pub(crate) next_is_known: bool,
}

/// The heads that were read but not yet answered, oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heads(Arc<Mutex<VecDeque<Head>>>);

impl Heads {
    fn push(&self, head: Head) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(head);
    }

    /// A request whose head was not seen is treated as ambiguous.
    pub(crate) fn next(&self) -> Head {
        let next = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        next.unwrap_or(Head {
            well_formed: false,
            next_is_known: false,
        })
    }
}

/// A connection whose bytes are watched.
#[derive(Debug)]
pub(crate) struct Watched {
    stream: TcpStream,
    watch: Watch,
    patience: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Watched {
    pub(crate) fn new(stream: TcpStream, heads: Heads, patience: Duration) -> Self {
        Self {
            stream,
            watch: Watch::new(heads),
            patience,
            stalled: None,
        }
    }

    pub(crate) fn into_inner(self) -> TcpStream {
        self.stream
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let read = buffer.filled().get(before..).unwrap_or_default();
        self.watch.see(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(result) = Pin::new(&mut self.stream).poll_write(context, bytes) {
            self.stalled = None;
            return Poll::Ready(result);
        }
        let patience = self.patience;
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Longer lines cannot be read as one of the two headers that matter, so they need not be kept.
const KEPT_OF_LINE: usize = 256;

#[derive(Debug)]
struct Watch {
    heads: Heads,
    place: Place,
    line: Vec<u8>,
    line_length: usize,
    after_return: bool,
    started: bool,
    bare_line_feed: bool,
    lengths: u32,
    length: u64,
    coded: bool,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Head,
    Body(u64),
    /// After a body in chunks, whose end is not looked for: the connection is closed instead.
    Unknown,
}

impl Watch {
    const fn new(heads: Heads) -> Self {
        Self {
            heads,
            place: Place::Head,
            line: Vec::new(),
            line_length: 0,
            after_return: false,
            started: false,
            bare_line_feed: false,
            lengths: 0,
            length: 0,
            coded: false,
        }
    }

    fn see(&mut self, mut bytes: &[u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            match self.place {
                Place::Unknown => return,
                Place::Body(left) => {
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    bytes = bytes.get(here..).unwrap_or_default();
                    let left = left - here as u64;
                    self.place = if left == 0 {
                        Place::Head
                    } else {
                        Place::Body(left)
                    };
                }
                Place::Head => {
                    bytes = rest;
                    self.see_head_byte(byte);
                }
            }
        }
    }

    fn see_head_byte(&mut self, byte: u8) {
        if byte != b'\n' {
            self.line_length += 1;
            self.after_return = byte == b'\r';
            if self.line.len() < KEPT_OF_LINE {
                self.line.push(byte);
            }
            return;
        }
        let line = std::mem::take(&mut self.line);
        let length = std::mem::take(&mut self.line_length);
        self.bare_line_feed |= !std::mem::take(&mut self.after_return);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        if !line.is_empty() {
            self.started = true;
            self.see_line(line, length > KEPT_OF_LINE);
        } else if self.started {
            self.end_head();
        }
    }

    fn see_line(&mut self, line: &[u8], truncated: bool) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return;
        };
        let (name, value) = line.split_at(colon);
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.coded = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            self.lengths += if truncated { 2 } else { 1 };
            let value = std::str::from_utf8(&value[1..])
                .map(str::trim)
                .unwrap_or_default();
            // The server refuses what is no number, so that its value here does not matter.
            self.length = value.parse().unwrap_or_default();
        }
    }

    fn end_head(&mut self) {
        let well_formed =
            !self.bare_line_feed && self.lengths <= 1 && !(self.coded && self.lengths > 0);
        let next_is_known = well_formed && !self.coded;
        self.place = match (next_is_known, self.length) {
            (false, _) => Place::Unknown,
            (true, 0) => Place::Head,
            (true, length) => Place::Body(length),
        };
        self.heads.push(Head {
            well_formed,
            next_is_known,
        });
        (self.started, self.lengths, self.length) = (false, 0, 0);
    }
}
