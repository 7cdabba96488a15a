//! [`Connection`]: an open connection, and what becomes of it after a call.

use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use ap_client::transport::{TransportError, TransportErrorKind, wire_headers};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::task::unconstrained;
use tokio::time::Instant;

use crate::call_timer::CallTimer;
use crate::error::{body_error, send_error};
use crate::informational::Limited;
use crate::progress::Progress;
use crate::stream::Stream;

/// What hyper reads and writes a connection with.
pub(crate) type Http = http1::Connection<TokioIo<Limited<Box<dyn Stream>>>, Full<Bytes>>;

/// An open connection. The call that uses it drives it, and nobody does while it is idle.
///
/// Dropping it ends the connection: at once in the middle of a call, so that an unfinished request or response never
/// meets another one, and else in the way of TLS.
pub(crate) struct Connection {
    /// It is dropped first, which is how the driver knows that the connection has to end.
    sender: SendRequest<Full<Bytes>>,
    driver: Driver,
}

/// Why there is no response.
pub(crate) struct Unanswered {
    /// What went wrong.
    pub(crate) error: TransportError,
    /// No byte of the request was sent.
    pub(crate) is_unsent: bool,
}

impl Connection {
    /// Creates a connection that nothing was sent on.
    pub(crate) fn new(
        sender: SendRequest<Full<Bytes>>,
        http: Http,
        progress: Arc<Progress>,
    ) -> Self {
        Self {
            sender,
            driver: Driver {
                http: Some(http),
                progress,
                failure: None,
                is_in_call: false,
                timer: CallTimer::default(),
            },
        }
    }

    /// Returns `true` if it could carry a request when it was driven the last time.
    pub(crate) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// Looks if the server has ended it, and returns `true` if it can carry a request.
    pub(crate) fn is_still_ready(&mut self) -> bool {
        self.driver.advance_unheard();
        self.is_ready()
    }

    /// Waits until it can carry another request. Returns `false` if it never will.
    pub(crate) async fn becomes_ready(&mut self) -> bool {
        poll_fn(|context| {
            self.driver.advance(context);
            match self.sender.is_ready() {
                is_ready if is_ready || self.driver.http.is_none() => Poll::Ready(is_ready),
                _ => Poll::Pending,
            }
        })
        .await
    }

    /// Sends a request with this `Host`, and waits for the head of its response. `end` is when the whole response must be
    /// there.
    pub(crate) async fn send(
        &mut self,
        request: &Request<Bytes>,
        host: &HeaderValue,
        end: Option<Instant>,
    ) -> Result<Response<Incoming>, Unanswered> {
        self.driver.is_in_call = true;
        self.driver.timer.restart(end);
        self.driver.progress.give();
        let answer = self.sender.try_send_request(on_wire(request, host));
        let mut answer = pin!(unconstrained(answer));
        let mut is_driven = false;
        let answered = self.driver.drive(|context| {
            if !std::mem::replace(&mut is_driven, true) {
                // The request is not sent yet.
                return Poll::Pending;
            }
            let answered = answer.as_mut().poll(context);
            // An error contains the request. In a box, it makes no room for it in every answer.
            answered.map_err(Box::new)
        });
        let mut error = match answered.await {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(error)) => error,
            Err(error) => {
                return Err(Unanswered {
                    is_unsent: false,
                    error,
                });
            }
        };
        let is_unsent = error.take_message().is_some() || self.driver.progress.is_unsent();
        let mut error = error.into_error();
        // The connection ended before it took the request. Only the driver knows why.
        if error.is_canceled()
            && let Some(failure) = self.driver.failure.take()
        {
            error = failure;
        }
        Err(Unanswered {
            is_unsent,
            error: send_error(error),
        })
    }

    /// Returns the next bytes of a response's body. Trailers are not part of it.
    pub(crate) async fn next_piece(
        &mut self,
        body: &mut Incoming,
    ) -> Result<Option<Bytes>, TransportError> {
        while !body.is_end_stream() {
            let frame = self
                .driver
                .drive(|context| Pin::new(&mut *body).poll_frame(context));
            let Some(frame) = frame.await?.transpose().map_err(body_error)? else {
                break;
            };
            if let Ok(bytes) = frame.into_data() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// Notes that nothing of the call is under way any more.
    pub(crate) const fn end_call(&mut self) {
        self.driver.is_in_call = false;
    }
}

/// Returns a request as hyper takes it: its target in origin form, with its framing.
fn on_wire(request: &Request<Bytes>, host: &HeaderValue) -> Request<Full<Bytes>> {
    let mut on_wire = Request::new(Full::new(request.body().clone()));
    *on_wire.method_mut() = request.method().clone();
    if let Some(target) = request.uri().path_and_query() {
        *on_wire.uri_mut() = Uri::from(target.clone());
    }
    *on_wire.headers_mut() = wire_headers(request, Some(host.clone()));
    on_wire
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// Reads and writes a connection.
struct Driver {
    /// `None` when the connection has ended.
    http: Option<Http>,
    progress: Arc<Progress>,
    /// Why it has ended, if nothing else says so.
    failure: Option<hyper::Error>,
    is_in_call: bool,
    timer: CallTimer,
}

impl Driver {
    /// Reads and writes as much as is possible now.
    fn advance(&mut self, context: &mut Context<'_>) {
        self.progress.drive(false);
        self.poll_http(context);
    }

    /// The same, but nobody is woken for the rest.
    fn advance_unheard(&mut self) {
        self.progress.drive(true);
        self.poll_http(&mut unheard());
    }

    fn poll_http(&mut self, context: &mut Context<'_>) {
        if let Some(http) = &mut self.http
            && let Poll::Ready(ended) = Pin::new(http).poll(context)
        {
            self.failure = ended.err();
            // It gives back a request that it has not taken.
            self.http = None;
        }
    }

    /// Drives the connection until a part of the response is there, or the time of the call is over. Nothing else can bring
    /// the part, so nobody is woken for it; and when this is woken the part is most likely there, so it first looks for it
    /// without asking to be woken again: whatever happens to the connection later would wake a task that does not use it
    /// any more.
    async fn drive<T>(
        &mut self,
        mut part: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Result<T, TransportError> {
        let mut is_woken = false;
        poll_fn(|context| {
            if std::mem::replace(&mut is_woken, true) {
                self.advance_unheard();
            }
            if let Poll::Ready(part) = part(&mut unheard()) {
                return Poll::Ready(Ok(part));
            }
            self.advance(context);
            if let Poll::Ready(part) = part(&mut unheard()) {
                return Poll::Ready(Ok(part));
            }
            let over = self.timer.poll_over(context);
            over.map(|()| Err(TransportError::new(TransportErrorKind::Timeout)))
        })
        .await
    }
}

/// Returns a context in which nobody is woken.
const fn unheard() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

impl Drop for Driver {
    fn drop(&mut self) {
        if !self.is_in_call {
            // This writes the end of TLS. If there is no room for it, the end of TCP has to do.
            self.advance_unheard();
        }
    }
}
