//! [`Clock`]: a transport's own clock.

use std::time::Instant;

use super::deadline::{Deadline, Moment};

/// A monotonic clock, for the two methods of every transport that are about time.
///
/// ```
/// use ap_client::transport::{Clock, Deadline};
/// use std::time::Duration;
///
/// let clock = Clock::start();
/// let deadline = Deadline::after(clock.now(), Duration::from_secs(60));
/// assert!(deadline.remaining(clock.now()) <= Some(Duration::from_secs(60)));
/// clock.sleep_until(clock.now()); // returns at once
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts a clock.
    #[must_use]
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// Returns the present moment.
    #[must_use]
    pub fn now(self) -> Moment {
        Moment::after_start(self.start.elapsed())
    }

    /// Blocks this thread until the moment has passed.
    pub fn sleep_until(self, moment: Moment) {
        std::thread::sleep(moment.since_start().saturating_sub(self.start.elapsed()));
    }

    /// Returns the instant at which a call must be over, for the timer of a runtime. `None` if there is no deadline.
    #[must_use]
    pub fn end_of(self, deadline: Deadline) -> Option<Instant> {
        self.instant(deadline.moment()?)
    }

    /// Returns a moment of this clock as an instant. `None` if it is too far away to be counted.
    #[must_use]
    pub fn instant(self, moment: Moment) -> Option<Instant> {
        self.start.checked_add(moment.since_start())
    }
}
