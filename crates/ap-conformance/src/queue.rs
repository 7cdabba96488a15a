//! [`Queue`]: which cases run some at a time, and which run by themselves.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::case::Case;
use crate::memory;

/// The cases of a run: first those that run some at a time, then those that run one after another.
pub(crate) struct Queue<'a> {
    together: Vec<&'a Case>,
    next: AtomicUsize,
    workers: usize,
    alone: Mutex<Vec<&'a Case>>,
}

impl<'a> Queue<'a> {
    /// Creates the queue for as many cases at a time as `jobs`.
    pub(crate) fn new(cases: &'a [Case], jobs: usize) -> Self {
        let is_alone = |case: &&Case| jobs <= 1 || memory::is_large(case);
        let (alone, together): (Vec<_>, Vec<_>) = cases.iter().partition(is_alone);
        Self {
            workers: jobs.min(together.len()),
            together,
            next: AtomicUsize::new(0),
            alone: Mutex::new(alone),
        }
    }

    /// Returns how many cases run at a time.
    pub(crate) const fn workers(&self) -> usize {
        self.workers
    }

    /// Returns the next case that runs beside others.
    pub(crate) fn next(&self) -> Option<&'a Case> {
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        self.together.get(at).copied()
    }

    /// Lets a case run again by itself.
    pub(crate) fn repeat(&self, case: &'a Case) {
        let mut alone = self.alone.lock().unwrap_or_else(PoisonError::into_inner);
        alone.push(case);
    }

    /// Returns the cases that run one after another.
    pub(crate) fn into_rest(self) -> Vec<&'a Case> {
        self.alone
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
