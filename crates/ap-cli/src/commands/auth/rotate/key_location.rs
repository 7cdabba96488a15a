//! [`KeyLocation`]: where the keys are, and the changes of a rotation to the keys file.

use activeprospect::ApiKey;
use activeprospect::ap_core::MAX_KEYS;
use activeprospect::keys::Store;

use crate::failure::Failure;
use crate::keys::file;

/// Where a person resets the key.
pub(super) const RESET_PAGE: &str = "https://account.activeprospect.com/account";

/// Where the keys are.
pub(super) enum KeyLocation {
    File(Store),
    /// In variables or behind a command. The products are watched, and the keys stay where they are.
    ReadOnly,
}

/// Adds the newest key to the file, and returns all keys in it.
pub(super) fn add(store: &Store, new: ApiKey) -> Result<Vec<ApiKey>, Failure> {
    file::change(store, |locked| {
        let mut keys = locked.read()?.unwrap_or_default();
        match keys.iter().position(|key| key.is_same(&new)) {
            None if keys.len() == MAX_KEYS => {
                return Err(Failure::usage(
                    format!("{MAX_KEYS} keys are stored already"),
                    "let `ap auth rotate` finish first, or remove one from the keys file",
                ));
            }
            None => {
                keys.push(new);
                file::write(locked, &keys)?;
            }
            // Another process has added it meanwhile.
            Some(index) if index > 0 && index + 1 == keys.len() => {}
            Some(_) => {
                return Err(Failure::usage(
                    "this key is stored already, so it is not the new one",
                    format!("reset the key at {RESET_PAGE} first"),
                ));
            }
        }
        // With labels that name the lines.
        Ok(locked.read()?.unwrap_or_default())
    })
}

impl KeyLocation {
    /// Puts the keys into another order, and returns all keys.
    pub(super) fn reorder(&self, keys: &[ApiKey]) -> Result<Vec<ApiKey>, Failure> {
        let Self::File(store) = self else {
            return Ok(keys.to_vec());
        };
        let index_of = |one: &ApiKey| keys.iter().position(|key| key.is_same(one));
        file::change(store, |locked| {
            let stored = locked.read()?.unwrap_or_default();
            // A key that another process has stored meanwhile is newer than all of ours.
            let (mut ours, others): (Vec<_>, Vec<_>) =
                stored.into_iter().partition(|one| index_of(one).is_some());
            ours.sort_by_key(index_of);
            ours.extend(others);
            file::write(locked, &ours)?;
            Ok(locked.read()?.unwrap_or_default())
        })
    }

    /// Removes old keys from the file. Returns how many were removed.
    pub(super) fn remove_old(&self, newest: &ApiKey, old: &[&ApiKey]) -> Result<usize, Failure> {
        let Self::File(store) = self else {
            return Ok(0);
        };
        file::change(store, |locked| {
            let mut keys = locked.read()?.unwrap_or_default();
            let before = keys.len();
            // Another process may have logged out meanwhile, or stored another key.
            if keys.iter().any(|key| key.is_same(newest)) {
                keys.retain(|key| !old.iter().any(|old| old.is_same(key)));
            }
            if keys.len() < before {
                file::write(locked, &keys)?;
            }
            Ok(before - keys.len())
        })
    }
}
