//! [`Admission`]: how many calls are forwarded at once, and how many wait.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::limits::Limits;
use crate::refusal::Refusal;

#[derive(Debug)]
pub(crate) struct Admission {
    in_flight: Semaphore,
    queue: Semaphore,
    limits: Limits,
}

impl Admission {
    pub(crate) fn new(limits: Limits) -> Self {
        let semaphore = |calls: usize| Semaphore::new(calls.min(Semaphore::MAX_PERMITS));
        Self {
            in_flight: semaphore(limits.max_in_flight.max(1)),
            queue: semaphore(limits.max_queued),
            limits,
        }
    }

    /// Waits until the call may be forwarded, for at most what remains of its time. Dropping the permit ends the call.
    pub(crate) async fn enter(
        &self,
        remaining: impl FnOnce() -> Result<Duration, Refusal>,
    ) -> Result<SemaphorePermit<'_>, Refusal> {
        if let Ok(permit) = self.in_flight.try_acquire() {
            return Ok(permit);
        }
        let queued = self.queue.try_acquire();
        let Ok(_queued) = queued else {
            return Err(Refusal::overloaded());
        };
        // Waiting is rare and its future is large; in a box, it does not make every call larger.
        match Box::pin(timeout(remaining()?, self.in_flight.acquire())).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Refusal::overloaded()),
        }
    }

    /// Returns the number of calls that are being forwarded.
    pub(crate) fn in_flight(&self) -> usize {
        let most = self.limits.max_in_flight.clamp(1, Semaphore::MAX_PERMITS);
        most - self.in_flight.available_permits().min(most)
    }

    /// Returns the number of calls that wait.
    pub(crate) fn queued(&self) -> usize {
        let most = self.limits.max_queued.min(Semaphore::MAX_PERMITS);
        most - self.queue.available_permits().min(most)
    }
}
