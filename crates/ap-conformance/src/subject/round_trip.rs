//! A transport whose round trips are made by a program: one line of JSON in, one line out.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ap_client::transport::{
    Clock, Deadline, Moment, Transport, TransportConfig, TransportError, TransportErrorKind,
};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::json;

use super::blocking::run_blocking;
use super::process::{NoAnswer, Process};
use super::program::{CallReply, encode, judged, root_pem, settings};
use crate::case::Case;
use crate::context::SuiteContext;
use crate::run::{GRACE, Verdict};

/// The kinds that a round trip can end in.
const KINDS: &[TransportErrorKind] = &[
    TransportErrorKind::Unsendable,
    TransportErrorKind::Dns,
    TransportErrorKind::Connect,
    TransportErrorKind::ConnectTimeout,
    TransportErrorKind::Proxy,
    TransportErrorKind::Tls,
    TransportErrorKind::Timeout,
    TransportErrorKind::Closed,
    TransportErrorKind::Truncated,
    TransportErrorKind::Malformed,
    TransportErrorKind::TooLarge,
    TransportErrorKind::Other,
];

/// A program that makes round trips, by the command that starts it.
pub(crate) struct RoundTripProgram {
    command: Arc<str>,
    /// The process, between two round trips.
    idle: Arc<Mutex<Option<Process>>>,
}

impl RoundTripProgram {
    pub(crate) fn new(command: &str) -> Self {
        Self {
            command: command.into(),
            idle: Arc::default(),
        }
    }

    /// Runs a case once.
    pub(crate) fn run(
        &self,
        case: &Case,
        offset: Option<usize>,
        context: &SuiteContext,
    ) -> Result<Verdict, String> {
        let mistake = Arc::default();
        let make = |config: &TransportConfig| {
            Ok(ProgramTransport {
                command: Arc::clone(&self.command),
                idle: Arc::clone(&self.idle),
                mistake: Arc::clone(&mistake),
                shown: Mutex::default(),
                config: config.clone(),
                clock: Clock::start(),
            })
        };
        let verdict = run_blocking(case, offset, context, &make)?;
        match lock(&mistake).take() {
            None => Ok(verdict),
            Some(mistake) => judged(Err(mistake)),
        }
    }
}

/// The program as a transport, for one run of a case.
struct ProgramTransport {
    command: Arc<str>,
    idle: Arc<Mutex<Option<Process>>>,
    /// The first mistake in the protocol. It fails the case, whatever the case expects.
    mistake: Arc<Mutex<Option<NoAnswer>>>,
    /// What the program has shown of itself.
    shown: Mutex<String>,
    config: TransportConfig,
    clock: Clock,
}

impl ProgramTransport {
    fn round_trip(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Result<Response<Bytes>, TransportError>, NoAnswer> {
        let remaining = deadline.remaining(self.clock.now()).unwrap_or_default();
        let taken = lock(&self.idle).take();
        let mut process = match taken {
            Some(running) => running,
            None => Process::start(&self.command)?,
        };
        let headers: Vec<_> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
            .collect();
        let message = json!({
            "op": "send",
            "method": request.method().as_str(),
            "url": request.uri().to_string(),
            "headers": headers,
            "body": encode(request.body()),
            "root_pem": root_pem(&self.config),
            "settings": settings(&self.config, remaining),
        });
        let reply: CallReply = process.exchange("send", message, remaining + GRACE)?;
        lock(&self.shown).push_str(&process.standard_error()?);
        *lock(&self.idle) = Some(process);
        let outcome = reply.into_outcome()?;
        if outcome.kind != "response" {
            let kind = KINDS.iter().find(|kind| kind.name() == outcome.kind);
            let kind = kind.ok_or_else(|| {
                let kinds: Vec<_> = KINDS.iter().map(|kind| kind.name()).collect();
                let kinds = kinds.join(", ");
                format!(
                    "the program answered `send` with an outcome that no round trip has; choose from response, {kinds}"
                )
            })?;
            return Ok(Err(TransportError::new(*kind).with_source(outcome.text)));
        }
        lock(&self.shown).push_str(&outcome.text);
        let mut response = Response::builder().status(outcome.status.unwrap_or_default());
        for (name, value) in &outcome.headers {
            response = response.header(name, value);
        }
        let response = response.body(Bytes::from(outcome.body)).map_err(|error| {
            format!("the program answered `send` with no valid response: {error}")
        })?;
        Ok(Ok(response))
    }
}

impl Transport for ProgramTransport {
    fn now(&self) -> Moment {
        self.clock.now()
    }

    fn sleep_until(&self, moment: Moment) {
        self.clock.sleep_until(moment);
    }

    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        deadline.begin(self.clock.now())?;
        self.round_trip(request, deadline)
            .unwrap_or_else(|mistake| {
                let error = TransportError::new(TransportErrorKind::Other);
                let error = error.with_source(mistake.message.clone());
                lock(&self.mistake).get_or_insert(mistake);
                Err(error)
            })
    }
}

/// Shows what the program has shown, so that the suite searches it for keys.
impl fmt::Debug for ProgramTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProgramTransport({})", lock(&self.shown))
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
