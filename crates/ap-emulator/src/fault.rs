//! Faults on demand, so that a client's handling of them can be tested.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame};

use crate::error::Dropped;
use crate::response::{self, Answer};
use crate::{Product, response::Asked};

/// Something that the next requests to one product meet, before their credentials are looked at.
///
/// Faults of one product are met in the order in which they were asked for.
///
/// ```
/// use ap_emulator::{Emulator, Fault, Product};
/// use std::time::Duration;
///
/// let emulator = Emulator::start()?;
/// emulator.fault(Fault::unavailable(Product::LeadConduit).times(2));
/// emulator.fault(Fault::delay(Product::TrustedForm, Duration::from_millis(50)));
/// # Ok::<(), ap_emulator::StartError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub(crate) product: Product,
    pub(crate) kind: Kind,
    pub(crate) count: u32,
    pub(crate) wait: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Delay,
    TooManyRequests,
    InternalError,
    Unavailable,
    Cut,
    Close,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] = [
        Self::Delay,
        Self::TooManyRequests,
        Self::InternalError,
        Self::Unavailable,
        Self::Cut,
        Self::Close,
    ];

    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Delay => "delay",
            Self::TooManyRequests => "429",
            Self::InternalError => "500",
            Self::Unavailable => "503",
            Self::Cut => "cut",
            Self::Close => "close",
        }
    }

    pub(crate) fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

impl Fault {
    pub(crate) const fn new(product: Product, kind: Kind, wait: Duration) -> Self {
        Self {
            product,
            kind,
            count: 1,
            wait,
        }
    }

    /// Waits, then answers as if nothing had happened.
    #[must_use]
    pub const fn delay(product: Product, wait: Duration) -> Self {
        Self::new(product, Kind::Delay, wait)
    }

    /// Answers 429 with a `Retry-After` of `wait` in whole seconds, rounded up, 1 at the least.
    #[must_use]
    pub const fn too_many_requests(product: Product, wait: Duration) -> Self {
        Self::new(product, Kind::TooManyRequests, wait)
    }

    /// Answers 500.
    #[must_use]
    pub const fn internal_error(product: Product) -> Self {
        Self::new(product, Kind::InternalError, Duration::ZERO)
    }

    /// Answers 503.
    #[must_use]
    pub const fn unavailable(product: Product) -> Self {
        Self::new(product, Kind::Unavailable, Duration::ZERO)
    }

    /// Announces the whole answer, sends half of its body and closes the connection.
    #[must_use]
    pub const fn cut(product: Product) -> Self {
        Self::new(product, Kind::Cut, Duration::ZERO)
    }

    /// Closes the connection without any answer.
    #[must_use]
    pub const fn close(product: Product) -> Self {
        Self::new(product, Kind::Close, Duration::ZERO)
    }

    /// The next `count` requests meet the fault, instead of only the next one.
    #[must_use]
    pub const fn times(mut self, count: u32) -> Self {
        self.count = count;
        self
    }

    /// The answer that stands in for the real one, for the kinds that have such an answer.
    pub(crate) fn stand_in(self) -> Option<Answer> {
        let (status, reason) = match self.kind {
            Kind::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, "too many requests"),
            Kind::InternalError => (StatusCode::INTERNAL_SERVER_ERROR, "internal server error"),
            Kind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "service unavailable"),
            Kind::Delay | Kind::Cut | Kind::Close => return None,
        };
        let mut answer = response::error(self.product, status, reason);
        if self.kind == Kind::TooManyRequests {
            let seconds = self.wait.as_millis().div_ceil(1000).max(1);
            let seconds = HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX));
            answer.headers_mut().insert(RETRY_AFTER, seconds);
        }
        Some(answer)
    }
}

/// The faults that one product still has to serve.
#[derive(Debug, Default)]
pub(crate) struct Queue(VecDeque<Fault>);

impl Queue {
    pub(crate) fn push(&mut self, fault: Fault) {
        if fault.count > 0 {
            self.0.push_back(fault);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn next(&mut self) -> Option<Fault> {
        let first = self.0.front_mut()?;
        first.count -= 1;
        let fault = *first;
        if fault.count == 0 {
            self.0.pop_front();
        }
        Some(fault)
    }
}

/// Keeps the announced length of `answer` but makes its body break off half way.
pub(crate) async fn cut(answer: Answer, asked: Asked) -> Result<Answer, Dropped> {
    let (parts, body) = answer.into_parts();
    let whole = body.collect().await.map_err(|_| Dropped)?.to_bytes();
    let answer = Answer::from_parts(parts, Body::empty());
    if asked.head || whole.is_empty() {
        return Ok(response::closing(answer));
    }
    let half = whole.slice(..whole.len() / 2);
    Ok(answer.map(|_| {
        Body::new(HalfBody {
            half: Some(half),
            flushed: false,
        })
    }))
}

struct HalfBody {
    half: Option<Bytes>,
    flushed: bool,
}

impl HttpBody for HalfBody {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        // The server writes out what it has only when the body is not ready; an error at once
        // would throw the half away.
        if !self.flushed {
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(Dropped)))
    }
}
