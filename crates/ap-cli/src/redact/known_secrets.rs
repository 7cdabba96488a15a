//! [`KnownSecrets`]: the account's keys of a run, to which those are added that it finds later.

use std::sync::{Arc, PoisonError, RwLock};

use activeprospect::ApiKey;

use super::Secrets;
use crate::failure::Failure;

/// How many keys are remembered. A run that finds more of them forgets the oldest.
const MAX_KEYS: usize = 64;

/// What may not be printed. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct KnownSecrets(Arc<RwLock<Known>>);

#[derive(Default)]
struct Known {
    /// The keys in use come last.
    keys: Vec<ApiKey>,
    secrets: Arc<Secrets>,
}

impl KnownSecrets {
    /// Adds the keys that are used from now on. Those before stay: a server may still repeat them.
    pub(crate) fn add(&self, keys: &[ApiKey]) -> Result<(), Failure> {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let has = |list: &[ApiKey], key: &ApiKey| list.iter().any(|other| other.is_same(key));
        if keys.iter().all(|key| has(&known.keys, key)) {
            return Ok(());
        }
        let before = known.keys.iter().filter(|key| !has(keys, key));
        let all: Vec<_> = before.chain(keys).cloned().collect();
        let newest = &all[all.len().saturating_sub(MAX_KEYS)..];
        known.secrets = Arc::new(Secrets::new(newest)?);
        known.keys = newest.to_vec();
        Ok(())
    }

    /// Returns what is known now. Call it for each text: a key may have been added since the last one.
    pub(crate) fn now(&self) -> Arc<Secrets> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&known.secrets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> ApiKey {
        ApiKey::parse(format!("placeholder-key-{number:04}")).unwrap()
    }

    #[test]
    fn keys_that_are_found_later_are_hidden_too_and_the_oldest_are_forgotten() {
        let known = KnownSecrets::default();
        let of_reader = known.clone();
        let is_hidden = |number: usize| of_reader.now().has_key(key(number).expose().as_bytes());
        known.add(&[key(0)]).unwrap();
        known.add(&[key(0), key(1)]).unwrap();
        known.add(&[key(1)]).unwrap();
        assert!(is_hidden(0) && is_hidden(1) && !is_hidden(2));
        for number in 2..=MAX_KEYS {
            known.add(&[key(1), key(number)]).unwrap();
        }
        assert!((1..=MAX_KEYS).all(is_hidden));
        assert!(!is_hidden(0));
    }
}
