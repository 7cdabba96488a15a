//! [`Parts`]: JSON of any length that is made part by part, when the client reads it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body as AxumBody;
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use hyper::body::{Body, Frame, SizeHint};

use crate::pieces::MAX_PIECE;
use crate::response::{self, JSON, Response};

/// The parts of a response body, in their order.
pub(crate) trait Parts: Send + Unpin + 'static {
    /// Returns the next part. An empty one says that it is gone, and the connection breaks off, because the announced
    /// length cannot be kept.
    fn next_part(&mut self) -> Bytes;
}

/// Responds with all parts, which have so many bytes together.
pub(crate) fn response(parts: impl Parts, length: usize) -> Response {
    let body = PartsBody {
        parts,
        part: Bytes::new(),
        remaining: length,
    };
    response::with_body(StatusCode::OK, JSON, length, AxumBody::new(body))
}

struct PartsBody<P> {
    parts: P,
    /// What is left of the current part.
    part: Bytes,
    /// The number of bytes that are left of the whole body.
    remaining: usize,
}

impl<P: Parts> Body for PartsBody<P> {
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
                self.part = self.parts.next_part();
                if self.part.is_empty() {
                    return Poll::Ready(Some(Err(io::Error::other("an item was dropped"))));
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
