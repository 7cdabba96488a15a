//! The account's key and the key that each product takes: they differ after a reset, product by
//! product, until somebody logs in there.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};

use subtle::ConstantTimeEq;

use crate::Product;

/// A key that this emulator made. Nothing else is ever accepted.
#[derive(Clone)]
pub(crate) struct Key {
    generation: u64,
    text: String,
}

impl Key {
    fn new(generation: u64) -> Self {
        let mut random = [0_u8; 12];
        if getrandom::fill(&mut random).is_err() {
            // Unpredictability only keeps two emulators' keys apart here, and the standard
            // library's hasher seeds are good enough for that: no reason to fail a reset.
            for chunk in random.chunks_mut(8) {
                let bytes = RandomState::new().build_hasher().finish().to_le_bytes();
                chunk.copy_from_slice(&bytes[..chunk.len()]);
            }
        }
        let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            generation,
            text: format!("emulator-{generation}-{hex}"),
        }
    }

    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.text
    }

    /// Takes the same time wherever the first difference is, so that a client's own timing tests
    /// against the emulator see nothing.
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

/// The one account, whose newest key reaches a product only by a login there.
#[derive(Debug)]
pub(crate) struct Account {
    newest: Key,
    taken: [Key; 3],
}

impl Account {
    pub(crate) fn new() -> Self {
        let newest = Key::new(1);
        Self {
            taken: [newest.clone(), newest.clone(), newest.clone()],
            newest,
        }
    }

    pub(crate) const fn newest(&self) -> &Key {
        &self.newest
    }

    pub(crate) const fn taken_by(&self, product: Product) -> &Key {
        &self.taken[product.index()]
    }

    pub(crate) fn reset(&mut self) -> &Key {
        self.newest = Key::new(self.newest.generation + 1);
        &self.newest
    }

    pub(crate) fn login(&mut self, product: Product) {
        self.taken[product.index()] = self.newest.clone();
    }
}
