//! [`FlowList`]: the response body with all flows. It has no copy of them: it fetches the next one when
//! the client has read the one before.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, SizeHint};

use crate::pieces::MAX_PIECE;
use crate::state::Shared;

/// A JSON array with the flows that there were when it was made.
#[derive(Debug)]
pub(super) struct FlowList {
    shared: Arc<Shared>,
    flows: usize,
    /// The next of the parts: a separator before each flow, the flow, and the end of the array.
    next_part: usize,
    /// What is left of the current part.
    part: Bytes,
    /// The number of bytes that are left of the whole array.
    remaining: usize,
}

impl FlowList {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let state = shared.lock();
        let (flows, text_bytes) = (state.flows.len(), state.flows.text_bytes());
        drop(state);
        Self {
            shared,
            flows,
            next_part: 0,
            part: Bytes::new(),
            // Brackets, and a comma between two flows; there are always the examples.
            remaining: text_bytes + flows + 1,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.remaining
    }

    fn fetch_part(&mut self) {
        let (index, is_flow) = (self.next_part / 2, self.next_part % 2 == 1);
        self.part = match index {
            _ if is_flow => self.shared.lock().flows.at(index).unwrap_or_default(),
            0 => Bytes::from_static(b"["),
            _ if index == self.flows => Bytes::from_static(b"]"),
            _ => Bytes::from_static(b","),
        };
        self.next_part += 1;
    }
}

impl Body for FlowList {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let length = self.remaining.min(MAX_PIECE);
        if length == 0 {
            return Poll::Ready(None);
        }
        let mut piece = BytesMut::with_capacity(length);
        while piece.len() < length {
            if self.part.is_empty() {
                self.fetch_part();
            }
            let taken = self.part.len().min(length - piece.len());
            piece.extend_from_slice(&self.part.split_to(taken));
        }
        self.remaining -= length;
        Poll::Ready(Some(Ok(Frame::data(piece.freeze()))))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining as u64)
    }
}
