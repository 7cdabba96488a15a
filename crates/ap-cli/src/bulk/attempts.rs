//! [`Attempts`] and [`Caller`]: one attempt of a call, if another one is made, and what the end of the call of a row means.

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

/// The same as long as the server has decided about no call since the start, or since one that it did not decide about: it
/// may not be there at all.
const ATTEMPTS_IN_DOUBT: u32 = 3;

/// The longest time that a server may ask a run to wait.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(600);

/// Makes calls, and decides if they are made again, where that does no harm.
pub(crate) struct Attempts<'a> {
    pub(crate) session: &'a Session,
    client: Client,
    pub(crate) pace: Pace,
    /// The server has decided about the call that ended last.
    is_server_there: Cell<bool>,
    /// How many calls were made again.
    pub(crate) repeated: Cell<u64>,
}

impl<'a> Attempts<'a> {
    /// Creates it for a run with at most this many calls a second.
    pub(crate) fn new(session: &'a Session, rate: Option<f64>) -> Result<Self, Failure> {
        Ok(Self {
            session,
            client: session.async_client()?,
            pace: Pace::new(rate),
            is_server_there: Cell::new(false),
            repeated: Cell::new(0),
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
            self.pace.turn().await;
            let error = match self.attempt(draft, &read, failures).await {
                Ok(output) => return Ok(output),
                Err(error) => error,
            };
            failures += 1;
            match self.wait(failures, &error) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(error),
            }
        }
    }

    /// Makes a call once. The caller has waited until it may begin.
    async fn attempt<T>(
        &self,
        draft: &Draft,
        read: impl Fn(Response) -> Result<T, Error>,
        failures: u32,
    ) -> Result<T, Error> {
        if failures > 0 {
            self.repeated.set(self.repeated.get() + 1);
        }
        let response = call::send_async(self.session, &self.client, draft.clone()).await;
        let output = response.and_then(read)?;
        self.is_server_there.set(true);
        Ok(output)
    }

    /// Returns how long a call waits before it is made again; `None` if it is not. If the server asks to wait, every call
    /// waits.
    fn wait(&self, failures: u32, error: &Error) -> Option<Duration> {
        let asked = retry_after::of(error);
        if let Some(asked) = asked.filter(|asked| *asked <= MAX_RETRY_AFTER) {
            self.pace.pause(asked);
        }
        let attempts = match self.is_server_there.get() {
            true => ATTEMPTS,
            false => ATTEMPTS_IN_DOUBT,
        };
        wait_before_next(failures, attempts, error, asked)
    }
}

/// Makes the calls of the rows of a job.
pub(crate) struct Caller<'a> {
    pub(crate) job: &'a dyn Job,
    pub(crate) attempts: Attempts<'a>,
}

/// How an attempt of the call of a row ended.
pub(crate) enum Outcome {
    /// The server has decided about the row.
    Decided(Fate),
    /// The call is made again after this time.
    Again(Duration),
    /// The server has not decided, in any attempt. The row was not applied, or may be sent again.
    Undecided(Failure, Problem),
    /// It is not known if the row was applied, and it must not be sent again.
    Unknown(Failure, Problem),
    /// Every other row would end in this failure too. The row was not applied.
    End(Failure),
}

impl Caller<'_> {
    /// Makes the call of a row once, which has failed so many times before.
    pub(crate) async fn attempt(&self, prepared: &Prepared, failures: u32) -> Outcome {
        let attempts = &self.attempts;
        let attempt = attempts.attempt(&prepared.draft, &prepared.read, failures);
        let error = match attempt.await {
            Ok(verdict) => return Outcome::Decided(Fate::Answered(verdict)),
            Err(error) => error,
        };
        if let Some(wait) = attempts.wait(failures.saturating_add(1), &error) {
            return Outcome::Again(wait);
        }
        let outcome = self.judge(error);
        attempts
            .is_server_there
            .set(matches!(outcome, Outcome::Decided(_)));
        outcome
    }

    /// Decides what an error means after which the call is not made again.
    fn judge(&self, error: Error) -> Outcome {
        let problem = Problem::from(&error);
        let is_of_server = is_of_server(&error);
        let is_of_every_row = ends_every_run(&error) || self.job.is_of_every_row(&error);
        let may_have_been_applied = error.may_have_been_applied();
        let failure = self.attempts.session.failure(error);
        if !self.job.is_repeatable() && may_have_been_applied {
            Outcome::Unknown(failure, problem)
        } else if is_of_every_row {
            Outcome::End(failure)
        } else if is_of_server {
            Outcome::Undecided(failure, problem)
        } else {
            Outcome::Decided(Fate::Failed(problem))
        }
    }
}

/// Returns how long a call waits before the next of so many attempts, not less than the server asks; `None` if there is none.
fn wait_before_next(
    failures: u32,
    attempts: u32,
    error: &Error,
    asked: Option<Duration>,
) -> Option<Duration> {
    if asked.is_some_and(|asked| asked > MAX_RETRY_AFTER) {
        return None;
    }
    let policy = RetryPolicy::new(attempts).max_retry_after(MAX_RETRY_AFTER);
    let wait = policy.wait(failures, error, random());
    let wait = wait.or_else(|| wait_after_refusal(failures, attempts, error, asked))?;
    Some(wait.max(asked.unwrap_or_default()))
}

/// Returns how long to wait before a call is made again that must not be applied twice: only if it was not applied.
fn wait_after_refusal(
    failures: u32,
    attempts: u32,
    error: &Error,
    asked: Option<Duration>,
) -> Option<Duration> {
    let is_once = error.called().is_some_and(Called::is_at_most_once);
    if !is_once || failures >= attempts || error.may_have_been_applied() || !is_of_server(error) {
        return None;
    }
    Some(asked.unwrap_or(Duration::from_secs(1) * failures))
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

#[cfg(test)]
mod tests {
    use activeprospect::http;

    use super::*;

    #[test]
    fn the_next_attempt_waits_as_long_as_the_server_asks_and_not_for_ever() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let status = |status| {
            let response = http::Response::builder().status(status);
            let response = Response::from(response.body("".into()).unwrap());
            response.error_for_status().unwrap_err()
        };
        for (code, failures, asked, range) in [
            // A date without the response's own, of which the library knows nothing.
            (429, 1, seconds(40), Some((40, 41))),
            (429, 1, None, Some((0, 1))),
            (429, 1, seconds(600), Some((600, 601))),
            (429, 1, seconds(601), None),
            (429, 6, seconds(1), None),
            (400, 1, seconds(1), None),
        ] {
            let wait = wait_before_next(failures, 6, &status(code), asked);
            let range = range.map(|(from, to)| Duration::from_secs(from)..=Duration::from_secs(to));
            match (wait, range) {
                (Some(wait), Some(range)) => assert!(range.contains(&wait), "{code} {wait:?}"),
                (wait, range) => assert!(wait.is_none() && range.is_none(), "{code} {asked:?}"),
            }
        }
    }
}
