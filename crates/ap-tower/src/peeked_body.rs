//! [`PeekedBody`]: a body whose start may have been read already.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};

/// A body whose start may have been read already, and comes again, frame by frame.
pub struct PeekedBody<R> {
    start: VecDeque<Frame<Bytes>>,
    rest: R,
}

impl<R: Body + Unpin> PeekedBody<R> {
    pub(crate) const fn new(rest: R) -> Self {
        Self {
            start: VecDeque::new(),
            rest,
        }
    }

    /// Reads frames until there are so many bytes, or no more, and returns them.
    pub(crate) async fn peek(&mut self, size: usize) -> Result<Bytes, R::Error> {
        let mut start = BytesMut::new();
        while start.len() < size && !self.rest.is_end_stream() {
            let frame = poll_fn(|context| Pin::new(&mut self.rest).poll_frame(context)).await;
            let Some(frame) = frame.transpose()? else {
                break;
            };
            let frame = frame.map_data(into_bytes);
            start.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
            self.start.push_back(frame);
        }
        Ok(start.freeze())
    }
}

fn into_bytes(mut data: impl Buf) -> Bytes {
    data.copy_to_bytes(data.remaining())
}

impl<R: Body + Unpin> Body for PeekedBody<R> {
    type Data = Bytes;
    type Error = R::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, R::Error>>> {
        if let Some(frame) = self.start.pop_front() {
            return Poll::Ready(Some(Ok(frame)));
        }
        Pin::new(&mut self.rest)
            .poll_frame(context)
            .map_ok(|frame| frame.map_data(into_bytes))
    }

    fn is_end_stream(&self) -> bool {
        self.start.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let start: u64 = self
            .start
            .iter()
            .filter_map(Frame::data_ref)
            .map(|data| data.len() as u64)
            .sum();
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(start));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(start)) {
            hint.set_upper(upper);
        }
        hint
    }
}

impl<R> fmt::Debug for PeekedBody<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeekedBody").finish_non_exhaustive()
    }
}
