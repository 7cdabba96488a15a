//! [`RateLimit`]: says when calls may start, so that at most so many start in any time of some length.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ap_core::Error;

use crate::transport::{Deadline, Moment};

/// The starts of calls, shared by the clones of a client. Locked for a moment, never while a call waits.
pub(crate) struct RateLimit(Mutex<Starts>);

/// A start that is reserved for a call. It is given back if it is dropped before the call starts.
#[must_use = "a start that is dropped is given back"]
pub(crate) struct ReservedStart<'a> {
    limit: &'a RateLimit,
    at: Moment,
    has_begun: bool,
}

impl RateLimit {
    /// At most `calls` start in any time as long as `per`.
    pub(crate) fn new(calls: u32, per: Duration) -> Result<Self, Error> {
        if calls == 0 || per.is_zero() {
            return Err(Error::build(
                "the rate limit lets no call start; give it at least one call and a time above zero",
            ));
        }
        Ok(Self(Mutex::new(Starts {
            calls: usize::try_from(calls).unwrap_or(usize::MAX),
            per,
            starts: VecDeque::new(),
            free: 0,
        })))
    }

    /// Reserves the next start before the deadline.
    pub(crate) fn reserve(
        &self,
        now: Moment,
        deadline: Deadline,
    ) -> Result<ReservedStart<'_>, Error> {
        let at = self.starts().reserve(now, deadline)?;
        Ok(ReservedStart {
            limit: self,
            at,
            has_begun: false,
        })
    }

    fn starts(&self) -> MutexGuard<'_, Starts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReservedStart<'_> {
    /// Returns when the call may start.
    pub(crate) const fn at(&self) -> Moment {
        self.at
    }

    /// The call starts.
    pub(crate) fn begun(mut self) {
        self.has_begun = true;
    }
}

impl Drop for ReservedStart<'_> {
    fn drop(&mut self) {
        if !self.has_begun {
            self.limit.starts().give_back(self.at);
        }
    }
}

/// The starts that still matter, oldest first: those of the last `per`, and those that calls wait for.
struct Starts {
    calls: usize,
    per: Duration,
    starts: VecDeque<Start>,
    /// How many of them are free.
    free: usize,
}

struct Start {
    at: Moment,
    /// It was given back. Another call can have it; until then no call moves forward to fill the gap.
    is_free: bool,
}

impl Starts {
    fn reserve(&mut self, now: Moment, deadline: Deadline) -> Result<Moment, Error> {
        self.forget_until(now);
        let free = match self.free {
            0 => None,
            _ => self.starts.iter().position(|start| start.is_free),
        };
        let start = free.map_or_else(|| self.next(now), |nth| self.starts[nth].at);
        if deadline.remaining(start) == Some(Duration::ZERO) {
            let wait = start.since_start().saturating_sub(now.since_start());
            return Err(Error::rate_limit(wait));
        }
        match free {
            Some(nth) => {
                self.starts[nth].is_free = false;
                self.free -= 1;
            }
            None => {
                // Usually at the end.
                let nth = self.starts.partition_point(|other| other.at <= start);
                let start = Start {
                    at: start,
                    is_free: false,
                };
                self.starts.insert(nth, start);
            }
        }
        Ok(start)
    }

    /// Returns a start that is not free yet. Of the others, fewer than the limit are within `per` of it.
    fn next(&self, now: Moment) -> Moment {
        let before = self.starts.len().checked_sub(self.calls);
        match before.and_then(|nth| self.starts.get(nth)) {
            Some(start) => now.max(start.at.after(self.per)),
            None => now,
        }
    }

    /// Forgets the starts that hold no other one back, and those that passed without a call.
    fn forget_until(&mut self, now: Moment) {
        while let Some(first) = self.starts.front()
            && first.at.after(self.per) <= now
        {
            self.free -= usize::from(first.is_free);
            self.starts.pop_front();
        }
        if self.free > 0 {
            self.starts
                .retain(|start| !start.is_free || start.at >= now);
            self.free = self.starts.iter().filter(|start| start.is_free).count();
        }
    }

    fn give_back(&mut self, at: Moment) {
        // The latest starts are those that calls wait for.
        let mut latest = self.starts.iter_mut().rev();
        if let Some(start) = latest.find(|start| start.at == at && !start.is_free) {
            start.is_free = true;
            self.free += 1;
        }
        while self.starts.back().is_some_and(|last| last.is_free) {
            self.starts.pop_back();
            self.free -= 1;
        }
    }
}

#[cfg(test)]
mod tests;
