//! A response body with a JSON array whose items are written when the client reads them.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body as AxumBody;
use bytes::Bytes;
use hyper::body::{Body, Frame};

use crate::pieces::MAX_PIECE;
use crate::response::{self, Response};

/// Appends an item to a text, or returns `None` if it is gone. What it has appended then is taken off again.
type Render<T> = Box<dyn FnMut(&T, &mut Vec<u8>) -> Option<()> + Send>;

/// An array between a head and a tail. It keeps what its items are written from, which is short.
struct RenderedList<T> {
    head: String,
    items: std::vec::IntoIter<T>,
    render: Render<T>,
    /// `None` after it was written, which is the end.
    tail: Option<&'static str>,
    is_first: bool,
}

/// Responds with `head`, the items with commas between them, and `tail`. The length is not known before, so the body is chunked.
pub(super) fn response<T: Send + Unpin + 'static>(
    head: String,
    items: Vec<T>,
    tail: &'static str,
    render: impl FnMut(&T, &mut Vec<u8>) -> Option<()> + Send + 'static,
) -> Response {
    response::chunked_json(AxumBody::new(RenderedList {
        head,
        items: items.into_iter(),
        render: Box::new(render),
        tail: Some(tail),
        is_first: true,
    }))
}

impl<T> RenderedList<T> {
    /// Writes the next piece. It is as long as a piece should be, and the rest of an item longer.
    fn next_piece(&mut self) -> Option<Bytes> {
        let tail = self.tail?;
        let mut text = Vec::with_capacity(MAX_PIECE + MAX_PIECE / 4);
        text.append(&mut std::mem::take(&mut self.head).into_bytes());
        while text.len() < MAX_PIECE {
            let Some(item) = self.items.next() else {
                text.extend_from_slice(tail.as_bytes());
                self.tail = None;
                break;
            };
            let end = text.len();
            if !self.is_first {
                text.push(b',');
            }
            match (self.render)(&item, &mut text) {
                Some(()) => self.is_first = false,
                None => text.truncate(end),
            }
        }
        Some(text.into())
    }
}

impl<T: Unpin> Body for RenderedList<T> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.next_piece().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.tail.is_none()
    }
}
