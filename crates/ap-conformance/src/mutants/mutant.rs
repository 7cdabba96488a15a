//! [`Mutant`]: a correct transport with one fault added.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use std::time::Duration;

use ap_client::transport::{
    Connect, Deadline, Moment, Transport, TransportConfig, TransportError, TransportErrorKind,
};
use ap_ureq::UreqTransport;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};

use super::failing_cases::FailingCases;

pub(super) type SendResult = Result<Response<Bytes>, TransportError>;

/// One fault, and the cases that it must fail. What it leaves out is as in [`NO_FAULT`].
#[derive(Clone, Copy)]
pub(super) struct Mutant {
    pub name: &'static str,
    /// Changes the config.
    pub config: fn(&mut TransportConfig),
    /// Changes a request before it is sent.
    pub request: fn(&Call<'_>, &mut Request<Bytes>),
    /// Sends the request.
    pub send: fn(&Call<'_>, &Request<Bytes>) -> SendResult,
    /// Changes the result. The request is the one that was sent.
    pub response: fn(&Call<'_>, Request<Bytes>, SendResult) -> SendResult,
    /// Returns what the mutant has logged.
    pub log: Option<fn() -> String>,
    /// The cases that must fail, and no others.
    pub fails: FailingCases,
}

pub(super) const NO_FAULT: Mutant = Mutant {
    name: "has no fault",
    config: |_| {},
    request: |_, _| {},
    send: |call, request| call.send(request),
    response: |_, _, result| result,
    log: None,
    fails: FailingCases::NONE,
};

/// What a mutant keeps between calls, and must not keep.
#[derive(Default)]
pub(super) struct MutantState {
    pub calls: usize,
    /// The time that the first call had.
    pub first_timeout: Option<Duration>,
    pub headers: HeaderMap,
    pub responses: BTreeMap<String, Response<Bytes>>,
    /// Is part of the mutant's `Debug`.
    pub shown: String,
}

/// One call of a mutant.
pub(super) struct Call<'a> {
    pub mutant: &'a MutantTransport,
    pub deadline: Deadline,
}

impl Call<'_> {
    /// Sends a request without a fault.
    pub(super) fn send(&self, request: &Request<Bytes>) -> SendResult {
        self.send_until(request, self.deadline)
    }

    /// Sends a request without a fault, by another deadline.
    pub(super) fn send_until(&self, request: &Request<Bytes>, deadline: Deadline) -> SendResult {
        self.mutant.inner.send(request, deadline)
    }

    /// Sends a request by another transport, which has a clock of its own.
    pub(super) fn send_with(&self, other: &UreqTransport, request: &Request<Bytes>) -> SendResult {
        let remaining = self.deadline.remaining(self.mutant.now());
        let deadline = remaining.map_or(Deadline::NEVER, |time| Deadline::after(other.now(), time));
        other.send(request, deadline)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, MutantState> {
        let state = &self.mutant.state;
        state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn config(&self) -> &TransportConfig {
        &self.mutant.config
    }
}

/// The transport of a mutant.
pub(super) struct MutantTransport {
    inner: UreqTransport,
    mutant: Mutant,
    config: TransportConfig,
    state: Mutex<MutantState>,
}

impl MutantTransport {
    pub(super) fn new(mutant: Mutant, config: &TransportConfig) -> Result<Self, TransportError> {
        let mut config = config.clone();
        (mutant.config)(&mut config);
        Ok(Self {
            inner: UreqTransport::connect(&config)?,
            mutant,
            config,
            state: Mutex::default(),
        })
    }
}

impl fmt::Debug for MutantTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        write!(f, "Mutant({}, {})", self.mutant.name, state.shown)
    }
}

impl Transport for MutantTransport {
    fn now(&self) -> Moment {
        self.inner.now()
    }

    fn sleep_until(&self, moment: Moment) {
        self.inner.sleep_until(moment);
    }

    fn send(&self, request: &Request<Bytes>, deadline: Deadline) -> SendResult {
        let call = Call {
            mutant: self,
            deadline,
        };
        let remaining = deadline.remaining(self.now());
        call.state()
            .first_timeout
            .get_or_insert_with(|| remaining.unwrap_or(Duration::MAX));
        let mut request = request.clone();
        (self.mutant.request)(&call, &mut request);
        let result = (self.mutant.send)(&call, &request);
        call.state().calls += 1;
        (self.mutant.response)(&call, request, result)
    }
}

/// Returns the value of a request's `Authorization`, as text.
pub(super) fn authorization(request: &Request<Bytes>) -> Option<String> {
    let value = request.headers().get(http::header::AUTHORIZATION)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The result is an error of one of these kinds.
pub(super) fn has_kind(answer: &SendResult, kinds: &[TransportErrorKind]) -> bool {
    answer
        .as_ref()
        .is_err_and(|error| kinds.contains(&error.kind()))
}
