//! [`Evidence`]: decides, from what the products answered, when keys can be removed or put into another order.
//!
//! Neither can be undone, so one answer is not enough: a product's servers may switch to the new key one after
//! another, and the next answer may come from another server. There is no I/O here.

use std::time::Duration;

/// How many checks in a row must show the same.
pub(super) const CHECKS_NEEDED: u32 = 3;

/// What one check showed of one product. A key is an index into the list of keys, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Accepts(usize),
    /// It rejects every key.
    AcceptsNone {
        /// Nothing says that the account subscribes to the product.
        may_be_unsubscribed: bool,
    },
    /// It says nothing about the keys.
    Unclear {
        /// A later check may succeed although nobody does anything.
        is_transient: bool,
    },
    NotSubscribed,
}

/// What to do after a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Check again.
    Wait,
    /// Every product accepts the newest key: remove these, and end.
    Remove(Vec<usize>),
    /// Every product accepts this key, and one accepted a later key of the list before, so this one is the newest.
    MakeNewest(usize),
    /// End without any change, because more checks would show the same.
    End,
}

/// What the checks showed so far.
#[derive(Debug)]
pub(super) struct Evidence {
    key_count: usize,
    /// The key that was entered in this run. It is never removed.
    entered: Option<usize>,
    /// The time between two checks. A check that comes earlier proves nothing more.
    every: Duration,
    products: Vec<ProductEvidence>,
}

/// What the checks showed of one product.
#[derive(Debug)]
struct ProductEvidence {
    answer: Answer,
    /// How many checks in a row had this answer.
    checks: u32,
    /// When the last of them was.
    counted_at: Duration,
    /// The keys that it accepted in enough checks in a row: the last one, and the one before.
    settled: Option<usize>,
    settled_before: Option<usize>,
}

impl Evidence {
    pub(super) const fn new(key_count: usize, entered: Option<usize>, every: Duration) -> Self {
        Self {
            key_count,
            entered,
            every,
            products: Vec::new(),
        }
    }

    /// Adds a check of all products, always in the same order. `at` is the time since the start.
    pub(super) fn add(&mut self, at: Duration, answers: &[Answer]) {
        for (index, answer) in answers.iter().enumerate() {
            match self.products.get_mut(index) {
                Some(product) => product.add(at, *answer, self.every),
                None => self.products.push(ProductEvidence {
                    answer: *answer,
                    checks: 1,
                    counted_at: at,
                    settled: None,
                    settled_before: None,
                }),
            }
        }
    }

    pub(super) fn decide(&self) -> Decision {
        if let Some(newest) = self.key_accepted_by_all() {
            let old = (0..self.key_count).filter(|key| *key != newest);
            if self.is_newest(newest) {
                return Decision::Remove(old.filter(|key| Some(*key) != self.entered).collect());
            }
            if self.products.iter().any(|product| product.has_returned()) {
                return Decision::MakeNewest(newest);
            }
        }
        if self.products.iter().any(|product| self.is_pending(product)) {
            Decision::Wait
        } else {
            Decision::End
        }
    }

    /// Returns `true` if every product accepts the newest key so far, and more checks are needed to prove it.
    pub(super) fn is_nearly_complete(&self) -> bool {
        let mut products = self.products.iter();
        products.all(|product| match product.answer {
            Answer::Accepts(key) => self.is_newest(key),
            answer => is_absent(answer),
        }) && self
            .products
            .iter()
            .any(|product| !is_absent(product.answer))
    }

    /// Applies [`Decision::MakeNewest`]. Keys are only removed after more checks.
    pub(super) fn make_newest(&mut self, newest: usize) {
        let last = self.key_count.saturating_sub(1);
        let moved = |key: usize| match key {
            key if key == newest => last,
            key if key > newest => key - 1,
            key => key,
        };
        self.entered = self.entered.map(moved);
        for product in &mut self.products {
            if let Answer::Accepts(key) = &mut product.answer {
                *key = moved(*key);
            }
            product.checks = 0;
            product.settled = product.settled.map(moved);
            product.settled_before = product.settled_before.map(moved);
        }
    }

    /// Returns the one key that all products have accepted in enough checks in a row, apart from those that the
    /// account does not have.
    fn key_accepted_by_all(&self) -> Option<usize> {
        let mut accepted = None;
        for product in &self.products {
            match product.answer {
                _ if !product.is_settled() => return None,
                Answer::Accepts(key) if accepted.is_none_or(|accepted| accepted == key) => {
                    accepted = Some(key);
                }
                answer if is_absent(answer) => {}
                _ => return None,
            }
        }
        accepted
    }

    const fn is_newest(&self, key: usize) -> bool {
        key + 1 == self.key_count
    }

    /// Returns `true` if the product must be checked again before the rotation can end.
    fn is_pending(&self, product: &ProductEvidence) -> bool {
        match product.answer {
            // Someone may log in.
            Answer::Accepts(key) if !self.is_newest(key) => true,
            Answer::Unclear { is_transient: true } => true,
            _ => !product.is_settled(),
        }
    }
}

impl ProductEvidence {
    fn add(&mut self, at: Duration, answer: Answer, every: Duration) {
        if answer != self.answer {
            self.answer = answer;
            self.checks = 0;
        } else if at < self.counted_at + every {
            return;
        }
        self.checks += 1;
        self.counted_at = at;
        if let (Answer::Accepts(key), true) = (answer, self.is_settled())
            && self.settled != Some(key)
        {
            self.settled_before = self.settled.replace(key);
        }
    }

    const fn is_settled(&self) -> bool {
        self.checks >= CHECKS_NEEDED
    }

    /// Returns `true` if the product went from a later key of the list to an earlier one. Products go from an older
    /// key to a newer one, so the list is in the wrong order.
    fn has_returned(&self) -> bool {
        match (self.settled_before, self.settled) {
            (Some(before), Some(now)) => before > now,
            _ => false,
        }
    }
}

/// Returns `true` if the answer is that of a product that the account does not have. The vendor's own code reads a
/// rejection as "there is no such account".
const fn is_absent(answer: Answer) -> bool {
    matches!(
        answer,
        Answer::NotSubscribed
            | Answer::AcceptsNone {
                may_be_unsubscribed: true
            }
    )
}
