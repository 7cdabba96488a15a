//! [`KeyRing`]: the keys of an account, and which of them each product is tried with first.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::credentials::{Credentials, DEFAULT_USER, InvalidUser};
use crate::key::ApiKey;
use crate::product::Product;

/// The most keys a ring holds: the one in use, the one to come, and one more.
pub const MAX_KEYS: usize = 3;

/// An account's keys, oldest first, shared by every clone: a handle is as cheap as a pointer.
///
/// For each product the ring knows one thing, which key to try first. What it learns about one product
/// never touches another, and answers that come late change nothing.
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
    /// A ring of up to [`MAX_KEYS`] keys, oldest first. Equal keys count as one; none at all is
    /// allowed, for calls that need no key.
    ///
    /// # Errors
    ///
    /// [`TooManyKeys`].
    pub fn new(keys: impl IntoIterator<Item = ApiKey>) -> Result<Self, TooManyKeys> {
        Ok(Self::of(Keys::new(
            keys.into_iter().map(Credentials::new),
            None,
        )?))
    }

    /// A ring of one key.
    #[must_use]
    pub fn of_one(key: ApiKey) -> Self {
        Self::of(Keys {
            credentials: vec![Credentials::new(key)],
            words: Keys::new_words(),
        })
    }

    /// A ring without a key, which may get some later.
    #[must_use]
    pub fn empty() -> Self {
        Self::of(Keys {
            credentials: Vec::new(),
            words: Keys::new_words(),
        })
    }

    fn of(keys: Keys) -> Self {
        Self {
            shared: Arc::new(RwLock::new(Arc::new(keys))),
            user: DEFAULT_USER.into(),
        }
    }

    /// The same keys under another user name, which keys that come later get too. It is a ring of its
    /// own, no longer shared with the clones of the old one.
    ///
    /// # Errors
    ///
    /// [`InvalidUser`].
    ///
    /// ```
    /// use ap_core::{ApiKey, KeyRing};
    ///
    /// let ring = KeyRing::of_one(ApiKey::parse("1234567890")?);
    /// assert!(ring.clone().with_user("lead importer").is_ok());
    /// assert!(ring.with_user("a:b").is_err(), "a colon would end the name");
    /// # Ok::<(), ap_core::InvalidKey>(())
    /// ```
    pub fn with_user(self, user: &str) -> Result<Self, InvalidUser> {
        let before = self.snapshot();
        let credentials: Result<Vec<_>, _> = before
            .credentials
            .iter()
            .map(|one| Credentials::with_user(user, one.key().clone()))
            .collect();
        Credentials::check_user(user)?;
        let keys = Keys {
            credentials: credentials?,
            words: before.copy_words(),
        };
        Ok(Self {
            shared: Arc::new(RwLock::new(Arc::new(keys))),
            user: user.into(),
        })
    }

    /// Puts other keys in the place of the present ones, for every clone, while calls may be under
    /// way: an attempt that is out ends as it may, what it teaches is forgotten, and a call that goes
    /// on goes on with the new keys. A key that stays keeps its place as the first to try, and the same
    /// keys again change nothing.
    ///
    /// # Errors
    ///
    /// [`TooManyKeys`]; the ring is then unchanged.
    ///
    /// ```
    /// use ap_core::{ApiKey, KeyRing};
    ///
    /// let old = ApiKey::parse("1234567890")?;
    /// let ring = KeyRing::of_one(old.clone());
    /// let clients = ring.clone(); // what clients hold
    ///
    /// // The key was reset: both are needed until somebody has logged in to every product.
    /// ring.replace([old, ApiKey::parse("0987654321")?])?;
    /// assert_eq!(clients.len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn replace(&self, keys: impl IntoIterator<Item = ApiKey>) -> Result<(), TooManyKeys> {
        // The name was checked when the ring got it, so nothing is left out here.
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

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.snapshot().credentials.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The key that a call to this product would begin with now.
    #[must_use]
    pub fn first(&self, product: Product) -> Option<ApiKey> {
        let keys = self.snapshot();
        let first = keys.ticket(product).first();
        keys.credentials
            .get(first)
            .map(|credentials| credentials.key().clone())
    }

    /// The present list. The lock is held for the copying of one pointer.
    pub(crate) fn snapshot(&self) -> Arc<Keys> {
        Arc::clone(&self.shared.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
impl KeyRing {
    /// Puts what is known of a product where a test wants it.
    pub(crate) fn set_word(&self, product: Product, word: Word) {
        self.snapshot().words[product.index()].store(word.0, Ordering::Release);
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

/// More keys than [`MAX_KEYS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are more than {MAX_KEYS} different keys: leave out the oldest")]
pub struct TooManyKeys;

/// One list of keys with a word for each product. A new list brings new words, so an answer that
/// comes after the list was replaced falls on words that nobody reads any more.
#[derive(Debug)]
pub(crate) struct Keys {
    credentials: Vec<Credentials>,
    words: [AtomicU32; Product::ALL.len()],
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
        let words = Product::ALL.map(|product| {
            let first = before.and_then(|before| {
                let key = before
                    .credentials
                    .get(before.ticket(product).first())?
                    .key();
                kept.iter().position(|one| one.key().is_same(key))
            });
            AtomicU32::new(Word::new(0, first.unwrap_or(0)).0)
        });
        Ok(Self {
            credentials: kept,
            words,
        })
    }

    /// Whether the keys are the same, in the same order and under the same labels.
    fn is_same(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.credentials, &other.credentials);
        ours.len() == theirs.len()
            && ours.iter().zip(theirs).all(|(one, other)| {
                let (one, other) = (one.key(), other.key());
                one.is_same(other) && one.label() == other.label()
            })
    }

    fn new_words() -> [AtomicU32; Product::ALL.len()] {
        Product::ALL.map(|_| AtomicU32::new(0))
    }

    fn copy_words(&self) -> [AtomicU32; Product::ALL.len()] {
        Product::ALL.map(|product| AtomicU32::new(self.ticket(product).0))
    }

    pub(crate) fn credentials(&self) -> &[Credentials] {
        &self.credentials
    }

    /// The product's word as it is now: a call's ticket.
    pub(crate) fn ticket(&self, product: Product) -> Word {
        Word(self.words[product.index()].load(Ordering::Acquire))
    }

    /// The product took a key: it is first from now on, unless the word has changed since the ticket
    /// was read.
    pub(crate) fn accepted(&self, product: Product, ticket: Word, key: usize) {
        self.update(product, ticket, ticket.accepted(key));
    }

    /// The first key was refused to a call that could not go on: the next one is first from now on.
    /// Else a service of such calls would never leave a dead key.
    pub(crate) fn not_replayable(&self, product: Product, ticket: Word, refused: usize) {
        self.update(
            product,
            ticket,
            ticket.not_replayable(refused, self.credentials.len()),
        );
    }

    fn update(&self, product: Product, ticket: Word, next: Option<Word>) {
        if let Some(next) = next {
            // That another call was faster is no failure: then its word stands.
            let _ = self.words[product.index()].compare_exchange(
                ticket.0,
                next.0,
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
        }
    }
}

/// What the ring knows of one product: how often `first` has moved, and which key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Word(u32);

impl Word {
    const KEY_BITS: u32 = 2;

    pub(crate) const fn new(generation: u32, first: usize) -> Self {
        Self(generation << Self::KEY_BITS | first as u32 & 0b11)
    }

    pub(crate) const fn first(self) -> usize {
        (self.0 & 0b11) as usize
    }

    const fn generation(self) -> u32 {
        self.0 >> Self::KEY_BITS
    }

    /// The next key that a call has not tried (`tried` has a bit for each), from `first` on, wrapping
    /// round.
    pub(crate) fn untried(self, tried: u8, keys: usize) -> Option<usize> {
        let first = self.first().min(keys);
        (first..keys)
            .chain(0..first)
            .find(|key| tried & 1 << key == 0)
    }

    fn accepted(self, key: usize) -> Option<Self> {
        (key != self.first()).then(|| Self::new(self.generation().wrapping_add(1), key))
    }

    fn not_replayable(self, refused: usize, keys: usize) -> Option<Self> {
        let next = self.untried(1 << refused, keys)?;
        (refused == self.first()).then(|| Self::new(self.generation().wrapping_add(1), next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(keys: &[&str]) -> KeyRing {
        KeyRing::new(
            keys.iter()
                .map(|key| ApiKey::parse(key).unwrap().labelled(&key[..1])),
        )
        .unwrap()
    }

    fn first(ring: &KeyRing, product: Product) -> String {
        ring.first(product).unwrap().expose().to_owned()
    }

    #[test]
    fn the_next_key_is_the_next_untried_one_round_the_ring() {
        let cases: [(usize, u8, usize, Option<usize>); 7] = [
            (0, 0b000, 1, Some(0)),
            (0, 0b001, 1, None),
            (0, 0b001, 2, Some(1)),
            (1, 0b010, 3, Some(2)),
            (1, 0b110, 3, Some(0)),
            (2, 0b111, 3, None),
            (0, 0b000, 0, None),
        ];
        for (first, tried, keys, next) in cases {
            assert_eq!(
                Word::new(7, first).untried(tried, keys),
                next,
                "{first} {tried:b} {keys}"
            );
        }
    }

    #[test]
    fn an_acceptance_moves_first_and_a_late_one_does_not() {
        let ring = ring(&["a-key", "b-key"]);
        let keys = ring.snapshot();
        let early = keys.ticket(Product::TrustedForm);
        keys.accepted(Product::TrustedForm, early, 1);
        assert_eq!(first(&ring, Product::TrustedForm), "b-key");
        assert_eq!(
            first(&ring, Product::LeadConduit),
            "a-key",
            "other products are not touched"
        );
        keys.accepted(Product::TrustedForm, early, 0);
        assert_eq!(
            first(&ring, Product::TrustedForm),
            "b-key",
            "a straggler changes nothing"
        );
    }

    #[test]
    fn a_new_list_keeps_first_and_forgets_late_answers() {
        let ring = ring(&["a-key", "b-key"]);
        let old = ring.snapshot();
        old.accepted(Product::LeadConduit, old.ticket(Product::LeadConduit), 1);
        let keys = |texts: &[&str]| {
            texts
                .iter()
                .map(|t| ApiKey::parse(t).unwrap())
                .collect::<Vec<_>>()
        };
        ring.replace(keys(&["b-key", "c-key"])).unwrap();
        assert_eq!(first(&ring, Product::LeadConduit), "b-key");
        old.accepted(Product::LeadConduit, old.ticket(Product::LeadConduit), 0);
        assert_eq!(first(&ring, Product::LeadConduit), "b-key");
        ring.replace(keys(&["c-key"])).unwrap();
        assert_eq!(first(&ring, Product::LeadConduit), "c-key");
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
    fn debug_shows_labels_alone() {
        assert_eq!(
            format!("{:?}", ring(&["a-key", "b-key"])),
            r#"[ApiKey("a"), ApiKey("b")]"#
        );
    }
}
