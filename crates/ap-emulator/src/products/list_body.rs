//! [`ListBody`]: the response body with all items of a list. It has no copy of them: it takes the next one
//! when the client has read the one before.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body as AxumBody;
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use hyper::body::{Body, Frame, SizeHint};

use crate::pieces::MAX_PIECE;
use crate::response::{self, JSON, Response};
use crate::state::collection::List;

/// Responds with a JSON array of the items.
pub(super) fn response(list: List) -> Response {
    let body = ListBody::new(list);
    response::with_body(StatusCode::OK, JSON, body.remaining, AxumBody::new(body))
}

#[derive(Debug)]
struct ListBody {
    list: List,
    /// The chunk of the next item, and its index there.
    next: (usize, usize),
    /// What is left of the current part: the start of the array, a comma, an item, or the end.
    part: Bytes,
    is_comma_due: bool,
    /// The number of bytes that are left of the whole array.
    remaining: usize,
}

impl ListBody {
    fn new(list: List) -> Self {
        Self {
            remaining: list.text_bytes() + list.len().saturating_sub(1) + "[]".len(),
            list,
            next: (0, 0),
            part: Bytes::from_static(b"["),
            is_comma_due: false,
        }
    }

    fn fetch_part(&mut self) {
        let (chunk, index) = self.next;
        let item = self.list.item(chunk, index);
        self.part = match item {
            None if self.list.item(chunk + 1, 0).is_some() => {
                self.next = (chunk + 1, 0);
                return;
            }
            None => Bytes::from_static(b"]"),
            Some(_) if self.is_comma_due => {
                self.is_comma_due = false;
                Bytes::from_static(b",")
            }
            Some(item) => {
                self.next = (chunk, index + 1);
                self.is_comma_due = true;
                item.text.clone()
            }
        };
    }
}

impl Body for ListBody {
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
