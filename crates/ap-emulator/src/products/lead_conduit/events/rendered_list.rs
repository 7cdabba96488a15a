//! [`RenderedList`]: a response body with a JSON array whose items are written when the client reads them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body as AxumBody;
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use hyper::body::{Body, Frame, SizeHint};

use crate::pieces::MAX_PIECE;
use crate::response::{self, JSON, Response};

/// Writes an item, or returns `None` if it is gone.
type Render<T> = Box<dyn Fn(&T) -> Option<String> + Send>;

/// An array between `head` and `tail`. It keeps what its items are written from, which is short.
struct RenderedList<T> {
    items: std::vec::IntoIter<T>,
    render: Render<T>,
    tail: Bytes,
    /// What is left of the current part.
    part: Bytes,
    is_first: bool,
    remaining: usize,
}

/// Responds with `head`, the items with commas between them, and `tail`.
pub(super) async fn response<T: Send + Unpin + 'static>(
    head: String,
    mut items: Vec<T>,
    tail: &'static str,
    render: impl Fn(&T) -> Option<String> + Send + 'static,
) -> Response {
    // The length of the body comes before it, so all items are written twice.
    let mut length = 0;
    let mut lengths = Vec::with_capacity(items.len());
    for chunk in items.chunks(64) {
        lengths.extend(chunk.iter().map(|item| render(item).map(|text| text.len())));
        tokio::task::yield_now().await;
    }
    // What is gone already is left out.
    let mut is_kept = lengths.iter().map(Option::is_some);
    items.retain(|_| is_kept.next().unwrap_or_default());
    length += lengths.iter().flatten().sum::<usize>() + items.len().saturating_sub(1);
    let list = RenderedList {
        items: items.into_iter(),
        render: Box::new(render),
        remaining: head.len() + length + tail.len(),
        tail: Bytes::from_static(tail.as_bytes()),
        part: Bytes::from(head),
        is_first: true,
    };
    response::with_body(StatusCode::OK, JSON, list.remaining, AxumBody::new(list))
}

impl<T> RenderedList<T> {
    /// Returns `false` if an item is gone that was there when the length was computed.
    fn fetch_part(&mut self) -> bool {
        self.part = match self.items.next() {
            None => std::mem::take(&mut self.tail),
            Some(item) => {
                let Some(mut text) = (self.render)(&item) else {
                    return false;
                };
                if !self.is_first {
                    text.insert(0, ',');
                }
                self.is_first = false;
                text.into()
            }
        };
        !self.part.is_empty()
    }
}

impl<T: Unpin> Body for RenderedList<T> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let length = self.remaining.min(MAX_PIECE);
        if length == 0 {
            return Poll::Ready(None);
        }
        let mut piece = BytesMut::with_capacity(length);
        while piece.len() < length {
            if self.part.is_empty() && !self.fetch_part() {
                // The connection breaks off, because the announced length cannot be kept.
                return Poll::Ready(Some(Err(io::Error::other("an event was dropped"))));
            }
            let taken = self.part.len().min(length - piece.len());
            let part = self.part.split_to(taken);
            piece.extend_from_slice(&part);
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
