//! Fault injection: errors, delays and broken connections, for testing how a client handles them.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use ap_core::Service;
use axum::body::Body;
use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use hyper::body::{Body as HttpBody, Frame};

use crate::Product;
use crate::response::{self, RequestFacts, Response};

/// A fault for the next requests to one product. It comes before their credentials are checked.
///
/// The faults of one product happen in the order in which you queued them.
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
    BadGateway,
    Unavailable,
    GatewayTimeout,
    Cut,
    Close,
}

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::Delay,
        Self::TooManyRequests,
        Self::InternalError,
        Self::BadGateway,
        Self::Unavailable,
        Self::GatewayTimeout,
        Self::Cut,
        Self::Close,
    ];

    /// The name in the control API.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Delay => "delay",
            Self::TooManyRequests => "429",
            Self::InternalError => "500",
            Self::BadGateway => "502",
            Self::Unavailable => "503",
            Self::GatewayTimeout => "504",
            Self::Cut => "cut",
            Self::Close => "close",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
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

    /// Waits this long, then responds as usual.
    #[must_use]
    pub const fn delay(product: Product, wait: Duration) -> Self {
        Self::new(product, Kind::Delay, wait)
    }

    /// Responds with 429 and a `Retry-After` of `wait` in whole seconds, rounded up, at least 1.
    #[must_use]
    pub const fn too_many_requests(product: Product, wait: Duration) -> Self {
        Self::new(product, Kind::TooManyRequests, wait)
    }

    /// Responds with 500.
    #[must_use]
    pub const fn internal_error(product: Product) -> Self {
        Self::new(product, Kind::InternalError, Duration::ZERO)
    }

    /// Responds with 502.
    #[must_use]
    pub const fn bad_gateway(product: Product) -> Self {
        Self::new(product, Kind::BadGateway, Duration::ZERO)
    }

    /// Responds with 503.
    #[must_use]
    pub const fn unavailable(product: Product) -> Self {
        Self::new(product, Kind::Unavailable, Duration::ZERO)
    }

    /// Responds with 504.
    #[must_use]
    pub const fn gateway_timeout(product: Product) -> Self {
        Self::new(product, Kind::GatewayTimeout, Duration::ZERO)
    }

    /// Announces the whole response, sends half of its body, and closes the connection.
    #[must_use]
    pub const fn cut(product: Product) -> Self {
        Self::new(product, Kind::Cut, Duration::ZERO)
    }

    /// Closes the connection without a response.
    #[must_use]
    pub const fn close(product: Product) -> Self {
        Self::new(product, Kind::Close, Duration::ZERO)
    }

    /// Repeats the fault for the next `count` requests; for one by default.
    #[must_use]
    pub const fn times(mut self, count: u32) -> Self {
        self.count = count;
        self
    }

    /// Returns the error response of the fault, if it has one, in the shape of `service`.
    pub(crate) fn response(self, service: Service) -> Option<Response> {
        let (status, reason) = match self.kind {
            Kind::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, "too many requests"),
            Kind::InternalError => (StatusCode::INTERNAL_SERVER_ERROR, "internal server error"),
            Kind::BadGateway => (StatusCode::BAD_GATEWAY, "bad gateway"),
            Kind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "service unavailable"),
            Kind::GatewayTimeout => (StatusCode::GATEWAY_TIMEOUT, "gateway timeout"),
            Kind::Delay | Kind::Cut | Kind::Close => return None,
        };
        let mut response = response::error(service, status, reason);
        if self.kind == Kind::TooManyRequests {
            let seconds = self.wait.as_millis().div_ceil(1000).max(1);
            let seconds = HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX));
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        Some(response)
    }
}

/// The faults that are still to come for one product.
#[derive(Debug, Default)]
pub(crate) struct FaultQueue(VecDeque<Fault>);

impl FaultQueue {
    pub(crate) fn push(&mut self, fault: Fault) {
        if fault.count > 0 {
            self.0.push_back(fault);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }

    /// Removes and returns the fault for the next request.
    pub(crate) fn pop(&mut self) -> Option<Fault> {
        let first = self.0.front_mut()?;
        first.count -= 1;
        let fault = *first;
        if fault.count == 0 {
            self.0.pop_front();
        }
        Some(fault)
    }
}

/// A connection that is closed on purpose, before or in the middle of a response.
#[derive(Debug, thiserror::Error)]
#[error("connection closed on purpose")]
pub(crate) struct Aborted;

/// Keeps the announced length of `response`, but ends its body half way.
pub(crate) fn cut(response: Response, request: RequestFacts) -> Response {
    let length = response.body().size_hint().exact().unwrap_or_default();
    if request.is_head || length == 0 {
        return response::closing(response);
    }
    response.map(|body| {
        Body::new(HalfBody {
            body,
            remaining: length / 2,
            is_flushed: false,
        })
    })
}

struct HalfBody {
    body: Body,
    remaining: u64,
    is_flushed: bool,
}

impl HttpBody for HalfBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.remaining > 0 {
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(context)) else {
                return Poll::Ready(Some(Err(axum::Error::new(Aborted))));
            };
            let mut data = frame?.into_data().unwrap_or_default();
            data.truncate(usize::try_from(self.remaining).unwrap_or(usize::MAX));
            self.remaining -= data.len() as u64;
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        // hyper writes out its buffer only when the body is pending. An error at once would discard
        // the half.
        if !self.is_flushed {
            self.is_flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(axum::Error::new(Aborted))))
    }
}
