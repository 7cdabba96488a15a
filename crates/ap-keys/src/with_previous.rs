//! [`WithPrevious`]: a place that stores only one key, and the keys that it stored before.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ap_client::{KeySource, KeySourceError};
use ap_core::{ApiKey, MAX_KEYS};

use crate::key_list;

/// A key source that returns the previous keys of another before its present ones, three at most.
///
/// Use it for a password manager or a secret store that stores only one key: after a reset, some products
/// accept only the previous key for a while.
///
/// It remembers the keys that it has returned, so build the client without a key: then the first key comes
/// from here too. It forgets them when the process ends. A process that starts between a reset and the last
/// login knows only the new key, and products that still need the old one reject its calls. A
/// [`File`](crate::File) with both keys has no such gap.
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
    /// Wraps a source.
    #[must_use]
    pub const fn new(source: S) -> Self {
        Self {
            source,
            known: Mutex::new(Vec::new()),
        }
    }
}

impl<S: KeySource> KeySource for WithPrevious<S> {
    fn keys(&self, remaining: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        let present = key_list::without_duplicates(self.source.keys(remaining)?);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|key| !key_list::contains(&present, key));
        known.extend(present);
        let excess = known.len().saturating_sub(MAX_KEYS);
        known.drain(..excess);
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

    /// Returns one scripted answer per call: keys named by letters, or an error.
    #[derive(Debug)]
    struct Scripted(Mutex<Vec<Option<&'static str>>>);

    impl KeySource for Scripted {
        fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
            let answer = self.0.lock().unwrap().remove(0);
            let letters = answer.ok_or_else(|| KeySourceError::new("the store is locked"))?;
            let key = |letter| ApiKey::parse(format!("placeholder-key-{letter}")).unwrap();
            Ok(letters.chars().map(key).collect())
        }
    }

    /// Each row: what the source answers, and what comes out.
    fn check(rows: &[(Option<&'static str>, Option<&str>)]) {
        let answers = rows.iter().map(|(answer, _)| *answer).collect();
        let source = WithPrevious::new(Scripted(Mutex::new(answers)));
        for (answer, expected) in rows {
            let letters = source.keys(None).ok().map(|keys| {
                keys.iter()
                    .map(|key| key.expose().chars().last().unwrap())
                    .collect::<String>()
            });
            assert_eq!(letters.as_deref(), *expected, "{answer:?}");
        }
        assert!(!format!("{source:?}").contains("placeholder"));
    }

    #[test]
    fn previous_keys_come_first_and_the_newest_three_are_kept() {
        check(&[
            (Some("a"), Some("a")),
            (Some("a"), Some("a")),
            (Some("b"), Some("ab")),
            (None, None),
            (Some(""), Some("ab")),
            (Some("b"), Some("ab")),
            (Some("cd"), Some("bcd")),
            (Some("b"), Some("cdb")),
            (Some("efg"), Some("efg")),
        ]);
    }

    #[test]
    fn equal_keys_count_once_before_the_newest_three_are_kept() {
        check(&[(Some("a"), Some("a")), (Some("bccc"), Some("abc"))]);
        check(&[(Some("abbb"), Some("ab"))]);
        check(&[(Some("abcabcd"), Some("bcd"))]);
        check(&[(Some("ab"), Some("ab")), (Some("caaa"), Some("bca"))]);
    }
}
