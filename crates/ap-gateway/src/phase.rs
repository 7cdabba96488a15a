//! [`Phase`]: how far the call is that a connection serves.

use std::sync::atomic::{AtomicU8, Ordering};

/// How far the call is that a connection serves: one at a time, because the server reads the next head only when the
/// answer before it was written out.
#[derive(Debug, Default)]
pub(crate) struct Phase(AtomicU8);

/// No call is served. What the server writes now is an answer of its own.
const NONE: u8 = 0;
/// The head was read. Of the body, something may be missing.
const READING: u8 = 1;
/// The request was read to its end.
const WHOLE: u8 = 2;
/// The server has the answer, and may not have written all of it.
const ANSWERED: u8 = 3;

impl Phase {
    /// Notes that a call begins.
    pub(crate) fn begin(&self, has_body: bool) {
        self.set(if has_body { READING } else { WHOLE });
    }

    /// Notes that the body was read to its end.
    pub(crate) fn read(&self) {
        self.set(WHOLE);
    }

    /// Notes that the server has the answer.
    pub(crate) fn answer(&self) {
        self.set(ANSWERED);
    }

    /// Notes that the server has written everything that it has.
    pub(crate) fn write_out(&self) {
        self.set(NONE);
    }

    pub(crate) fn is_none(&self) -> bool {
        self.get() == NONE
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.get() == WHOLE
    }

    pub(crate) fn is_answered(&self) -> bool {
        self.get() == ANSWERED
    }

    fn set(&self, phase: u8) {
        self.0.store(phase, Ordering::Relaxed);
    }

    fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }
}
