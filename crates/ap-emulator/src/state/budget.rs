//! [`Budget`]: how many bytes a part of the state may hold, so that a client in a loop cannot fill the
//! memory.

/// The bytes that a part of the state holds, and its limit.
#[derive(Debug)]
pub(crate) struct Budget {
    held: usize,
    limit: usize,
}

/// There is no room for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

impl Budget {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { held: 0, limit }
    }

    /// Charges `bytes`, or nothing if there is no room for all of them.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), Full> {
        match self.held.checked_add(bytes) {
            Some(held) if held <= self.limit => {
                self.held = held;
                Ok(())
            }
            _ => Err(Full),
        }
    }

    pub(crate) const fn give_back(&mut self, bytes: usize) {
        self.held = self.held.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, Full};

    #[test]
    fn a_budget_takes_what_fits_and_nothing_of_what_does_not() {
        let mut budget = Budget::new(10);
        assert_eq!(budget.take(6), Ok(()));
        assert_eq!(budget.take(5), Err(Full));
        assert_eq!(budget.take(usize::MAX), Err(Full));
        assert_eq!(budget.take(4), Ok(()));
        budget.give_back(3);
        assert_eq!(budget.take(3), Ok(()));
        assert_eq!(budget.take(1), Err(Full));
    }
}
