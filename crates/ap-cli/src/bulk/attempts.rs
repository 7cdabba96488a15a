//! [`Caller`]: the call of one row, repeated where that does no harm.

use std::cell::Cell;
use std::time::Duration;

use activeprospect::ap_core::RetryPolicy;
use activeprospect::http::StatusCode;
use activeprospect::{Client, Error, ErrorKind, TransportErrorKind};

use super::job::{Fate, Job, Prepared, Problem, Verdict};
use super::pace::Pace;
use crate::call;
use crate::failure::Failure;
use crate::retry_after;
use crate::session::Session;

/// How often a call is made at most.
const ATTEMPTS: u32 = 6;

/// The same before the server has decided about any row: it may not be there at all.
const FIRST_ATTEMPTS: u32 = 3;

/// The longest time that a server may ask a run to wait.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(600);

/// Makes the calls of a run.
pub(crate) struct Caller<'a> {
    pub(crate) job: &'a dyn Job,
    pub(crate) session: &'a Session,
    pub(crate) client: &'a Client,
    pub(crate) pace: Pace,
    /// How many rows the server has decided about.
    pub(crate) decided: Cell<u64>,
    /// How many calls were made again.
    pub(crate) repeated: Cell<u64>,
    /// The run ends, so that no call is made again.
    pub(crate) is_ending: Cell<bool>,
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
        let before = self.decided.get();
        match self.repeat(prepared).await {
            Ok(verdict) => {
                self.decided.set(self.decided.get() + 1);
                Outcome::Fate(Fate::Answered(verdict))
            }
            Err(error) => self.judge(error, self.decided.get() > before),
        }
    }

    /// Makes the call until it succeeds or until another attempt would not help.
    pub(crate) async fn repeat(&self, prepared: &Prepared) -> Result<Verdict, Error> {
        let mut failures = 0;
        loop {
            let attempts = match self.decided.get() {
                0 => FIRST_ATTEMPTS,
                _ => ATTEMPTS,
            };
            let policy = RetryPolicy::new(attempts).max_retry_after(MAX_RETRY_AFTER);
            self.pace.turn().await;
            let draft = prepared.draft.clone();
            let response = call::send_async(self.session, self.client, draft).await;
            let error = match response.and_then(&prepared.read) {
                Ok(verdict) => return Ok(verdict),
                Err(error) => error,
            };
            failures += 1;
            if self.is_ending.get() {
                return Err(error);
            }
            let Some(wait) = policy.wait(failures, &error, random()) else {
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

    /// Decides what an error means for the row and for the run. `are_others_decided` says that the server has
    /// decided about other rows meanwhile.
    fn judge(&self, error: Error, are_others_decided: bool) -> Outcome {
        let problem = Problem::from(&error);
        if !self.job.is_repeatable() && error.may_have_been_applied() {
            let fate = Fate::Unknown(problem);
            return match are_others_decided {
                true => Outcome::Fate(fate),
                false => Outcome::End(self.session.failure(error), Some(fate)),
            };
        }
        if ends_every_run(&error) || self.job.is_of_every_row(&error) {
            return Outcome::End(self.session.failure(error), None);
        }
        // If the server decides about other rows, it is this row that fails. Otherwise, the server is not there, and
        // a later run may find it.
        if is_of_server(&error) && !are_others_decided {
            return Outcome::End(self.session.failure(error), None);
        }
        if !is_of_server(&error) {
            self.decided.set(self.decided.get() + 1);
        }
        Outcome::Fate(Fate::Failed(problem))
    }
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
