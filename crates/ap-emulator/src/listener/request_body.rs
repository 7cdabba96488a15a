//! [`RequestBody`]: a request's body, whose rest is read even if nobody wants it.
//!
//! A response that comes before the body was read says if the connection continues. It can continue only
//! if the rest of the body is read.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::EXPECT;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::runtime::Handle;

use crate::request_body::MAX_LENGTH;

#[derive(Debug)]
pub(super) struct RequestBody {
    /// `None` if there is no rest, or if it must not be read.
    rest: Option<Incoming>,
    is_rest_read: bool,
    timeout: Duration,
}

impl RequestBody {
    /// Returns the request with such a body, and `true` if the connection can continue after it.
    pub(super) fn wrap(request: Request<Incoming>, timeout: Duration) -> (Request<Self>, bool) {
        let is_rest_read = is_read_to_its_end(request.headers(), request.body());
        let request = request.map(|incoming| Self {
            rest: Some(incoming),
            is_rest_read,
            timeout,
        });
        (request, is_rest_read)
    }
}

/// A client that expects `100 Continue` may leave out the body after a final response, so nobody can say
/// where its next request starts. A longer body than the emulator accepts is not worth reading.
fn is_read_to_its_end(headers: &HeaderMap, body: &Incoming) -> bool {
    match body.size_hint().exact() {
        Some(0) => true,
        Some(length) => length <= MAX_LENGTH as u64 && !headers.contains_key(EXPECT),
        None => false,
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(rest) = &mut self.rest else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(rest).poll_frame(context);
        if let Poll::Ready(None | Some(Err(_))) = polled {
            self.rest = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.rest {
            Some(rest) => rest.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let rest = self
            .rest
            .take()
            .filter(|rest| self.is_rest_read && !rest.is_end_stream());
        // There is no runtime any more when the emulator stops, and then nobody waits for the rest.
        if let (Some(mut rest), Ok(runtime)) = (rest, Handle::try_current()) {
            let timeout = self.timeout;
            runtime.spawn(async move {
                let read = async { while let Some(Ok(_)) = rest.frame().await {} };
                let _ = tokio::time::timeout(timeout, read).await;
            });
        }
    }
}
