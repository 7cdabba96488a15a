//! One call: the body is read, the client makes the call, and keys are kept out of its answer.

use std::future::poll_fn;
use std::task::Poll;
use std::time::{Duration, Instant};

use ap_client::ap_core::{Draft, Error, ErrorKind, Service, TransportErrorKind};
use ap_client::transport::{BodyPieces, TransportConfig};
use ap_client::{Async, Client};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Version, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Incoming};

use crate::api_key_members;
use crate::budget::{Budget, Reserved};
use crate::headers;
use crate::key_filter::KeyFilter;
use crate::limits::Limits;
use crate::local_key::LocalKey;
use crate::metrics::Metrics;
use crate::phase::Phase;
use crate::refusal::Refusal;

/// How often a call is sent in all, if connections end before the head of its answer is complete.
const MAX_ATTEMPTS: usize = 3;

/// What the calls of a gateway share.
pub(crate) struct Forwarder {
    pub(crate) client: Client<Async>,
    pub(crate) local_key: LocalKey,
    pub(crate) limits: Limits,
    pub(crate) key_filter: KeyFilter,
    pub(crate) budget: Budget,
}

/// A request that may be forwarded.
pub(crate) struct Call {
    service: Service,
    target: String,
    method: Method,
    headers: HeaderMap,
    incoming: Incoming,
    /// What was read of its body, and the part of the budget that this takes.
    body: Bytes,
    reserved: Option<Reserved>,
}

impl Forwarder {
    /// Refuses a request by its head, before anything of its body is read.
    pub(crate) fn check_head(
        &self,
        service: Service,
        target: String,
        request: Request<Incoming>,
    ) -> Result<Call, Refusal> {
        let mut lines = request.headers().iter();
        let is_in_line = lines.any(|(name, value)| {
            let is_in_value = || self.local_key.is_in(value.as_bytes());
            self.local_key.is_in_name(name) || (*name != header::AUTHORIZATION && is_in_value())
        });
        let is_in_method = self.local_key.is_in(request.method().as_str().as_bytes());
        if is_in_line || is_in_method || self.local_key.is_in_target(&target) {
            return Err(Refusal::local_key_elsewhere());
        }
        if request.body().size_hint().lower() > self.limits.max_body_size as u64 {
            return Err(Refusal::too_large());
        }
        let (head, incoming) = request.into_parts();
        Ok(Call {
            service,
            target,
            method: head.method,
            headers: head.headers,
            incoming,
            body: Bytes::new(),
            reserved: None,
        })
    }

    /// Reads the body of a call to its end, and refuses one with the local key or with a redacted API key.
    pub(crate) async fn read(
        &self,
        call: &mut Call,
        start: Instant,
        phase: &Phase,
    ) -> Result<(), Refusal> {
        if call.incoming.is_end_stream() {
            return Ok(());
        }
        let remaining = self.remaining(start)?.min(self.limits.client_timeout);
        let reserved = call.reserved.insert(self.budget.reserve());
        let read = self.read_pieces(&mut call.incoming, reserved);
        call.body = match tokio::time::timeout(remaining, read).await {
            Ok(body) => body?,
            Err(_) => return Err(Refusal::slow_body()),
        };
        phase.read();
        if self.local_key.is_in_body(&call.body) {
            return Err(Refusal::local_key_elsewhere());
        }
        if api_key_members::has_mark(&call.body) {
            return Err(Refusal::redacted());
        }
        // hyper has woken this task when a piece of the body was taken from it. If the call went on before it is polled for
        // that, its connection to the product would be driven twice for nothing.
        next_poll().await;
        Ok(())
    }

    async fn read_pieces(
        &self,
        body: &mut Incoming,
        reserved: &mut Reserved,
    ) -> Result<Bytes, Refusal> {
        // The configuration is a temporary: a variable would be stored in the future.
        let mut pieces = BodyPieces::new(
            &TransportConfig::new().max_body_size(self.limits.max_body_size),
            body.size_hint().exact(),
        );
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Refusal::broken_body())?;
            // Trailers are not part of a body.
            if let Ok(piece) = frame.into_data() {
                let len = piece.len();
                pieces.push(piece).map_err(|_| Refusal::too_large())?;
                reserved.grow(len)?;
            }
        }
        Ok(pieces.finish())
    }

    /// Makes the call, and again if the connection ended before the head of the answer was complete and a second request does no
    /// harm. `start` is when the head of the call was complete. What the answer must keep until it is written is among its
    /// extensions.
    pub(crate) async fn forward(
        &self,
        call: &mut Call,
        start: Instant,
        metrics: &Metrics,
    ) -> Result<Response<Bytes>, Refusal> {
        // What is left of the one deadline. The client itself refuses a call without any time.
        let remaining = self.limits.timeout.saturating_sub(start.elapsed());
        let mut attempts = 1;
        let repeats = |error: &Error| {
            let is_repeated = attempts < MAX_ATTEMPTS && is_stale(error);
            if is_repeated {
                attempts += 1;
                metrics.repeated();
            }
            is_repeated
        };
        let client = self.client.with_timeout(remaining);
        // In a box, because hyper keeps the memory of the other futures of a call as long as the connection.
        let outcome = Box::pin(client.send_while(call.draft(), repeats)).await;
        call.reserved = None;
        self.answer(outcome, call.method == Method::HEAD)
    }

    /// Returns the answer that a program gets.
    fn answer(
        &self,
        outcome: Result<ap_client::ap_core::Response, Error>,
        is_head: bool,
    ) -> Result<Response<Bytes>, Refusal> {
        let response = match outcome {
            Ok(response) => response,
            // If the product rejects every key of the account, its answer is passed on.
            Err(error) => match error.response() {
                Some(response) => response.clone(),
                None => return Err(Refusal::of(&error)),
            },
        };
        let (mut head, body) = response.into_http().into_parts();
        head.version = Version::HTTP_11;
        headers::clean_answer(&mut head.headers, is_head || !body.is_empty());
        let credentials = self.client.keys().credentials();
        let body = self.key_filter.filter(credentials, &mut head, body)?;
        Ok(Response::from_parts(head, body))
    }

    /// Returns what is left of a call's time.
    pub(crate) fn remaining(&self, start: Instant) -> Result<Duration, Refusal> {
        let remaining = self.limits.timeout.checked_sub(start.elapsed());
        remaining.ok_or_else(Refusal::timeout)
    }
}

impl Call {
    /// Returns what is sent, and leaves nothing of it here.
    fn draft(&mut self) -> Draft {
        let mut headers = std::mem::take(&mut self.headers);
        headers::clean_request(&mut headers);
        Draft::new(
            self.service,
            self.method.clone(),
            std::mem::take(&mut self.target),
        )
        .body(std::mem::take(&mut self.body))
        .headers(headers)
    }
}

/// Continues when the task is polled the next time, which is at once.
async fn next_poll() {
    let mut is_next = false;
    poll_fn(|context| {
        if std::mem::replace(&mut is_next, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Returns `true` if the connection ended before the head of the answer was complete, for example because the product had
/// closed it while it was idle, and the call may be repeated.
fn is_stale(error: &Error) -> bool {
    error.kind() == ErrorKind::Transport(TransportErrorKind::Closed) && error.may_retry()
}
