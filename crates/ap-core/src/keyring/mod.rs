//! [`KeyRing`]: the keys of an account, and which of them each product prefers.

#[cfg(all(test, loom))]
mod loom_check;
mod preference;

use std::fmt;
use std::sync::{Arc, PoisonError};

#[cfg(all(test, loom))]
use loom::sync::{
    RwLock,
    atomic::{AtomicU32, Ordering},
};
#[cfg(not(all(test, loom)))]
use std::sync::{
    RwLock,
    atomic::{AtomicU32, Ordering},
};

use crate::basic::DEFAULT_USER;
use crate::credentials::{Credentials, InvalidUser};
use crate::key::ApiKey;
use crate::product::Product;

pub(crate) use preference::Preference;

/// The most keys in a ring: the present one, the next one, and one to spare.
pub const MAX_KEYS: usize = 3;

/// An account's keys, oldest first. Clones share them and are as cheap as a pointer.
///
/// The ring remembers, for each product, which key to try first. What it learns about one product does not
/// affect another, and answers that arrive late change nothing.
///
/// ```
/// use ap_core::{ApiKey, KeyRing};
///
/// let ring = KeyRing::new([ApiKey::parse("old-key")?, ApiKey::parse("new-key")?])?;
/// assert_eq!(ring.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct KeyRing {
    shared: Arc<RwLock<Arc<Keys>>>,
    user: Arc<str>,
}

impl KeyRing {
    /// Creates a ring of up to [`MAX_KEYS`] keys, oldest first. Equal keys count as one, and an empty ring
    /// is allowed, for calls that need no key.
    ///
    /// # Errors
    ///
    /// [`TooManyKeys`] if there are more than [`MAX_KEYS`] different keys.
    pub fn new(keys: impl IntoIterator<Item = ApiKey>) -> Result<Self, TooManyKeys> {
        Ok(Self::from_keys(Keys::new(
            keys.into_iter().map(Credentials::new),
            None,
        )?))
    }

    /// Creates a ring of one key.
    #[must_use]
    pub fn from_key(key: ApiKey) -> Self {
        Self::from_keys(Keys {
            credentials: Arc::new([Credentials::new(key)]),
            preferences: Keys::no_preferences(),
        })
    }

    /// Creates a ring without a key. Add keys later with [`replace`](Self::replace).
    #[must_use]
    pub fn empty() -> Self {
        Self::from_keys(Keys {
            credentials: Arc::new([]),
            preferences: Keys::no_preferences(),
        })
    }

    fn from_keys(keys: Keys) -> Self {
        Self {
            shared: Arc::new(RwLock::new(Arc::new(keys))),
            user: DEFAULT_USER.into(),
        }
    }

    /// Returns a new ring with the same keys under another user name, which later keys get too. It is not
    /// shared with clones of this one.
    ///
    /// # Errors
    ///
    /// [`InvalidUser`] if the name cannot be sent.
    ///
    /// ```
    /// use ap_core::{ApiKey, KeyRing};
    ///
    /// let ring = KeyRing::from_key(ApiKey::parse("1234567890")?);
    /// assert!(ring.clone().with_user("lead importer").is_ok());
    /// assert!(ring.with_user("a:b").is_err(), "a colon would end the name");
    /// # Ok::<(), ap_core::InvalidKey>(())
    /// ```
    pub fn with_user(self, user: &str) -> Result<Self, InvalidUser> {
        let before = self.snapshot();
        let credentials: Result<Arc<[_]>, _> = before
            .credentials
            .iter()
            .map(|one| Credentials::with_user(user, one.key().clone()))
            .collect();
        Credentials::check_user(user)?;
        let keys = Keys {
            credentials: credentials?,
            preferences: before.copy_preferences(),
        };
        Ok(Self {
            shared: Arc::new(RwLock::new(Arc::new(keys))),
            user: user.into(),
        })
    }

