//! [`Pace`]: when the next call may begin: the limit that a person sets, and the waits that the server asks for.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How far calls may be behind their times and catch up. A timer's step is a millisecond.
const MAX_BEHIND: Duration = Duration::from_millis(10);

/// When the next call may begin.
pub(crate) struct Pace {
    every: Option<Duration>,
    next: Cell<Instant>,
    paused_until: Cell<Instant>,
}

impl Pace {
    /// Creates a pace with at most this many calls a second.
    pub(crate) fn new(rate: Option<f64>) -> Self {
        let now = Instant::now();
        Self {
            every: rate.map(|rate| Duration::from_secs_f64(1.0 / rate)),
            next: Cell::new(now),
            paused_until: Cell::new(now),
        }
    }

    /// Returns when the next call may begin, as far as that is known now.
    pub(crate) fn next_turn(&self) -> Instant {
        self.next.get().max(self.paused_until.get())
    }

    /// Returns `true` if a call may begin now, which the caller then does.
    pub(crate) fn take_turn(&self, now: Instant) -> bool {
        if self.next_turn() > now {
            return false;
        }
        if let Some(every) = self.every {
            let earliest = now.checked_sub(MAX_BEHIND).unwrap_or(now);
            self.next.set(self.next.get().max(earliest) + every);
        }
        true
    }

    /// Waits until a call may begin.
    pub(crate) async fn turn(&self) {
        while !self.take_turn(Instant::now()) {
            sleep_until(self.next_turn()).await;
        }
    }

    /// Lets no call begin for a time.
    pub(crate) fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait;
        self.paused_until.set(self.paused_until.get().max(until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(test: impl Future<Output = ()>) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().build().unwrap().block_on(test);
    }

    #[test]
    fn calls_begin_no_faster_than_the_rate() {
        run(async {
            let pace = Pace::new(Some(200.0));
            let started = Instant::now();
            for _ in 0..21 {
                pace.turn().await;
            }
            // 20 waits of 5 ms, less what may be caught up.
            let least = Duration::from_millis(100) - MAX_BEHIND;
            assert!(started.elapsed() >= least);
        });
    }

    #[test]
    fn a_pause_holds_for_every_call() {
        run(async {
            let pace = Pace::new(None);
            let started = Instant::now();
            pace.pause(Duration::from_millis(30));
            pace.pause(Duration::from_millis(10));
            pace.turn().await;
            assert!(started.elapsed() >= Duration::from_millis(30));
        });
    }
}
