//! [`Driver`]: one call from its request to its response, without I/O. Both send loops run it.

use std::time::Duration;

use ap_core::exchange::{Answer, Attempt, NeedKey, Resend, Step};
use ap_core::{
    Account, Called, Draft, Error, ErrorKind, Origins, Response, RetryPolicy, TransportError,
    TransportErrorKind,
};
use bytes::Bytes;
use http::{HeaderValue, Request, header};

use crate::key_source::KeySourceError;
use crate::refresher::Refreshed;
use crate::trace::Trace;
use crate::transport::{Deadline, FreshConnection, Moment};

pub(crate) struct Driver {
    request: Request<Bytes>,
    called: Called,
    is_unsigned: bool,
    timeout: Duration,
    /// When the call must be over. `None` until its time begins.
    deadline: Option<Deadline>,
    /// How many attempts there may be.
    attempts: u32,
    /// How many of them failed.
    failures: u32,
    /// How many requests were made.
    requests: usize,
    trace: Trace,
    /// How an attempt failed that is made again, until the next one starts. In a box, because most calls have none.
    earlier: Option<Box<Outcome>>,
    /// The last response by which the product rejected a key.
    rejection: Option<http::Response<Bytes>>,
    /// Why the key source had no key.
    source_error: Option<KeySourceError>,
}

/// What a send loop does next.
pub(crate) enum Todo {
    /// Wait until the rate limit lets an attempt start, and begin it.
    Begin,
    /// Send [`Driver::request`], and report the outcome.
    Send(Sent),
    /// Ask the key source, if there is one.
    RefreshKeys(NeedKey),
    /// Ask [`Driver::retry_at`] whether the call is made again.
    Failed(Outcome),
    /// Return this.
    Done(Outcome),
}

/// How a call, or an attempt of it, ended.
pub(crate) type Outcome = Result<Response, Error>;

/// A request that was sent, with the attempt that signed it, if any.
pub(crate) struct Sent(Option<Attempt>);

impl Driver {
    pub(crate) fn new(
        draft: Draft,
        origins: &Origins,
        user_agent: &HeaderValue,
        timeout: Duration,
        attempts: u32,
    ) -> Result<Self, Error> {
        let is_unsigned = draft.is_unsigned();
        let (request, called) = draft.prepare(origins, Some(user_agent))?;
        Ok(Self {
            trace: Trace::new(),
            request,
            called,
            is_unsigned,
            timeout,
            deadline: None,
            attempts,
            failures: 0,
            requests: 0,
            earlier: None,
            rejection: None,
            source_error: None,
        })
    }

    /// Returns when the call must be over. Its time begins the first time that this is called.
    pub(crate) fn deadline(&mut self, now: Moment) -> Deadline {
        let timeout = self.timeout;
        *self
            .deadline
            .get_or_insert_with(|| Deadline::after(now, timeout))
    }

    pub(crate) fn request(&self) -> &Request<Bytes> {
        &self.request
    }

    /// Returns the trace of the call, which begins the first time that this is called.
    pub(crate) fn trace(&mut self) -> Trace {
        self.trace.begin(&self.request);
        self.trace.clone()
    }

    /// Begins an attempt: the first one, or another after a failure.
    pub(crate) fn begin(&mut self, account: &Account) -> Todo {
        if let Some(earlier) = self.earlier.take() {
            self.forget_attempt(earlier.as_ref().as_ref().err());
        }
        if self.is_unsigned {
            return match account.check(&self.request) {
                Ok(_) => self.send(None),
                Err(error) => self.failed(error),
            };
        }
        match account.begin(&self.request, Resend::Allowed) {
            Ok(step) => self.step(step),
            Err(error) => self.failed(error),
        }
    }

    pub(crate) fn received(
        &mut self,
        sent: Sent,
        outcome: Result<http::Response<Bytes>, TransportError>,
    ) -> Todo {
        let response = match outcome {
            Ok(response) => response,
            Err(error) => return self.ended(Err(self.called(error))),
        };
        let answer = match sent {
            Sent(Some(attempt)) => attempt.answered(response.status(), response.body()),
            Sent(None) => Answer::Final,
        };
        match answer {
            Answer::Final => self.ended(Ok(Response::new(response, self.called.clone()))),
            Answer::Next(step) => {
                self.trace.rejected(&step);
                self.rejection = Some(response);
                self.step(step)
            }
        }
    }

