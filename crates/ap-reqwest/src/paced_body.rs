//! [`PacedBody`]: a large body that begins slowly, so that an early answer is heard.
//!
//! The library writes a body for as long as the connection takes more, and does not read meanwhile. If the
//! server rejects the key and ends the connection in that time, the write fails and the rejection is lost. The
//! danger is over once the buffers of the connection are full, because then the library waits for both.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// Bodies up to this size fit into the buffers of a connection, so they are sent in one piece.
pub(crate) const MOST_IN_ONE_PIECE: usize = 256 * 1024;

/// The size of the first piece. Each piece is twice as large as the one before.
const FIRST_PIECE: usize = 64 * 1024;

/// The time between two pieces.
const PAUSE: Duration = Duration::from_millis(2);

pub(crate) struct PacedBody {
    rest: Bytes,
    piece: usize,
    pause: Option<Pin<Box<Sleep>>>,
}

impl PacedBody {
    pub(crate) fn new(body: Bytes) -> Self {
        Self {
            rest: body,
            piece: FIRST_PIECE,
            pause: None,
        }
    }
}

impl Body for PacedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
        }
        let length = self.rest.len().min(self.piece);
        let piece = self.rest.split_to(length);
        self.piece = self.piece.saturating_mul(2);
        self.pause = Some(Box::pin(sleep(PAUSE)));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
