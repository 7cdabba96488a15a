//! [`Progress`]: how far a request got on its connection. The call and the layers below hyper share it.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// A request was given to the connection, and nothing was written since.
const GIVEN: u8 = 1;
/// Something was written since.
const WRITTEN: u8 = 2;
/// The connection could not be written to any more when a request was given to it.
const UNSENT: u8 = 3;

/// How far the last request got.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    state: AtomicU8,
    /// A request was given to the connection, and the reading side does not know yet.
    is_new: AtomicBool,
    /// Nothing was there to read since the connection was last driven. hyper tries again and again, and a look at this is
    /// cheaper.
    is_read_out: AtomicBool,
    /// Nobody is woken for the connection while it is driven now.
    is_unheard: AtomicBool,
}

impl Progress {
    /// Notes that a request is about to be given to the connection.
    pub(crate) fn give(&self) {
        self.state.store(GIVEN, Ordering::Release);
        self.is_new.store(true, Ordering::Release);
    }

    /// Notes that the connection is driven, and there may be something to read. If this is `is_unheard`, nobody is woken
    /// when there is more of it.
    pub(crate) fn drive(&self, is_unheard: bool) {
        self.is_read_out.store(false, Ordering::Relaxed);
        self.is_unheard.store(is_unheard, Ordering::Relaxed);
    }

    /// Notes that less was read than there was room for, so that most likely nothing else is there. If nobody is woken for
    /// more of it, it is read when the connection is driven again.
    pub(crate) fn read_less(&self) {
        if self.is_unheard.load(Ordering::Relaxed) {
            self.read_out();
        }
    }

    /// Notes that nothing is there to read.
    pub(crate) fn read_out(&self) {
        self.is_read_out.store(true, Ordering::Relaxed);
    }

    /// Returns `true` if nothing was there to read since the connection was last driven.
    pub(crate) fn is_read_out(&self) -> bool {
        self.is_read_out.load(Ordering::Relaxed)
    }

    /// Notes that bytes were written.
    pub(crate) fn write(&self) {
        if self.state.load(Ordering::Acquire) == GIVEN {
            self.state.store(WRITTEN, Ordering::Release);
        }
    }

    /// Notes that nothing can be written any more.
    pub(crate) fn cannot_write(&self) {
        if self.state.load(Ordering::Acquire) == GIVEN {
            self.state.store(UNSENT, Ordering::Release);
        }
    }

    /// Returns `true` if no byte of the request was sent.
    pub(crate) fn is_unsent(&self) -> bool {
        self.state.load(Ordering::Acquire) == UNSENT
    }

    /// Returns `true` once for each request.
    pub(crate) fn take_new(&self) -> bool {
        let is_new = self.is_new.load(Ordering::Acquire);
        if is_new {
            self.is_new.store(false, Ordering::Release);
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_unsent_only_if_nothing_was_written_before_the_end() {
        type Step = fn(&Progress);
        let (give, write, end): (Step, Step, Step) =
            (Progress::give, Progress::write, Progress::cannot_write);
        for (steps, is_unsent) in [
            (&[][..], false),
            (&[give], false),
            (&[end], false),
            (&[give, end], true),
            (&[write, give, end], true),
            (&[give, write, end], false),
            (&[give, end, write], true),
            (&[give, write, give, end], true),
            (&[give, end, give], false),
        ] {
            let progress = Progress::default();
            for step in steps {
                step(&progress);
            }
            assert_eq!(progress.is_unsent(), is_unsent);
        }
    }

    #[test]
    fn after_a_short_read_nothing_is_there_until_the_connection_is_driven_again_but_the_waker_must_know()
     {
        let progress = Progress::default();
        for (is_unheard, is_read_out) in [(true, true), (false, false), (true, true)] {
            progress.drive(is_unheard);
            assert!(!progress.is_read_out());
            progress.read_less();
            assert_eq!(progress.is_read_out(), is_read_out);
        }
    }

    #[test]
    fn a_request_is_new_once() {
        let progress = Progress::default();
        assert!(!progress.take_new());
        progress.give();
        assert!(progress.take_new());
        assert!(!progress.take_new());
    }
}
