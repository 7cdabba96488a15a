//! [`Driver`]: one call from its request to its response, without I/O. Both send loops run it.

use std::time::Duration;

use ap_core::exchange::{Answer, Attempt, NeedKey, Resend, Step};
use ap_core::{Account, Called, Draft, Error, Origins, Response, TransportError};
use bytes::Bytes;
use http::{HeaderValue, Request};

use crate::key_source::KeySourceError;
use crate::refresher::Refreshed;
use crate::trace::Trace;
use crate::transport::{Deadline, FreshConnection, Moment};

pub(crate) struct Driver {
    request: Request<Bytes>,
    called: Called,
    is_unsigned: bool,
    timeout: Duration,
    trace: Trace,
    /// The last response by which the product rejected a key.
    rejection: Option<http::Response<Bytes>>,
    /// Why the key source had no key.
    source_error: Option<KeySourceError>,
}

/// What a send loop does next.
pub(crate) enum Todo {
    /// Send [`Driver::request`], and report the outcome.
    Send(Sent),
    /// Ask the key source, if there is one.
    RefreshKeys(NeedKey),
    /// Return this.
    Done(Result<Response, Error>),
}

/// A request that was sent, with the attempt that signed it, if any.
pub(crate) struct Sent(Option<Attempt>);

impl Driver {
    pub(crate) fn new(
        draft: Draft,
        origins: &Origins,
        user_agent: &HeaderValue,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let is_unsigned = draft.is_unsigned();
        let (request, called) = draft.prepare(origins, Some(user_agent))?;
        Ok(Self {
            trace: Trace::begin(&request),
            request,
            called,
            is_unsigned,
            timeout,
            rejection: None,
            source_error: None,
        })
    }

    pub(crate) fn deadline(&self, now: Moment) -> Deadline {
        Deadline::after(now, self.timeout)
    }

    pub(crate) fn request(&self) -> &Request<Bytes> {
        &self.request
    }

    pub(crate) fn trace(&self) -> Trace {
        self.trace.clone()
    }

    pub(crate) fn begin(&mut self, account: &Account) -> Todo {
        if self.is_unsigned {
            return match account.check(&self.request) {
                Ok(_) => Todo::Send(Sent(None)),
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
            Err(error) => return self.failed(error),
        };
        let answer = match sent {
            Sent(Some(attempt)) => attempt.answered(response.status(), response.body()),
            Sent(None) => Answer::Final,
        };
        match answer {
            Answer::Final => Todo::Done(Ok(Response::new(response, self.called.clone()))),
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
                self.trace.attempt(&attempt);
                Todo::Send(Sent(Some(attempt)))
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

    fn failed(&self, error: impl Into<Error>) -> Todo {
        Todo::Done(Err(error.into().with_called(self.called.clone())))
    }
}
