//! The account's newest key, and the key that each product accepts. After a reset the two differ for
//! every product that nobody has logged in to yet.

use std::fmt;

use subtle::ConstantTimeEq;

use super::random;
use crate::Product;
use crate::per_product::PerProduct;

/// A key that this emulator made. No other key is ever accepted.
#[derive(Clone)]
pub(crate) struct Key {
    generation: u64,
    text: String,
}

impl Key {
    fn new(generation: u64) -> Self {
        let hex = random::hex::<12>();
        Self {
            generation,
            text: format!("emulator-{generation}-{hex}"),
        }
    }

    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Compares in constant time, so that a timing test of a client sees no difference between
    /// wrong keys.
    pub(crate) fn matches(&self, received: &[u8]) -> bool {
        self.text.as_bytes().ct_eq(received).into()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// The account. Its newest key reaches a product only by a login there.
#[derive(Debug)]
pub(crate) struct Account {
    newest: Key,
    accepted: PerProduct<Key>,
}

impl Account {
    pub(crate) fn new() -> Self {
        let newest = Key::new(1);
        Self {
            accepted: PerProduct::from_fn(|_| newest.clone()),
            newest,
        }
    }

    pub(crate) const fn newest(&self) -> &Key {
        &self.newest
    }

    pub(crate) const fn accepted_by(&self, product: Product) -> &Key {
        self.accepted.get(product)
    }

    pub(crate) fn reset(&mut self) -> &Key {
        self.newest = Key::new(self.newest.generation + 1);
        &self.newest
    }

    pub(crate) fn login(&mut self, product: Product) {
        *self.accepted.get_mut(product) = self.newest.clone();
    }
}
