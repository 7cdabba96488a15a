//! [`Limited`]: a connection on which informational responses are counted. hyper skips any number of them, and its
//! callback for them costs more in each call than this.

use std::error::Error as StdError;
use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::progress::Progress;

/// The most informational responses that are skipped before a final one.
const MOST: usize = 100;

/// The place of the status's first digit in a status line (RFC 9112 section 4).
const STATUS: usize = "HTTP/1.1 ".len();

/// A connection that fails when a request is answered by too many informational responses.
#[derive(Debug)]
pub(crate) struct Limited<S> {
    stream: S,
    progress: Arc<Progress>,
    heads: Heads,
}

impl<S> Limited<S> {
    /// Wraps a connection. `max_size` is the limit of all informational responses to a request, in bytes.
    pub(crate) const fn new(stream: S, progress: Arc<Progress>, max_size: usize) -> Self {
        Self {
            stream,
            progress,
            heads: Heads {
                position: Position::Final,
                count: 0,
                size: 0,
                max_size,
            },
        }
    }
}

/// The heads that arrive before the final one.
#[derive(Debug)]
struct Heads {
    position: Position,
    count: usize,
    size: usize,
    max_size: usize,
}

/// Where in the heads the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// So many bytes into a status line.
    StatusLine(usize),
    /// In an informational response.
    Informational { line_is_empty: bool },
    /// In the final response, or behind it: nothing is counted.
    Final,
}

impl Heads {
    /// Begins to count for another request.
    fn restart(&mut self) {
        self.position = Position::StatusLine(0);
        self.count = 0;
        self.size = 0;
    }

    /// Reads on.
    fn read(&mut self, mut bytes: &[u8]) -> Result<(), TooManyInformational> {
        while let (false, Some((&byte, rest))) =
            (self.position == Position::Final, bytes.split_first())
        {
            self.position = match self.position {
                // Most responses are final, and their first bytes arrive together.
                Position::StatusLine(0) if byte == b'H' && bytes.len() > STATUS => {
                    bytes = &bytes[STATUS..];
                    Position::StatusLine(STATUS)
                }
                // Empty lines before a response are skipped (RFC 9112 section 2.2).
                Position::StatusLine(0) if matches!(byte, b'\r' | b'\n') => {
                    bytes = rest;
                    Position::StatusLine(0)
                }
                Position::StatusLine(STATUS) if byte == b'1' => {
                    self.size += STATUS;
                    Position::Informational {
                        line_is_empty: false,
                    }
                }
                Position::StatusLine(STATUS) => Position::Final,
                Position::StatusLine(at) => {
                    bytes = rest;
                    Position::StatusLine(at + 1)
                }
                Position::Informational { line_is_empty } => {
                    bytes = rest;
                    self.informational(byte, line_is_empty)?
                }
                Position::Final => return Ok(()),
            };
        }
        Ok(())
    }

    fn informational(
        &mut self,
        byte: u8,
        line_is_empty: bool,
    ) -> Result<Position, TooManyInformational> {
        self.size += 1;
        let position = match byte {
            b'\n' if line_is_empty => {
                self.count += 1;
                Position::StatusLine(0)
            }
            b'\n' => Position::Informational {
                line_is_empty: true,
            },
            b'\r' => Position::Informational { line_is_empty },
            _ => Position::Informational {
                line_is_empty: false,
            },
        };
        if self.count > MOST || self.size > self.max_size {
            return Err(TooManyInformational);
        }
        Ok(position)
    }
}

/// More informational responses than are skipped, or larger ones.
#[derive(Debug)]
pub(crate) struct TooManyInformational;

impl fmt::Display for TooManyInformational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there were too many informational responses")
    }
}

impl StdError for TooManyInformational {}

impl<S: AsyncRead + Unpin> AsyncRead for Limited<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.progress.take_new() {
            this.heads.restart();
        }
        if this.progress.is_read_out() {
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if read.is_pending() {
            this.progress.read_out();
        }
        ready!(read)?;
        if buffer.filled().len() > before && buffer.remaining() > 0 {
            this.progress.read_less();
        }
        if this.heads.position != Position::Final {
            let read = buffer.filled().get(before..).unwrap_or_default();
            this.heads.read(read).map_err(io::Error::other)?;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Limited<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    fn heads(max_size: usize) -> Heads {
        Heads {
            position: Position::StatusLine(0),
            count: 0,
            size: 0,
            max_size,
        }
    }

    /// Reads a text in pieces of this size, and returns what was counted if it was not too much.
    fn counted(text: &str, piece: usize, max_size: usize) -> Option<(usize, usize, bool)> {
        let mut heads = heads(max_size);
        for piece in text.as_bytes().chunks(piece) {
            heads.read(piece).ok()?;
        }
        Some((heads.count, heads.size, heads.position == Position::Final))
    }

    #[test]
    fn informational_responses_are_counted_however_they_arrive() {
        for (text, expected) in [
            ("", (0, 0, false)),
            (
                "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 103 x\r\n\r\n",
                (0, 0, true),
            ),
            ("\r\n\nHTTP/1.1 200 OK\r\n", (0, 0, true)),
            ("garbage that is no status line", (0, 0, true)),
            ("HTTP/1.1 103 x\r\n\r\n", (1, 18, false)),
            ("HTTP/1.1 103 x\n\nHTTP/1.0 404 x\n", (1, 16, true)),
            (
                "HTTP/1.1 100 x\r\na: b\r\n\r\n\r\nHTTP/1.1 102 x\r\n\r\nHTTP/1.1 2",
                (2, 42, true),
            ),
            ("HTTP/1.1 1", (0, 10, false)),
        ] {
            for piece in 1..=text.len().max(1) {
                assert_eq!(
                    counted(text, piece, 1000),
                    Some(expected),
                    "{text:?} by {piece}"
                );
            }
        }
    }

    #[test]
    fn more_than_the_limits_is_an_error() {
        let one = "HTTP/1.1 103 Early Hints\r\n\r\n";
        for (times, max_size, is_allowed) in [
            (MOST, 64 * 1024, true),
            (MOST + 1, 64 * 1024, false),
            (10, 10 * one.len(), true),
            (10, 10 * one.len() - 1, false),
        ] {
            let text = one.repeat(times) + "HTTP/1.1 200 OK\r\n\r\n";
            for piece in [1, 7, 28, text.len()] {
                let counted = counted(&text, piece, max_size);
                assert_eq!(
                    counted.is_some(),
                    is_allowed,
                    "{times}, {max_size} by {piece}"
                );
            }
        }
    }

    #[test]
    fn each_request_has_limits_of_its_own() {
        let mut heads = heads(64 * 1024);
        for _ in 0..3 {
            heads.restart();
            let text = "HTTP/1.1 103 x\r\n\r\n".repeat(MOST) + "HTTP/1.1 200 OK\r\n\r\n";
            assert!(heads.read(text.as_bytes()).is_ok());
        }
    }
}
