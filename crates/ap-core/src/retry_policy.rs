//! [`RetryPolicy`]: if a failed call is made again, and when.

use std::time::Duration;

use http::StatusCode;

use crate::called::Called;
use crate::error::{Error, ErrorKind};

/// Decides if a failed call is made again, and after how long. A pure value: the caller has the clock, the sleep and
/// the random number.
///
/// A call is made again if all of these hold:
///
/// - It failed fewer times than there are attempts.
/// - The failure may pass, and a second request does no harm: [`Error::may_retry`] says so, or the product answered
///   503 and says in `Retry-After` when to come again.
/// - The request is not one that is sent [at most once](crate::Draft::at_most_once), such as a submitted lead.
/// - It is no 401. Another attempt with the same keys would not help.
/// - The product asks for no longer wait than [`max_retry_after`](Self::max_retry_after).
///
/// The wait doubles from attempt to attempt. A part of it is random, so that many clients do not come back at the same
/// moment.
///
/// ```
/// use std::time::Duration;
/// use ap_core::{Error, RetryPolicy, TransportError, TransportErrorKind};
///
/// let policy = RetryPolicy::new(3);
/// let error = Error::from(TransportError::new(TransportErrorKind::Connect));
/// let random = 0.5; // from 0 to 1
/// assert_eq!(policy.wait(1, &error, random), Some(Duration::from_millis(375)));
/// assert_eq!(policy.wait(2, &error, random), Some(Duration::from_millis(750)));
/// assert_eq!(policy.wait(3, &error, random), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    attempts: u32,
    first_wait: Duration,
    max_wait: Duration,
    max_retry_after: Duration,
}

impl RetryPolicy {
    /// No call is made again.
    pub const NEVER: Self = Self::new(1);

    /// Creates a policy with this many attempts in all. With 1 or 0 no call is made again.
    ///
    /// The waits are those of [`first_wait`](Self::first_wait), [`max_wait`](Self::max_wait) and
    /// [`max_retry_after`](Self::max_retry_after).
    #[must_use]
    pub const fn new(attempts: u32) -> Self {
        Self {
            attempts,
            first_wait: Duration::from_millis(500),
            max_wait: Duration::from_secs(30),
            max_retry_after: Duration::from_secs(60),
        }
    }

    /// Returns how many attempts there are in all.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Sets the longest wait after the first failure; 500 ms by default.
    #[must_use]
    pub const fn first_wait(mut self, wait: Duration) -> Self {
        self.first_wait = wait;
        self
    }

    /// Sets the longest wait after any failure, unless the product asks for a longer one; 30 s by default.
    #[must_use]
    pub const fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    /// Sets the longest `Retry-After` that is followed; 60 s by default. After a longer one the call is not made again.
    #[must_use]
    pub const fn max_retry_after(mut self, wait: Duration) -> Self {
        self.max_retry_after = wait;
        self
    }

    /// Returns how long to wait before the call is made again; `None` if it is not.
    ///
    /// `failures` counts the failed attempts, this one included. `random` is a number from 0 to 1: between half of the
    /// wait and the whole of it is chosen by it. A wait that the product asks for becomes longer by that, never shorter.
    #[must_use]
    pub fn wait(&self, failures: u32, error: &Error, random: f64) -> Option<Duration> {
        if failures >= self.attempts || !is_safe(error) {
            return None;
        }
        let doublings = 2_u32.saturating_pow(failures.saturating_sub(1));
        let wait = self.first_wait.saturating_mul(doublings).min(self.max_wait);
        match error.retry_after() {
            Some(asked) if asked > self.max_retry_after => None,
            Some(asked) => Some(asked.saturating_add(part(wait / 2, random))),
            None => Some((wait / 2).saturating_add(part(wait / 2, random))),
        }
    }
}

/// Returns `true` if a second request does no harm and may succeed.
fn is_safe(error: &Error) -> bool {
    if error.called().is_some_and(Called::is_at_most_once) {
        return false;
    }
    let says_when = error.retry_after().is_some();
    match error.kind() {
        ErrorKind::Auth | ErrorKind::Status(StatusCode::UNAUTHORIZED) => false,
        ErrorKind::Status(StatusCode::SERVICE_UNAVAILABLE) if says_when => true,
        _ => error.may_retry(),
    }
}

/// Returns a part of a wait. A number that is not from 0 to 1 counts as the nearest one, and NaN as 0.
fn part(wait: Duration, random: f64) -> Duration {
    let random = if random > 0.0 { random.min(1.0) } else { 0.0 };
    Duration::try_from_secs_f64(wait.as_secs_f64() * random).unwrap_or(wait)
}
