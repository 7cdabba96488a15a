//! A sound transport with one thing done wrong around it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ap_core::{Connect, Deadline, Moment, Settings, Transport, TransportError};
use ap_ureq::UreqTransport;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};

use super::failing_cases::About;

pub(super) type Answer = Result<Response<Bytes>, TransportError>;

/// What a mutant does wrong, and what it must fail for it: everything that [`SOUND`] does not do.
#[derive(Clone, Copy)]
pub(super) struct Broken {
    pub name: &'static str,
    /// Changes the settings that it was given.
    pub settings: fn(&mut Settings),
    /// Changes a request before it is sent.
    pub request: fn(&Call<'_>, &mut Request<Bytes>),
    /// Sends it.
    pub send: fn(&Call<'_>, &Request<Bytes>) -> Answer,
    /// Changes what came of it. The request is the one that was sent.
    pub answer: fn(&Call<'_>, Request<Bytes>, Answer) -> Answer,
    /// What it has logged since this was last called.
    pub log: Option<fn() -> String>,
    /// The cases that must fail, and no others.
    pub fails: About,
}

pub(super) const SOUND: Broken = Broken {
    name: "does nothing wrong",
    settings: |_| {},
    request: |_, _| {},
    send: |call, request| call.once(request),
    answer: |_, _, answer| answer,
    log: None,
    fails: About::NOTHING,
};

/// What a mutant keeps between calls, and must not.
#[derive(Default)]
pub(super) struct Memory {
    pub calls: usize,
    pub headers: HeaderMap,
    pub answers: BTreeMap<String, Response<Bytes>>,
    /// Stands in the mutant's `Debug`.
    pub shown: String,
}

/// One call of a mutant.
pub(super) struct Call<'a> {
    pub mutant: &'a Mutant,
    pub deadline: Deadline,
}

impl Call<'_> {
    /// Sends a request soundly.
    pub(super) fn once(&self, request: &Request<Bytes>) -> Answer {
        self.until(request, self.deadline)
    }

    /// The same with another deadline.
    pub(super) fn until(&self, request: &Request<Bytes>, deadline: Deadline) -> Answer {
        self.mutant.inner.send(request, deadline)
    }

    /// Sends a request by another transport, which has a clock of its own.
    pub(super) fn by(&self, other: &UreqTransport, request: &Request<Bytes>) -> Answer {
        let left = self.deadline.left(self.mutant.now());
        let deadline = left.map_or(Deadline::NEVER, |left| Deadline::after(other.now(), left));
        other.send(request, deadline)
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        let memory = &self.mutant.memory;
        memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.mutant.settings
    }
}

pub(super) struct Mutant {
    inner: UreqTransport,
    broken: Broken,
    settings: Settings,
    memory: Mutex<Memory>,
}

impl Mutant {
    pub(super) fn new(broken: Broken, settings: &Settings) -> Result<Self, TransportError> {
        let mut settings = settings.clone();
        (broken.settings)(&mut settings);
        Ok(Self {
            inner: UreqTransport::connect(&settings)?,
            broken,
            settings,
            memory: Mutex::default(),
        })
    }
}

impl fmt::Debug for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        write!(f, "Mutant({}, {})", self.broken.name, memory.shown)
    }
}

impl Transport for Mutant {
    fn now(&self) -> Moment {
        self.inner.now()
    }

    fn send(&self, request: &Request<Bytes>, deadline: Deadline) -> Answer {
        let call = Call {
            mutant: self,
            deadline,
        };
        let mut request = request.clone();
        (self.broken.request)(&call, &mut request);
        let answer = (self.broken.send)(&call, &request);
        call.memory().calls += 1;
        (self.broken.answer)(&call, request, answer)
    }
}

/// The value of a request's `Authorization`, as text.
pub(super) fn authorization(request: &Request<Bytes>) -> Option<String> {
    let value = request.headers().get(http::header::AUTHORIZATION)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}
