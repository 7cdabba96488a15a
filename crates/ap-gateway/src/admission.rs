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

    /// Returns a permit if the call may be forwarded at once. Dropping it ends the call.
    pub(crate) fn try_enter(&self) -> Option<SemaphorePermit<'_>> {
        self.in_flight.try_acquire().ok()
    }

    /// Waits until the call may be forwarded, for at most what remains of its time.
    pub(crate) async fn enter(&self, remaining: Duration) -> Result<SemaphorePermit<'_>, Refusal> {
        let queued = self.queue.try_acquire();
        let Ok(_queued) = queued else {
            return Err(Refusal::overloaded());
        };
        match timeout(remaining, self.in_flight.acquire()).await {
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
