//! [`Connections`]: how many are open, and which one was idle longest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// How many connections that were refused may stay until their client has read why.
const MAX_REFUSED: usize = 16;

/// The open connections of all listeners.
#[derive(Debug)]
pub(crate) struct Connections {
    max: usize,
    /// A connection has a slot until its descriptor is closed.
    slots: Arc<Semaphore>,
    refused: Arc<Semaphore>,
    idle: Mutex<Idle>,
}

#[derive(Debug, Default)]
struct Idle {
    /// Counts up, so that the first idle connection is the one that was idle longest.
    next: u64,
    connections: BTreeMap<u64, Arc<Notify>>,
}

/// An open connection. It is idle while no request of it is served and no answer is being written.
#[derive(Debug)]
pub(crate) struct Tracked {
    connections: Arc<Connections>,
    state: Mutex<State>,
    closing: Arc<Notify>,
    _slot: OwnedSemaphorePermit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// With its number among the idle ones.
    Idle(u64),
    /// With the number of calls that are not finished: more than one if the client does not wait for answers.
    Busy(usize),
}

impl Connections {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        let max = max.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            max,
            slots: Arc::new(Semaphore::new(max)),
            refused: Arc::new(Semaphore::new(MAX_REFUSED)),
            idle: Mutex::default(),
        })
    }

    /// Returns the new connection. If too many are open, the one that was idle longest is told to close, and this waits
    /// until it has, which takes it no time; `None` if none is idle.
    pub(crate) async fn open(self: &Arc<Self>) -> Option<Tracked> {
        let slots = Arc::clone(&self.slots);
        let slot = match Arc::clone(&slots).try_acquire_owned() {
            Ok(slot) => slot,
            Err(_) => {
                let (_, closing) = self.lock().connections.pop_first()?;
                closing.notify_one();
                slots.acquire_owned().await.ok()?
            }
        };
        let closing = Arc::<Notify>::default();
        let number = self.lock().add(&closing);
        Some(Tracked {
            connections: Arc::clone(self),
            state: Mutex::new(State::Idle(number)),
            closing,
            _slot: slot,
        })
    }

    /// Returns a permit to tell a client that too many connections are busy; `None` if many are being told already.
    pub(crate) fn refuse(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.refused).try_acquire_owned().ok()
    }

    /// Returns how many connections are open, those included that are closing.
    pub(crate) fn count(&self) -> usize {
        self.max - self.slots.available_permits()
    }

    /// Returns how many connections have a request or an answer that is not finished.
    pub(crate) fn busy(&self) -> usize {
        let idle = self.lock().connections.len();
        self.count().saturating_sub(idle)
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Idle {
    fn add(&mut self, closing: &Arc<Notify>) -> u64 {
        let number = self.next;
        self.next += 1;
        self.connections.insert(number, Arc::clone(closing));
        number
    }
}

impl Tracked {
    /// Begins a call, which makes the connection busy. `None` if it was told to close before.
    pub(crate) fn begin(self: &Arc<Self>) -> Option<Busy> {
        let mut state = self.lock();
        *state = match *state {
            State::Idle(number) => {
                self.connections.lock().connections.remove(&number)?;
                State::Busy(1)
            }
            State::Busy(calls) => State::Busy(calls + 1),
        };
        Some(Busy(Arc::clone(self)))
    }

    fn end(&self) {
        let mut state = self.lock();
        *state = match *state {
            State::Busy(calls @ 2..) => State::Busy(calls - 1),
            State::Busy(_) => State::Idle(self.connections.lock().add(&self.closing)),
            State::Idle(number) => State::Idle(number),
        };
    }

    pub(crate) fn is_idle(&self) -> bool {
        matches!(*self.lock(), State::Idle(_))
    }

    /// Returns when the connection should close for another one, at once.
    pub(crate) async fn closing(&self) {
        self.closing.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        if let State::Idle(number) = *self.lock() {
            self.connections.lock().connections.remove(&number);
        }
    }
}

/// A call that is not finished. While this lives, its connection is busy.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Tracked>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_connection_that_was_idle_longest_is_closed_for_a_new_one() {
        let connections = Connections::new(2);
        let first = Arc::new(connections.open().await.unwrap());
        let second = Arc::new(connections.open().await.unwrap());
        let (call, other) = (first.begin().unwrap(), second.begin().unwrap());
        let next = first.begin().unwrap();
        assert!(connections.open().await.is_none(), "no connection is idle");
        assert_eq!((connections.count(), connections.busy()), (2, 2));
        drop(other);
        drop(call);
        assert_eq!(connections.busy(), 1, "the next call is not finished");
        drop(next);
        assert_eq!(connections.busy(), 0);
        let close = async {
            second.closing().await;
            assert!(second.begin().is_none(), "it must not begin another call");
            assert_eq!(connections.count(), 2, "until the second one is closed");
            drop(second);
        };
        let (third, ()) = tokio::join!(connections.open(), close);
        let third = third.unwrap();
        let idle: Vec<_> = connections.lock().connections.values().cloned().collect();
        assert!(Arc::ptr_eq(&idle[0], &first.closing));
        assert!(Arc::ptr_eq(&idle[1], &third.closing));
        assert_eq!(connections.count(), 2);
        drop((first, third));
        assert_eq!(connections.count(), 0);
        assert!(connections.lock().connections.is_empty());
    }
}
