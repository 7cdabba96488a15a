//! [`LocalKey`]: what a program shows the gateway.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use ap_client::ap_core::{ApiKey, InvalidKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode;
use secrecy::zeroize::Zeroizing;
use subtle::ConstantTimeEq as _;

use crate::secret::Secret;

/// The shortest local key, in bytes. Other users of the machine can try keys as fast as the gateway answers.
pub const MIN_LOCAL_KEY_LEN: usize = 16;

/// How every key begins that [`LocalKey::generate`] makes, so that a person knows one in a configuration.
const PREFIX: &str = "ap-local-";

/// The random bytes of a key.
const RANDOM: usize = 16;

const SCHEME: &[u8] = b"basic ";

/// The key of the programs that may use a gateway. It is worth nothing anywhere else.
///
/// Like an [`ApiKey`], it is never shown, and wiped when the last clone is dropped.
///
/// ```
/// use ap_gateway::LocalKey;
///
/// let key = LocalKey::generate()?;
/// assert!(key.expose().starts_with("ap-local-"));
/// assert_eq!(format!("{key:?}"), "LocalKey(..)");
/// assert_eq!(
///     LocalKey::parse("short").unwrap_err().to_string(),
///     "the local key has fewer than 16 bytes; use a longer one",
/// );
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct LocalKey {
    key: ApiKey,
    secret: Arc<Secret>,
    /// The last `Authorization` that had this key. Most programs send the same one again.
    accepted: Arc<Mutex<Option<Zeroizing<Vec<u8>>>>>,
}

/// The text is not a local key. It is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLocalKey {
    /// It has fewer than [`MIN_LOCAL_KEY_LEN`] bytes.
    #[error("the local key has fewer than {MIN_LOCAL_KEY_LEN} bytes; use a longer one")]
    TooShort,
    /// It is not printable ASCII without spaces, or too long.
    #[error("the local key cannot be used: {0}")]
    Invalid(InvalidKey),
}

impl LocalKey {
    /// Makes a key of 128 random bits.
    ///
    /// # Errors
    ///
    /// If the system has no random bytes.
    pub fn generate() -> std::io::Result<Self> {
        let mut random = Zeroizing::new([0; RANDOM]);
        getrandom::fill(&mut *random).map_err(std::io::Error::other)?;
        let mut text = Zeroizing::new(PREFIX.to_owned());
        for byte in *random {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
            }
        }
        Self::parse(text.as_bytes()).map_err(std::io::Error::other)
    }

    /// Parses a key. Nothing is trimmed or repaired.
    ///
    /// # Errors
    ///
    /// [`InvalidLocalKey`] says what is wrong.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, InvalidLocalKey> {
        let key = ApiKey::parse(text).map_err(InvalidLocalKey::Invalid)?;
        if key.expose().len() < MIN_LOCAL_KEY_LEN {
            return Err(InvalidLocalKey::TooShort);
        }
        Ok(Self {
            secret: Arc::new(Secret::new(key.expose().as_bytes())),
            key: key.with_label("of the gateway"),
            accepted: Arc::default(),
        })
    }

    /// Returns the key's text, for the program that shall use the gateway.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.key.expose()
    }

    /// Returns `true` if it is this key of an account, which would make a local key worth as much.
    pub(crate) fn is_same(&self, other: &ApiKey) -> bool {
        self.key.is_same(other)
    }

    /// Returns `true` if this key is the password of an `Authorization` of scheme Basic, with any user name. The time
    /// that this takes does not depend on the bytes of the key.
    pub(crate) fn is_password_of(&self, authorization: &HeaderValue) -> bool {
        let authorization = authorization.as_bytes();
        let mut accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        let last = accepted.as_ref();
        if last.is_some_and(|accepted| is_equal(accepted, authorization)) {
            return true;
        }
        let is_password = self.is_decoded_password_of(authorization);
        if is_password {
            *accepted = Some(Zeroizing::new(authorization.to_vec()));
        }
        is_password
    }

    fn is_decoded_password_of(&self, authorization: &[u8]) -> bool {
        let Some((scheme, encoded)) = authorization.split_at_checked(SCHEME.len()) else {
            return false;
        };
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return false;
        }
        let Ok(pair) = STANDARD.decode(encoded.trim_ascii()) else {
            return false;
        };
        let pair = Zeroizing::new(pair);
        let colon = pair.iter().position(|byte| *byte == b':');
        let password = colon.and_then(|colon| pair.get(colon + 1..));
        password.is_some_and(|password| is_equal(password, self.expose().as_bytes()))
    }

    /// Returns `true` if a text contains this key, as it is or as base64 such as that of Basic.
    pub(crate) fn is_in(&self, text: &[u8]) -> bool {
        self.secret.is_in(text)
    }

    /// Returns `true` if the name of a header contains this key, in upper or lower case.
    pub(crate) fn is_in_name(&self, name: &HeaderName) -> bool {
        let key = self.expose().as_bytes();
        let mut parts = name.as_str().as_bytes().windows(key.len());
        parts.any(|part| part.eq_ignore_ascii_case(key))
    }

    /// Returns `true` if a body contains this key, also with the escapes of JSON.
    pub(crate) fn is_in_body(&self, body: &[u8]) -> bool {
        self.secret.is_in(body) || self.secret.is_in_json(body)
    }

    /// Returns `true` if a path and query contain this key, also percent-encoded.
    pub(crate) fn is_in_target(&self, target: &str) -> bool {
        let decoded = || percent_decode(target.as_bytes()).collect::<Vec<_>>();
        self.secret.is_in(target.as_bytes())
            || target.contains('%') && self.secret.is_in(&decoded())
    }
}

