//! [`Stop`]: an end in two steps: the first signal lets what is under way be finished, the second one ends the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use tokio::sync::Notify;

use crate::interrupt::{self, Received};

/// Says that nothing new should begin, and remembers the signal that was the reason.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    notify: Arc<Notify>,
    /// 0 before there is one.
    signal: Arc<AtomicI32>,
}

impl Stop {
    /// Stops at the first signal from now on, and ends the program at the second one.
    pub(crate) fn on_signals(&self) {
        let stop = self.clone();
        interrupt::handle(move |Received { signal, .. }| {
            if stop.signal.swap(signal, Ordering::SeqCst) != 0 {
                interrupt::end_by(signal);
            }
            stop.now();
        });
    }

    /// Stops without a signal.
    pub(crate) fn now(&self) {
        self.notify.notify_one();
    }

    /// Waits until something stops it. Only one caller is told.
    pub(crate) async fn notified(&self) {
        self.notify.notified().await;
    }

    /// Returns the signal that stopped it, if one did.
    pub(crate) fn signal(&self) -> Option<i32> {
        Some(self.signal.load(Ordering::SeqCst)).filter(|signal| *signal != 0)
    }
}
