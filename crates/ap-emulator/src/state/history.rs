//! What happened to the account, change by change, and how many calls each product accepted and
//! refused in between: what a person watches a reset by. No key is in it.

use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use crate::Product;

/// How many changes are kept; each further one pushes the oldest out.
pub(crate) const KEPT: usize = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Started,
    Reset,
    /// A login, and the generation that the product took before it.
    Login(Product, u64),
}

/// One change, with the calls from then until the next one.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) nth: u64,
    /// Seconds since the start of 1970.
    pub(crate) at: u64,
    pub(crate) event: Event,
    /// The generation of the newest key after the change.
    pub(crate) generation: u64,
    calls: [Calls; 3],
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Calls {
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
        history.record(Event::Started, 1);
        history
    }

    pub(crate) fn record(&mut self, event: Event, generation: u64) {
        let nth = self.changes.back().map_or(1, |newest| newest.nth + 1);
        if self.changes.len() == KEPT {
            self.changes.pop_front();
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        self.changes.push_back(Change {
            nth,
            at: since.map_or(0, |since| since.as_secs()),
            event,
            generation,
            calls: Default::default(),
        });
    }

    /// The counters of the calls to `product` since the newest change.
    pub(crate) fn calls(&mut self, product: Product) -> Option<&mut Calls> {
        let newest = self.changes.back_mut()?;
        Some(&mut newest.calls[product.index()])
    }

    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().rev()
    }

    pub(crate) fn to_json(&self) -> Value {
        self.newest_first().map(Change::to_json).collect()
    }
}

impl Change {
    pub(crate) const fn calls(&self, product: Product) -> Calls {
        self.calls[product.index()]
    }

    fn to_json(&self) -> Value {
        let (what, product) = match self.event {
            Event::Started => ("start", None),
            Event::Reset => ("reset", None),
            Event::Login(product, _) => ("login", Some(product.code())),
        };
        let calls: Map<String, Value> = Product::ALL
            .into_iter()
            .map(|product| {
                let Calls { accepted, refused } = self.calls(product);
                let told = json!({ "accepted": accepted, "refused": refused });
                (product.code().to_owned(), told)
            })
            .collect();
        json!({
            "nth": self.nth,
            "at": self.at,
            "what": what,
            "product": product,
            "generation": self.generation,
            "calls": calls,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, History, KEPT};

    #[test]
    fn the_oldest_changes_make_room() {
        let mut history = History::new();
        for generation in 2..=KEPT as u64 + 5 {
            history.record(Event::Reset, generation);
        }
        let numbers: Vec<u64> = history.newest_first().map(|change| change.nth).collect();
        let expected: Vec<u64> = (6..=KEPT as u64 + 5).rev().collect();
        assert_eq!(numbers, expected);
    }
}
