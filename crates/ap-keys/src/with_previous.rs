//! [`WithPrevious`]: a store that holds one key only.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ap_core::{ApiKey, KeySource, MAX_KEYS, SourceError};

/// Keeps the keys that a source said before in front of those that it says now, three at most: for a
/// password manager or a secret store that has room for one key. After a reset some products still want
/// the key that was there before.
///
/// It remembers what it was asked for, so build the client without a key: then its first one comes from
/// here too. It forgets with the process: one that starts between a reset and the last login knows the new
/// key alone, and the products that still want the old one refuse its calls. A [`File`](crate::File) with both
/// has no such gap.
///
/// ```
/// use ap_keys::{Command, WithPrevious};
///
/// let source = WithPrevious::new(Command::new("pass").args(["show", "activeprospect/key"]));
/// ```
pub struct WithPrevious<S> {
    source: S,
    known: Mutex<Vec<ApiKey>>,
}

impl<S: KeySource> WithPrevious<S> {
    /// Around a source.
    #[must_use]
    pub const fn new(source: S) -> Self {
        Self {
            source,
            known: Mutex::new(Vec::new()),
        }
    }
}

impl<S: KeySource> KeySource for WithPrevious<S> {
    fn keys(&self, left: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        let now = self.source.keys(left)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|key| now.iter().all(|other| other.expose() != key.expose()));
        known.extend(now);
        let newest = known.len().saturating_sub(MAX_KEYS);
        known.drain(..newest);
        Ok(known.clone())
    }
}

impl<S: fmt::Debug> fmt::Debug for WithPrevious<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithPrevious")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says what it is told to say, once each.
    #[derive(Debug)]
    struct Said(Mutex<Vec<Option<&'static str>>>);

    impl KeySource for Said {
        fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
            let next = self.0.lock().unwrap().remove(0);
            let letters = next.ok_or_else(|| SourceError::new("the store is locked"))?;
            let key = |letter| ApiKey::parse(format!("placeholder-key-{letter}")).unwrap();
            Ok(letters.chars().map(key).collect())
        }
    }

    #[test]
    fn the_keys_of_before_stay_in_front() {
        let script = [
            (Some("a"), Some("a")),
            (Some("a"), Some("a")),
            (Some("b"), Some("ab")),
            (None, None),
            (Some(""), Some("ab")),
            (Some("b"), Some("ab")),
            (Some("cd"), Some("bcd")),
            (Some("b"), Some("cdb")),
            (Some("efg"), Some("efg")),
        ];
        let source = WithPrevious::new(Said(Mutex::new(script.map(|(says, _)| says).to_vec())));
        for (says, expected) in script {
            let letters = source.keys(None).ok().map(|keys| {
                keys.iter()
                    .map(|key| key.expose().chars().last().unwrap())
                    .collect::<String>()
            });
            assert_eq!(letters.as_deref(), expected, "{says:?}");
        }
        assert!(!format!("{source:?}").contains("placeholder"));
    }
}
