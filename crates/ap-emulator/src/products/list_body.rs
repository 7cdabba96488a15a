//! The response body with all items of a list. It has no copy of them: it takes the next one when the
//! client has read the one before.

use std::io;
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
    let length = list.text_bytes() + list.len().saturating_sub(1) + "[]".len();
    let body = ListBody {
        list,
        next: (0, 0),
        has_begun: false,
        is_comma_due: false,
        part: Bytes::new(),
        remaining: length,
    };
    response::with_body(StatusCode::OK, JSON, length, AxumBody::new(body))
}

/// The start of the array, the items with commas between them, and the end.
struct ListBody {
    list: List,
    /// The chunk of the next item, and its index there.
    next: (usize, usize),
    has_begun: bool,
    is_comma_due: bool,
    /// What is left of the current part.
    part: Bytes,
    /// The number of bytes that are left of the whole body.
    remaining: usize,
}

impl ListBody {
    fn next_part(&mut self) -> Bytes {
        if !self.has_begun {
            self.has_begun = true;
            return Bytes::from_static(b"[");
        }
        let (chunk, index) = self.next;
        if self.list.item(chunk, index).is_none() && self.list.item(chunk + 1, 0).is_some() {
            self.next = (chunk + 1, 0);
        }
        let (chunk, index) = self.next;
        match self.list.item(chunk, index) {
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
        }
    }
}

impl Body for ListBody {
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
            if self.part.is_empty() {
                self.part = self.next_part();
                if self.part.is_empty() {
                    return Poll::Ready(Some(Err(io::Error::other("an item has no text"))));
                }
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
