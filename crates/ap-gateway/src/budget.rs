//! [`Budget`]: how many bytes of bodies are in memory.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::refusal::Refusal;

/// Bytes are counted in units of this size.
const UNIT: usize = 1024;

/// How many bytes of requests' bodies may be in memory, of all requests together.
#[derive(Debug)]
pub(crate) struct Budget(Arc<Semaphore>);

/// The part of a budget that one body takes. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Reserved {
    budget: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
    size: usize,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        let units = bytes.div_ceil(UNIT).clamp(1, Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(units)))
    }

    /// Returns a part of no bytes.
    pub(crate) fn reserve(&self) -> Reserved {
        Reserved {
            budget: Arc::clone(&self.0),
            permit: None,
            size: 0,
        }
    }
}

impl Reserved {
    /// Makes room for so many more bytes. It does not wait: others may wait for this part.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.size = self.size.saturating_add(bytes);
        let present = self
            .permit
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = self.size.div_ceil(UNIT).saturating_sub(present);
        if missing == 0 {
            return Ok(());
        }
        let more = u32::try_from(missing).ok();
        let more = more.and_then(|more| Arc::clone(&self.budget).try_acquire_many_owned(more).ok());
        let more = more.ok_or_else(Refusal::overloaded)?;
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_share_the_budget_and_give_it_back() {
        let budget = Budget::new(4 * UNIT);
        let (mut first, mut second) = (budget.reserve(), budget.reserve());
        for bytes in [0, 1, UNIT - 1, UNIT, 1] {
            first.grow(bytes).unwrap();
        }
        second.grow(UNIT).unwrap();
        assert!(second.grow(1).is_err(), "3 units and 1 are taken");
        drop(first);
        second.grow(3 * UNIT - 1).unwrap();
        drop(second);
        assert_eq!(budget.0.available_permits(), 4);
    }
}
