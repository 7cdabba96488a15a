//! [`Connections`]: how many are open, and which one was idle longest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The open connections of all listeners.
#[derive(Debug)]
pub(crate) struct Connections {
    max: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    count: usize,
    /// Counts up, so that the first idle connection is the one that was idle longest.
    next: u64,
    idle: BTreeMap<u64, Arc<Notify>>,
}

/// An open connection. It is idle while no request of it is served.
#[derive(Debug)]
pub(crate) struct Tracked {
    connections: Arc<Connections>,
    /// Its number among the idle ones.
    idle: Mutex<Option<u64>>,
    closing: Arc<Notify>,
}

impl Connections {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            max: max.max(1),
            open: Mutex::default(),
        })
    }

    /// Returns the new connection. If too many are open, the one that was idle longest is told to close; `None` if
    /// there is none.
    pub(crate) fn open(self: &Arc<Self>) -> Option<Tracked> {
        let mut open = self.lock();
        if open.count >= self.max {
            let (_, closing) = open.idle.pop_first()?;
            closing.notify_one();
        }
        open.count += 1;
        drop(open);
        let tracked = Tracked {
            connections: Arc::clone(self),
            idle: Mutex::new(None),
            closing: Arc::default(),
        };
        tracked.set_idle(true);
        Some(tracked)
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().count
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tracked {
    pub(crate) fn set_idle(&self, is_idle: bool) {
        let mut own = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open = self.connections.lock();
        if let Some(number) = own.take() {
            open.idle.remove(&number);
        }
        if is_idle {
            let number = open.next;
            open.next += 1;
            open.idle.insert(number, Arc::clone(&self.closing));
            *own = Some(number);
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        let own = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        own.is_some()
    }

    /// Returns when the connection should close for another one.
    pub(crate) async fn closing(&self) {
        self.closing.notified().await;
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.set_idle(false);
        self.connections.lock().count -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_connection_that_was_idle_longest_is_closed_for_a_new_one() {
        let connections = Connections::new(2);
        let (first, second) = (connections.open().unwrap(), connections.open().unwrap());
        first.set_idle(false);
        second.set_idle(false);
        assert!(connections.open().is_none(), "no connection is idle");
        second.set_idle(true);
        first.set_idle(true);
        let third = connections.open().unwrap();
        let idle: Vec<_> = connections.lock().idle.values().cloned().collect();
        assert!(Arc::ptr_eq(&idle[0], &first.closing));
        assert!(Arc::ptr_eq(&idle[1], &third.closing));
        assert_eq!(connections.count(), 3, "until the second one is closed");
        drop((first, second, third));
        assert_eq!(connections.count(), 0);
        assert!(connections.lock().idle.is_empty());
    }
}