/// Compares two texts in a time that depends on their lengths alone, eight bytes at once.
fn is_equal(one: &[u8], other: &[u8]) -> bool {
    let ((words, rest), (other_words, other_rest)) = (one.as_chunks(), other.as_chunks());
    let words = words.iter().zip(other_words).map(|(word, other)| {
        let (word, other) = (u64::from_ne_bytes(*word), u64::from_ne_bytes(*other));
        word.ct_eq(&other)
    });
    // Fewer than eight bytes each.
    let rest_word = |rest: &[u8]| {
        rest.iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte))
    };
    let is_rest_equal = rest_word(rest).ct_eq(&rest_word(other_rest));
    let is_equal = words.fold(is_rest_equal, |all, one| all & one);
    one.len() == other.len() && is_equal.into()
}

impl fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_with_any_user_name_is_let_in() {
        let key = LocalKey::parse("placeholder-local").unwrap();
        let basic = |scheme: &str, pair: &str| format!("{scheme} {}", STANDARD.encode(pair));
        for (value, expected) in [
            (basic("Basic", "API:placeholder-local"), true),
            (basic("basic", ":placeholder-local"), true),
            (basic("BASIC", "X:placeholder-local"), true),
            (basic("Basic", "placeholder-local"), false),
            (basic("Basic", "placeholder-local:"), false),
            (basic("Basic", "API:placeholder-locaL"), false),
            (basic("Basic", "API:placeholder-local "), false),
            (basic("Basic", "API::placeholder-local"), false),
            (basic("Bearer", "API:placeholder-local"), false),
            ("Basic placeholder-local".to_owned(), false),
            ("Basic".to_owned(), false),
            ("Basic ".to_owned(), false),
            (String::new(), false),
        ] {
            let header = HeaderValue::try_from(value.as_str()).unwrap();
            // Also right after it accepted the same one.
            for _ in 0..2 {
                assert_eq!(key.is_password_of(&header), expected, "{value}");
            }
        }
    }

    #[test]
    fn texts_are_equal_if_all_their_bytes_are() {
        let text = *b"placeholder-of-27-bytes-(!)";
        for len in 0..=text.len() {
            let one = &text[..len];
            assert!(is_equal(one, one), "{len}");
            for at in 0..len {
                for bit in 0..u8::BITS {
                    let mut other = one.to_vec();
                    other[at] ^= 1 << bit;
                    assert!(!is_equal(one, &other), "{len} {at} {bit}");
                }
            }
            for other_len in (0..=text.len()).filter(|other| *other != len) {
                assert!(!is_equal(one, &text[..other_len]), "{len} {other_len}");
            }
            // Zeros at the end are not the same as nothing.
            assert!(!is_equal(&[0; 9][..len.min(8)], &[0; 9]));
        }
    }

    #[test]
    fn the_key_is_found_in_every_spelling_of_a_path() {
        let key = LocalKey::parse("placeholder-local").unwrap();
        assert!(key.is_in_target("/a?k=placeholder-local"));
        assert!(key.is_in_target("/a?k=pl%61ceholder%2Dlocal"));
        assert!(!key.is_in_target("/a?k=placeholder%20local"));
    }
}
