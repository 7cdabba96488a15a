//! [`Attempts`] and [`Caller`]: the call of one row, repeated where that does no harm, and what its end means.

use std::cell::Cell;
use std::time::Duration;

use activeprospect::ap_core::{Called, RetryPolicy};
use activeprospect::http::StatusCode;
use activeprospect::{Draft, Error, ErrorKind, Response, TransportErrorKind};
use ap_hyper::Client;

use super::job::{Fate, Job, Prepared, Problem};
use super::pace::Pace;
use crate::call;
use crate::failure::Failure;
use crate::retry_after;
use crate::session::Session;

/// How often a call is made at most.
const ATTEMPTS: u32 = 6;

/// The same before the server has decided about any row: it may not be there at all.
const FIRST_ATTEMPTS: u32 = 3;

/// How many rows in a row may have no decision, before the server counts as not there.
const MAX_UNDECIDED: u32 = 2;

/// The longest time that a server may ask a run to wait.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(600);

/// Makes calls, and makes them again where that does no harm.
pub(crate) struct Attempts<'a> {
    pub(crate) session: &'a Session,
    client: Client,
    pace: Pace,
    /// How many rows the server has decided about.
    decided: Cell<u64>,
    /// How many rows since then the server has not decided about.
    undecided: Cell<u32>,
    /// How many calls were made again.
    pub(crate) repeated: Cell<u64>,
    /// The run ends, so that no call is made again.
    pub(crate) is_ending: Cell<bool>,
}

impl<'a> Attempts<'a> {
    /// Creates it for a run with at most this many calls a second.
    pub(crate) fn new(session: &'a Session, rate: Option<f64>) -> Result<Self, Failure> {
        Ok(Self {
            session,
            client: session.async_client()?,
            pace: Pace::new(rate),
            decided: Cell::new(0),
            undecided: Cell::new(0),
            repeated: Cell::new(0),
            is_ending: Cell::new(false),
        })
    }

    /// Makes a call until it succeeds or until another attempt would not help.
    pub(crate) async fn call<T>(
        &self,
        draft: &Draft,
        read: impl Fn(Response) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut failures = 0;
        loop {
            let attempts = match self.decided.get() {
                0 => FIRST_ATTEMPTS,
                _ => ATTEMPTS,
            };
            let policy = RetryPolicy::new(attempts).max_retry_after(MAX_RETRY_AFTER);
            self.pace.turn().await;
            let response = call::send_async(self.session, &self.client, draft.clone()).await;
            let error = match response.and_then(&read) {
                Ok(output) => {
                    self.note_decision();
                    return Ok(output);
                }
                Err(error) => error,
            };
            failures += 1;
            if self.is_ending.get() {
                return Err(error);
            }
            let wait = policy.wait(failures, &error, random());
            let wait = wait.or_else(|| wait_after_refusal(failures, attempts, &error));
            let Some(wait) = wait else {
                return Err(error);
            };
            self.repeated.set(self.repeated.get() + 1);
            if retry_after::of(&error).is_some() {
                // What the server asks one call, it asks every call.
                self.pace.pause(wait);
            } else {
                tokio::time::sleep(wait).await;
            }
        }
    }

    fn note_decision(&self) {
        self.decided.set(self.decided.get() + 1);
        self.undecided.set(0);
    }

    /// Returns `true` if the server is there, so that it is this row that it does not decide about: it has decided
    /// about another one meanwhile, or about the one before and only a few were undecided since.
    fn note_undecided(&self, decided_before: u64) -> bool {
        let decided = self.decided.get();
        self.undecided.set(self.undecided.get() + 1);
        decided > decided_before || decided > 0 && self.undecided.get() <= MAX_UNDECIDED
    }
}

/// Makes the calls of the rows of a job.
pub(crate) struct Caller<'a> {
    pub(crate) job: &'a dyn Job,
    pub(crate) attempts: Attempts<'a>,
}

/// How the call of a row ended.
pub(crate) enum Outcome {
    Fate(Fate),
    /// The run must end. The row was not applied, unless it has a fate.
    End(Failure, Option<Fate>),
}

impl Caller<'_> {
    /// Makes the call of a row.
    pub(crate) async fn call(&self, prepared: &Prepared) -> Outcome {
        let decided = &self.attempts.decided;
        let before = decided.get();
        match self.attempts.call(&prepared.draft, &prepared.read).await {
            Ok(verdict) => Outcome::Fate(Fate::Answered(verdict)),
            Err(error) => self.judge(error, before),
        }
    }

    /// Decides what an error means for the row and for the run. `decided_before` is how many rows the server had
    /// decided about when the call began.
    fn judge(&self, error: Error, decided_before: u64) -> Outcome {
        let problem = Problem::from(&error);
        if !self.job.is_repeatable() && error.may_have_been_applied() {
            let fate = Fate::Unknown(problem);
            return match self.attempts.note_undecided(decided_before) {
                true => Outcome::Fate(fate),
                false => Outcome::End(self.attempts.session.failure(error), Some(fate)),
            };
        }
        if ends_every_run(&error) || self.job.is_of_every_row(&error) {
            return Outcome::End(self.attempts.session.failure(error), None);
        }
        if !is_of_server(&error) {
            self.attempts.note_decision();
        } else if !self.attempts.note_undecided(decided_before) {
            // The server is not there. A later run may find it.
            return Outcome::End(self.attempts.session.failure(error), None);
        }
        Outcome::Fate(Fate::Failed(problem))
    }
}

/// Returns how long to wait before a call is made again that must not be applied twice: only if it was not applied.
fn wait_after_refusal(failures: u32, attempts: u32, error: &Error) -> Option<Duration> {
    let is_once = error.called().is_some_and(Called::is_at_most_once);
    if !is_once || failures >= attempts || error.may_have_been_applied() || !is_of_server(error) {
        return None;
    }
    let wait = retry_after::of(error).unwrap_or(Duration::from_secs(1) * failures);
    (wait <= MAX_RETRY_AFTER).then_some(wait)
}

/// Returns `true` for errors that have nothing to do with the row.
fn ends_every_run(error: &Error) -> bool {
    use TransportErrorKind::{Proxy, Setup, Tls};
    match error.kind() {
        ErrorKind::Build | ErrorKind::Auth => true,
        ErrorKind::Transport(Setup | Proxy | Tls) => true,
        ErrorKind::Status(status) => {
            matches!(
                status,
                StatusCode::UNAUTHORIZED | StatusCode::PAYMENT_REQUIRED
            )
        }
        _ => false,
    }
}

/// Returns `true` for errors that may pass: no answer, too many calls, and failures of the server.
fn is_of_server(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Transport(kind) => kind != TransportErrorKind::Unsendable,
        ErrorKind::Status(status) => {
            status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
        }
        _ => false,
    }
}

/// Returns a number from 0 to 1, so that many clients do not come back at the same moment.
fn random() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}
