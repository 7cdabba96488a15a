//! [`Moment`] and [`Deadline`]: time as a transport's clock counts it.

use std::time::Duration;

use ap_core::{TransportError, TransportErrorKind};

/// Longer times count as no limit.
pub(crate) const LONGEST: Duration = Duration::from_secs(60 * 60 * 24 * 365);

/// A point on a transport's own monotonic clock, counted from any fixed start.
///
/// Moments of two transports cannot be compared.
///
/// ```
/// use ap_client::transport::Moment;
/// use std::time::{Duration, Instant};
///
/// let start = Instant::now(); // kept in the transport
/// let now = Moment::after_start(start.elapsed());
/// assert!(now.since_start() < Duration::from_secs(3600));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// Creates the moment this long after the clock's start.
    #[must_use]
    pub const fn after_start(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// Returns how long after the clock's start this is.
    #[must_use]
    pub const fn since_start(self) -> Duration {
        self.0
    }

    /// Returns the moment this long after this one.
    pub(crate) const fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time))
    }
}

/// When a call must be over: connecting, TLS, sending, waiting, the whole body and every attempt.
///
/// ```
/// use ap_client::transport::{Deadline, Moment};
/// use std::time::Duration;
///
/// let start = Moment::after_start(Duration::ZERO);
/// let deadline = Deadline::after(start, Duration::from_secs(60));
/// let later = Moment::after_start(Duration::from_secs(50));
/// assert_eq!(deadline.remaining(later), Some(Duration::from_secs(10)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Option<Moment>);

impl Deadline {
    /// No deadline.
    pub const NEVER: Self = Self(None);

    /// Creates the deadline this long after a moment; [`NEVER`](Self::NEVER) if that cannot be counted.
    #[must_use]
    pub fn after(now: Moment, timeout: Duration) -> Self {
        Self(now.0.checked_add(timeout).map(Moment))
    }

    /// Returns when the call must be over; `None` if there is no deadline.
    #[must_use]
    pub const fn moment(self) -> Option<Moment> {
        self.0
    }

    /// Returns the time that remains: zero if the deadline has passed, `None` if there is none.
    #[must_use]
    pub fn remaining(self, now: Moment) -> Option<Duration> {
        self.0.map(|at| at.0.saturating_sub(now.0))
    }

    /// Returns how long a round trip that begins now may take: at most a year, `None` for no limit.
    ///
    /// # Errors
    ///
    /// [`Timeout`](TransportErrorKind::Timeout) if the deadline has passed: nothing must be sent then.
    ///
    /// ```
    /// use ap_client::transport::{Deadline, Moment};
    /// use std::time::Duration;
    ///
    /// let start = Moment::after_start(Duration::ZERO);
    /// let deadline = Deadline::after(start, Duration::from_secs(60));
    /// assert_eq!(deadline.begin(start)?, Some(Duration::from_secs(60)));
    /// assert!(deadline.begin(Moment::after_start(Duration::from_secs(60))).is_err());
    /// # Ok::<(), ap_client::transport::TransportError>(())
    /// ```
    pub fn begin(self, now: Moment) -> Result<Option<Duration>, TransportError> {
        match self.remaining(now) {
            Some(Duration::ZERO) => Err(TransportError::new(TransportErrorKind::Timeout)),
            remaining => Ok(remaining.map(|remaining| remaining.min(LONGEST))),
        }
    }
}