    /// Replaces the keys, for every clone, while calls may be in flight.
    ///
    /// An attempt in flight is not disturbed, but what its answer would teach is dropped; a call that
    /// continues uses the new keys. A product's preferred key stays preferred if it is still in the list.
    /// Replacing keys by the same ones changes nothing.
    ///
    /// # Errors
    ///
    /// [`TooManyKeys`] if there are more than [`MAX_KEYS`] different keys. The ring is then unchanged.
    ///
    /// ```
    /// use ap_core::{ApiKey, KeyRing};
    ///
    /// let old = ApiKey::parse("1234567890")?;
    /// let ring = KeyRing::from_key(old.clone());
    /// let clients = ring.clone(); // shared with the clients
    ///
    /// // The key was reset. Both are needed until someone has logged in to every product.
    /// ring.replace([old, ApiKey::parse("0987654321")?])?;
    /// assert_eq!(clients.len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn replace(&self, keys: impl IntoIterator<Item = ApiKey>) -> Result<(), TooManyKeys> {
        // The user name was checked before, so no key is left out here.
        let credentials: Vec<_> = keys
            .into_iter()
            .filter_map(|key| Credentials::with_user(&self.user, key).ok())
            .collect();
        let mut shared = self.shared.write().unwrap_or_else(PoisonError::into_inner);
        let keys = Keys::new(credentials, Some(&shared))?;
        if !keys.is_same(&shared) {
            *shared = Arc::new(keys);
        }
        Ok(())
    }

    /// Returns the number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.snapshot().credentials.len()
    }

    /// Returns `true` if there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the key that a call to this product would try first now.
    #[must_use]
    pub fn preferred(&self, product: Product) -> Option<ApiKey> {
        let keys = self.snapshot();
        let preferred = keys.preference(product).index();
        keys.credentials
            .get(preferred)
            .map(|credentials| credentials.key().clone())
    }

    /// Returns the keys with their user name, oldest first, for code that must not let any of them through. Nothing is
    /// copied, and a later [`replace`](Self::replace) does not change the list.
    ///
    /// ```
    /// use ap_core::{ApiKey, KeyRing};
    ///
    /// let ring = KeyRing::from_key(ApiKey::parse("example-key")?);
    /// let answer = "your key is example-key";
    /// assert!(ring.credentials().iter().any(|one| answer.contains(one.key().expose())));
    /// # Ok::<(), ap_core::InvalidKey>(())
    /// ```
    #[must_use]
    pub fn credentials(&self) -> Arc<[Credentials]> {
        Arc::clone(&self.snapshot().credentials)
    }

    /// Returns the present list. The lock is held while one pointer is copied.
    pub(crate) fn snapshot(&self) -> Arc<Keys> {
        Arc::clone(&self.shared.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
impl KeyRing {
    /// Sets what the ring remembers of a product.
    pub(crate) fn set_preference(&self, product: Product, preference: Preference) {
        self.snapshot().preferences[product.index()].store(preference.0, Ordering::Release);
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.snapshot();
        f.debug_list()
            .entries(keys.credentials.iter().map(Credentials::key))
            .finish()
    }
}

/// There are more than [`MAX_KEYS`] different keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are more than {MAX_KEYS} different keys; leave out the oldest")]
pub struct TooManyKeys;

/// One list of keys with a preference for each product. A new list has new preferences, so an answer that
/// arrives after the list was replaced updates some that nobody reads.
#[derive(Debug)]
pub(crate) struct Keys {
    credentials: Arc<[Credentials]>,
    preferences: [AtomicU32; Product::ALL.len()],
}

impl Keys {
    fn new(
        credentials: impl IntoIterator<Item = Credentials>,
        before: Option<&Self>,
    ) -> Result<Self, TooManyKeys> {
        let mut kept: Vec<Credentials> = Vec::with_capacity(MAX_KEYS);
        for one in credentials {
            if kept.iter().all(|other| !other.key().is_same(one.key())) {
                if kept.len() == MAX_KEYS {
                    return Err(TooManyKeys);
                }
                kept.push(one);
            }
        }
        let preferences = Product::ALL.map(|product| {
            let first = before.and_then(|before| {
                let key = before
                    .credentials
                    .get(before.preference(product).index())?
                    .key();
                kept.iter().position(|one| one.key().is_same(key))
            });
            AtomicU32::new(Preference::new(0, first.unwrap_or(0)).0)
        });
        Ok(Self {
            credentials: kept.into(),
            preferences,
        })
    }

    /// Returns `true` if the keys are the same, in the same order and with the same labels.
    fn is_same(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.credentials, &other.credentials);
        ours.len() == theirs.len()
            && ours.iter().zip(theirs.iter()).all(|(one, other)| {
                let (one, other) = (one.key(), other.key());
                one.is_same(other) && one.label() == other.label()
            })
    }

    fn no_preferences() -> [AtomicU32; Product::ALL.len()] {
        Product::ALL.map(|_| AtomicU32::new(0))
    }

    fn copy_preferences(&self) -> [AtomicU32; Product::ALL.len()] {
        Product::ALL.map(|product| AtomicU32::new(self.preference(product).0))
    }

    pub(crate) fn credentials(&self) -> &[Credentials] {
        &self.credentials
    }

    /// Returns the product's preference as it is now.
    pub(crate) fn preference(&self, product: Product) -> Preference {
        Preference(self.preferences[product.index()].load(Ordering::Acquire))
    }

    /// Records that the product accepted a key: it is preferred from now on, unless the preference has
    /// changed since `seen` was read.
    pub(crate) fn accepted(&self, product: Product, seen: Preference, key: usize) {
        self.update(product, seen, seen.accepted(key));
    }

    /// Records that the preferred key was rejected in a call that cannot be sent again: the next key is
    /// preferred from now on. Otherwise a program that makes only such calls would never leave a bad key.
    pub(crate) fn rejected_without_resend(
        &self,
        product: Product,
        seen: Preference,
        rejected: usize,
    ) {
        self.update(
            product,
            seen,
            seen.rejected_without_resend(rejected, self.credentials.len()),
        );
    }

    fn update(&self, product: Product, seen: Preference, next: Option<Preference>) {
        if let Some(next) = next {
            // If another call was faster, its preference stands.
            let _ = self.preferences[product.index()].compare_exchange(
                seen.0,
                next.0,
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(keys: &[&str]) -> KeyRing {
        KeyRing::new(
            keys.iter()
                .map(|key| ApiKey::parse(key).unwrap().with_label(&key[..1])),
        )
        .unwrap()
    }

    fn preferred(ring: &KeyRing, product: Product) -> String {
        ring.preferred(product).unwrap().expose().to_owned()
    }

    #[test]
    fn an_acceptance_changes_the_preference_and_a_late_one_does_not() {
        let ring = ring(&["a-key", "b-key"]);
        let keys = ring.snapshot();
        let early = keys.preference(Product::TrustedForm);
        keys.accepted(Product::TrustedForm, early, 1);
        assert_eq!(preferred(&ring, Product::TrustedForm), "b-key");
        assert_eq!(
            preferred(&ring, Product::LeadConduit),
            "a-key",
            "other products keep their preference"
        );
        keys.accepted(Product::TrustedForm, early, 0);
        assert_eq!(
            preferred(&ring, Product::TrustedForm),
            "b-key",
            "a late acceptance changes nothing"
        );
    }

    #[test]
    fn a_new_list_keeps_the_preference_and_drops_late_answers() {
        let ring = ring(&["a-key", "b-key"]);
        let old = ring.snapshot();
        old.accepted(
            Product::LeadConduit,
            old.preference(Product::LeadConduit),
            1,
        );
        let keys = |texts: &[&str]| {
            texts
                .iter()
                .map(|t| ApiKey::parse(t).unwrap())
                .collect::<Vec<_>>()
        };
        ring.replace(keys(&["b-key", "c-key"])).unwrap();
        assert_eq!(preferred(&ring, Product::LeadConduit), "b-key");
        old.accepted(
            Product::LeadConduit,
            old.preference(Product::LeadConduit),
            0,
        );
        assert_eq!(preferred(&ring, Product::LeadConduit), "b-key");
        ring.replace(keys(&["c-key"])).unwrap();
        assert_eq!(preferred(&ring, Product::LeadConduit), "c-key");
        assert_eq!(ring.replace(keys(&["1", "2", "3", "4"])), Err(TooManyKeys));
        assert_eq!(ring.len(), 1, "a refused list changes nothing");
        assert_eq!(
            KeyRing::new(keys(&["1", "2", "1", "2", "3"]))
                .unwrap()
                .len(),
            3
        );
    }

    #[test]
    fn debug_shows_only_labels() {
        assert_eq!(
            format!("{:?}", ring(&["a-key", "b-key"])),
            r#"[ApiKey("a"), ApiKey("b")]"#
        );
    }
}
