//! [`Slots`]: how many more connections may be idle.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many more connections may be idle, of all origins together. Nobody waits for one.
#[derive(Debug)]
pub(crate) struct Slots {
    free: AtomicUsize,
}

/// The right to keep one connection. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Slot(Arc<Slots>);

impl Slots {
    pub(crate) const fn new(free: usize) -> Self {
        Self {
            free: AtomicUsize::new(free),
        }
    }

    /// Takes one, if there is one.
    pub(crate) fn take(self: &Arc<Self>) -> Option<Slot> {
        let less = |free: usize| free.checked_sub(1);
        let taken = self
            .free
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        taken.ok().map(|_| Slot(Arc::clone(self)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.free.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_are_taken_than_there_are() {
        let slots = Arc::new(Slots::new(2));
        let taken = [slots.take(), slots.take()];
        assert!(taken.iter().all(Option::is_some));
        assert!(slots.take().is_none());
        drop(taken);
        assert!(slots.take().is_some() && slots.take().is_some());
        assert!(Arc::new(Slots::new(0)).take().is_none());
    }
}
