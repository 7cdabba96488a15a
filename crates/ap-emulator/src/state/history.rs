//! The resets and logins so far, and how many calls each product accepted and refused between them.
//! A person can watch a reset by it. It contains no key.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::Product;
use crate::per_product::PerProduct;

/// How many changes are kept. After that, each new one drops the oldest.
const MAX_CHANGES: usize = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Start,
    Reset,
    Login {
        product: Product,
        /// The generation of the key that the product accepted before.
        previous: u64,
    },
}

/// One change, and the calls between it and the next one.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// 1 for the start, one more for each further change.
    pub(crate) number: u64,
    pub(crate) at: Timestamp,
    pub(crate) event: Event,
    /// The generation of the newest key after the change.
    pub(crate) generation: u64,
    calls: PerProduct<CallCounts>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CallCounts {
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
}

#[derive(Debug)]
pub(crate) struct History {
    /// Oldest first, never empty.
    changes: VecDeque<Change>,
}

impl History {
    pub(crate) fn new() -> Self {
        let mut history = Self {
            changes: VecDeque::new(),
        };
        history.record(Event::Start, 1);
        history
    }

    pub(crate) fn record(&mut self, event: Event, generation: u64) {
        let number = self.changes.back().map_or(1, |newest| newest.number + 1);
        if self.changes.len() == MAX_CHANGES {
            self.changes.pop_front();
        }
        self.changes.push_back(Change {
            number,
            at: Timestamp::now(),
            event,
            generation,
            calls: PerProduct::default(),
        });
    }

    /// Returns the counters of the calls to `product` since the newest change.
    pub(crate) fn calls(&mut self, product: Product) -> Option<&mut CallCounts> {
        Some(self.changes.back_mut()?.calls.get_mut(product))
    }

    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().rev()
    }

    pub(crate) fn to_json(&self) -> Value {
        self.newest_first().map(Change::to_json).collect()
    }
}

impl Change {
    pub(crate) const fn calls(&self, product: Product) -> CallCounts {
        *self.calls.get(product)
    }

    fn to_json(&self) -> Value {
        let (what, product) = match self.event {
            Event::Start => ("start", None),
            Event::Reset => ("reset", None),
            Event::Login { product, .. } => ("login", Some(product.id())),
        };
        let mut calls = Map::new();
        for product in Product::ALL {
            let CallCounts { accepted, refused } = self.calls(product);
            let counts = json!({ "accepted": accepted, "refused": refused });
            calls.insert(product.id().to_owned(), counts);
        }
        json!({
            "nth": self.number,
            "at": self.at.as_second(),
            "what": what,
            "product": product,
            "generation": self.generation,
            "calls": calls,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, History, MAX_CHANGES};

    #[test]
    fn a_full_history_drops_its_oldest_changes() {
        let mut history = History::new();
        for generation in 2..=MAX_CHANGES as u64 + 5 {
            history.record(Event::Reset, generation);
        }
        let numbers: Vec<u64> = history.newest_first().map(|change| change.number).collect();
        let expected: Vec<u64> = (6..=MAX_CHANGES as u64 + 5).rev().collect();
        assert_eq!(numbers, expected);
    }
}
