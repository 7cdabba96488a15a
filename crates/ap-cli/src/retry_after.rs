//! How long a server asks to wait.

use std::time::{Duration, UNIX_EPOCH};

use activeprospect::Error;

/// Returns how long the server asks to wait (`Retry-After`): seconds, or until a date.
///
/// The library has no clock, and counts a date from the response's own `Date`. If there is none, it counts from now.
pub(crate) fn of(error: &Error) -> Option<Duration> {
    // A clock before 1970 counts as the beginning of 1970.
    error.retry_after_at(UNIX_EPOCH.elapsed().unwrap_or_default())
}
