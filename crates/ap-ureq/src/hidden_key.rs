//! Keeps the key out of ureq, because ureq logs every byte of a request at the level `trace`. ureq gets
//! a placeholder of the same length.

use std::hash::{BuildHasher as _, RandomState};
use std::ops::Range;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use ap_client::transport::{TransportError, TransportErrorKind};
use http::HeaderValue;
use memchr::memchr_iter;

/// The byte that a placeholder begins with: rare in a head, so that the search is short.
const FIRST_BYTE: u8 = b'~';

/// How many bytes of a placeholder are its own. A longer one repeats them.
const MARK_LENGTH: usize = 11;

/// The shortest value that can be hidden: with fewer bytes, a placeholder could be guessed.
const SHORTEST: usize = 10;

/// A key, and the placeholder that ureq sends in its stead.
pub(crate) struct HiddenKey {
    value: HeaderValue,
    mark: [u8; MARK_LENGTH],
}

impl HiddenKey {
    /// Hides a header value behind a placeholder that nobody can guess and no other call has.
    ///
    /// # Errors
    ///
    /// [`Unsendable`](TransportErrorKind::Unsendable) for a value that is too short for that.
    pub(crate) fn new(value: &HeaderValue) -> Result<(Self, HeaderValue), TransportError> {
        if value.len() < SHORTEST {
            return Err(TransportError::new(TransportErrorKind::Unsendable)
                .with_source("the Authorization header is too short to be kept out of logs"));
        }
        let mark = new_mark();
        let mut text = vec![0; value.len()];
        for part in text.chunks_mut(MARK_LENGTH) {
            part.copy_from_slice(&mark[..part.len()]);
        }
        let mut placeholder = HeaderValue::try_from(text).map_err(|error| {
            TransportError::new(TransportErrorKind::Unsendable).with_source(error)
        })?;
        placeholder.set_sensitive(true);
        let value = value.clone();
        Ok((Self { value, mark }, placeholder))
    }

    /// Puts the key in the place of its placeholder, and returns where that is.
    pub(crate) fn put_into(&self, output: &mut [u8]) -> Option<Range<usize>> {
        let key = self.value.as_bytes();
        let mark = &self.mark[..key.len().min(MARK_LENGTH)];
        let start = memchr_iter(FIRST_BYTE, output).find(|&at| output[at..].starts_with(mark))?;
        let place = start..start + key.len();
        output.get_mut(place.clone())?.copy_from_slice(key);
        Some(place)
    }
}

/// Returns the bytes by which a placeholder is found.
fn new_mark() -> [u8; MARK_LENGTH] {
    static SECRET: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static CALLS: AtomicU64 = AtomicU64::new(0);
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let mut bits = SECRET.hash_one(call);
    let mut mark = [FIRST_BYTE; MARK_LENGTH];
    for digit in &mut mark[1..] {
        *digit = DIGITS[(bits & 63) as usize];
        bits >>= 6;
    }
    mark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_placeholders_of_the_same_key_differ_and_have_its_length() {
        let key = HeaderValue::from_static("Basic eDprZXktb2YtdGhlLXRlc3Q=");
        let placeholder = || HiddenKey::new(&key).unwrap().1;
        assert_ne!(placeholder(), placeholder());
        assert_eq!(placeholder().len(), key.len());
        assert!(placeholder().is_sensitive());
    }

    #[test]
    fn a_value_that_is_too_short_cannot_be_hidden() {
        for (value, is_hidden) in [("Basic eDp", false), ("Basic eDpr", true)] {
            let hidden = HiddenKey::new(&HeaderValue::from_static(value));
            assert_eq!(hidden.is_ok(), is_hidden, "{value}");
        }
    }
}
