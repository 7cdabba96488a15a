//! One call: the body is read, and the client makes the call.

use std::time::{Duration, Instant};

use ap_client::ap_core::{Draft, Error, ErrorKind, Service, TransportErrorKind};
use ap_client::{Async, Client};
use bytes::Bytes;
use http::{Response, header, request};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use memchr::memmem;

use crate::headers;
use crate::limits::Limits;
use crate::local_key::LocalKey;
use crate::metrics::Metrics;
use crate::refusal::Refusal;

/// How often a call is sent in all, if connections end before its answer begins.
const MOST_ATTEMPTS: usize = 3;

/// The shortest key that is searched for in an answer. A shorter one may be part of any word.
const MIN_SEARCHED_LEN: usize = 8;

/// What the calls of a gateway share.
#[derive(Debug)]
pub(crate) struct Forwarder {
    pub(crate) client: Client<Async>,
    pub(crate) local_key: LocalKey,
    pub(crate) limits: Limits,
}

impl Forwarder {
    /// Refuses a request by its head, before anything of its body is read.
    pub(crate) fn check_head(
        &self,
        target: &str,
        head: &request::Parts,
        body: &Incoming,
    ) -> Result<(), Refusal> {
        let is_in_header = |name: &http::HeaderName, value: &http::HeaderValue| {
            *name != header::AUTHORIZATION && self.local_key.is_in(value.as_bytes())
        };
        let mut lines = head.headers.iter();
        if self.local_key.is_in_target(target)
            || lines.any(|(name, value)| is_in_header(name, value))
        {
            return Err(Refusal::local_key_elsewhere());
        }
        if body.size_hint().lower() > self.limits.max_body_size as u64 {
            return Err(Refusal::too_large());
        }
        Ok(())
    }

    /// Makes the call. `start` is when its head was complete.
    pub(crate) async fn forward(
        &self,
        service: Service,
        target: String,
        head: request::Parts,
        body: Incoming,
        start: Instant,
        metrics: &Metrics,
    ) -> Result<Response<Bytes>, Refusal> {
        let body = self.read(body, start).await?;
        if self.local_key.is_in(&body) {
            return Err(Refusal::local_key_elsewhere());
        }
        let is_head = head.method == http::Method::HEAD;
        let can_repeat = head.method.is_idempotent();
        let mut headers = head.headers;
        headers::clean_request(&mut headers);
        let mut draft = Draft::new(service, head.method, target).body(body);
        draft = draft.headers(headers);
        let response = match self.send(draft, can_repeat, start, metrics).await {
            Ok(response) => response,
            // A product that rejects every key of the account is passed on as it is.
            Err(error) => match error.response() {
                Some(response) => response.clone(),
                None => return Err(Refusal::of(&error)),
            },
        };
        let (mut head, body) = response.into_http().into_parts();
        headers::clean_answer(&mut head.headers, is_head);
        if self.is_account_key_in(&head.headers, &body) {
            return Err(Refusal::withheld());
        }
        let mut response = Response::new(body);
        *response.status_mut() = head.status;
        *response.headers_mut() = head.headers;
        Ok(response)
    }

    async fn read(&self, body: Incoming, start: Instant) -> Result<Bytes, Refusal> {
        if body.is_end_stream() {
            return Ok(Bytes::new());
        }
        let remaining = self.remaining(start)?.min(self.limits.client_timeout);
        let read = Limited::new(body, self.limits.max_body_size).collect();
        match tokio::time::timeout(remaining, read).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::too_large()),
            Ok(Err(_)) => Err(Refusal::broken_body()),
            Err(_) => Err(Refusal::slow_body()),
        }
    }

    /// Sends a draft, and again if the connection ended before the answer began and a second request does no harm.
    async fn send(
        &self,
        draft: Draft,
        can_repeat: bool,
        start: Instant,
        metrics: &Metrics,
    ) -> Result<ap_client::ap_core::Response, Error> {
        let mut draft = Some(draft);
        let mut attempt = 1;
        loop {
            let next = if can_repeat && attempt < MOST_ATTEMPTS {
                draft.clone()
            } else {
                draft.take()
            };
            let Some(next) = next else {
                return Err(Error::from(ap_client::ap_core::TransportError::new(
                    TransportErrorKind::Closed,
                )));
            };
            // What is left of the one deadline. The client itself refuses a call without any time.
            let remaining = self.limits.timeout.saturating_sub(start.elapsed());
            match self.client.with_timeout(remaining).send(next).await {
                Err(error) if draft.is_some() && is_stale(&error) => {
                    attempt += 1;
                    metrics.repeated();
                }
                outcome => return outcome,
            }
        }
    }

    /// Returns what is left of a call's time.
    pub(crate) fn remaining(&self, start: Instant) -> Result<Duration, Refusal> {
        let remaining = self.limits.timeout.checked_sub(start.elapsed());
        remaining.ok_or_else(Refusal::timeout)
    }

    /// Returns `true` if an answer contains a key of the account, plain or as in `Authorization`.
    fn is_account_key_in(&self, headers: &http::HeaderMap, body: &[u8]) -> bool {
        self.client.keys().credentials().iter().any(|one| {
            let key = one.key().expose().as_bytes();
            let encoded = one.authorization().as_bytes();
            let encoded = encoded.strip_prefix(b"Basic ").unwrap_or(encoded);
            key.len() >= MIN_SEARCHED_LEN
                && [key, encoded].into_iter().any(|secret| {
                    let finder = memmem::Finder::new(secret);
                    finder.find(body).is_some()
                        || headers
                            .values()
                            .any(|value| finder.find(value.as_bytes()).is_some())
                })
        })
    }
}

/// Returns `true` if the connection ended before the answer began, as one does that the product had closed already.
fn is_stale(error: &Error) -> bool {
    error.kind() == ErrorKind::Transport(TransportErrorKind::Closed) && error.may_retry()
}