    pub(crate) fn refreshed(&mut self, need: NeedKey, refreshed: Refreshed<'_>) -> Todo {
        let step = need.supply(&refreshed.keys);
        self.trace.refreshed(&refreshed, &step);
        self.source_error.clone_from(&refreshed.error);
        // The others wait until the new keys are in the ring.
        drop(refreshed);
        self.step(step)
    }

    fn step(&mut self, step: Step) -> Todo {
        match step {
            Step::Send(attempt) => {
                if let Err(error) = attempt.sign(&mut self.request) {
                    return self.failed(error);
                }
                if attempt.resend_count() > 0 {
                    self.request.extensions_mut().insert(FreshConnection);
                }
                self.send(Some(attempt))
            }
            Step::NeedKey(need) => Todo::RefreshKeys(need),
            Step::Failed(error) => {
                let mut error = Error::from(error).with_called(self.called.clone());
                if let Some(rejection) = self.rejection.take() {
                    error = error.with_response(Response::new(rejection, self.called.clone()));
                }
                if let Some(source) = self.source_error.take() {
                    error = error.with_source(source);
                }
                Todo::Done(Err(error))
            }
        }
    }

    fn send(&mut self, attempt: Option<Attempt>) -> Todo {
        self.trace.attempt(attempt.as_ref(), self.requests);
        self.requests += 1;
        Todo::Send(Sent(attempt))
    }

    /// Ends the call, because the rate limit did not let an attempt start. If it is not the first attempt, the call ended
    /// as the one before.
    pub(crate) fn not_started(&mut self, error: Error) -> Todo {
        match self.earlier.take() {
            Some(outcome) => Todo::Done(*outcome),
            None => self.failed(error),
        }
    }

    /// Ends the call without another attempt: nothing was sent.
    pub(crate) fn failed(&self, error: impl Into<Error>) -> Todo {
        Todo::Done(Err(self.called(error)))
    }

    fn called(&self, error: impl Into<Error>) -> Error {
        error.into().with_called(self.called.clone())
    }

    /// Ends an attempt, and the call unless it failed and there may be another one.
    fn ended(&self, outcome: Outcome) -> Todo {
        let is_last = self.failures.saturating_add(1) >= self.attempts;
        match &outcome {
            _ if is_last => Todo::Done(outcome),
            Ok(response) if response.status().is_success() => Todo::Done(outcome),
            _ => Todo::Failed(outcome),
        }
    }

    /// Returns when the call is made again after this outcome; `None` if it is not. `random` is from 0 to 1.
    pub(crate) fn retry_at(
        &mut self,
        outcome: &Outcome,
        policy: &RetryPolicy,
        random: f64,
        now: Moment,
        deadline: Deadline,
    ) -> Option<Moment> {
        let status_error;
        let error = match outcome {
            Err(error) => error,
            Ok(response) => {
                status_error = response.clone().error_for_status().err()?;
                &status_error
            }
        };
        self.failures = self.failures.saturating_add(1);
        let wait = policy.wait(self.failures, error, random)?;
        if deadline.remaining(now).is_some_and(|left| left <= wait) {
            return None;
        }
        self.trace.retry(self.failures, error, wait);
        // A policy repeats any other request only if it was not applied.
        let is_repeatable = self.called.is_repeatable();
        self.remember(is_repeatable && error.may_have_been_applied());
        Some(now.after(wait))
    }

    /// Keeps how an attempt ended until the next one starts.
    pub(crate) fn keep(&mut self, outcome: Outcome) {
        self.earlier = Some(Box::new(outcome));
    }

    /// Begins the call again after this error, by a caller's policy.
    pub(crate) fn begin_again(&mut self, error: &Error) {
        self.remember(error.may_have_been_applied());
        self.forget_attempt(Some(error));
    }

    /// Errors of later attempts must not say that nothing was applied.
    fn remember(&mut self, may_have_been_applied: bool) {
        if may_have_been_applied {
            self.called = self.called.clone().after_unknown_attempt();
        }
    }

    /// Takes off the request what the last attempt put on it. Its key may not be one of the account's any more. If its
    /// connection ended before its response was there, others that are idle may be as old: the next attempt needs one that
    /// carried no request before.
    fn forget_attempt(&mut self, error: Option<&Error>) {
        if !self.is_unsigned {
            self.request.headers_mut().remove(header::AUTHORIZATION);
        }
        let extensions = self.request.extensions_mut();
        let closed = ErrorKind::Transport(TransportErrorKind::Closed);
        if error.is_some_and(|error| error.kind() == closed) {
            extensions.insert(FreshConnection);
        } else {
            extensions.remove::<FreshConnection>();
        }
        self.rejection = None;
        self.source_error = None;
    }
}
