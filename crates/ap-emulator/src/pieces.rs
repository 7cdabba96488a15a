//! [`Pieces`]: a response body that gives its bytes out a little at a time.
//!
//! hyper copies what it gets into the connection's buffer, and asks for more when the client has read.
//! So a client that reads nothing costs one piece, however long the body is.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// The most bytes in one piece.
pub(crate) const MAX_PIECE: usize = 16 * 1024;

/// Bytes that all readers of the same body share.
#[derive(Debug)]
pub(crate) struct Pieces(Bytes);

impl Pieces {
    pub(crate) const fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.0.len().min(MAX_PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.0.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}
