//! [`Dice`]: numbers that look random.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Numbers that look random and are the same in every run. Threads can share one.
#[derive(Debug, Default)]
pub struct Dice(AtomicUsize);

impl Dice {
    /// Returns the next number, which is below `end`.
    ///
    /// # Panics
    ///
    /// If `end` is 0.
    pub fn below(&self, end: usize) -> usize {
        let mut mixed = self
            .0
            .fetch_add(1, Ordering::Relaxed)
            .wrapping_mul(0x9E37_79B1);
        mixed ^= mixed >> 15;
        mixed.wrapping_mul(0x85EB_CA6B) / 7919 % end
    }
}
