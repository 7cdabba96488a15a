//! A place where the answers of a server wait, so that a test knows what is in flight.

use std::sync::{Arc, Condvar, Mutex};

/// A server's door: requests wait at it until it is open.
#[derive(Clone, Default)]
pub(crate) struct Door(Arc<(Mutex<Inside>, Condvar)>);

#[derive(Default)]
struct Inside {
    waiting: usize,
    is_open: bool,
}

impl Door {
    /// Waits until the door is open.
    pub(crate) fn pass(&self) {
        let (inside, changed) = &*self.0;
        let mut inside = inside.lock().unwrap();
        inside.waiting += 1;
        changed.notify_all();
        let _open = changed
            .wait_while(inside, |inside| !inside.is_open)
            .unwrap();
    }

    /// Waits until so many requests are at the door.
    pub(crate) fn wait_for(&self, requests: usize) {
        let (inside, changed) = &*self.0;
        let inside = inside.lock().unwrap();
        let _there = changed.wait_while(inside, |inside| inside.waiting < requests);
    }

    pub(crate) fn open(&self) {
        let (inside, changed) = &*self.0;
        inside.lock().unwrap().is_open = true;
        changed.notify_all();
    }
}
