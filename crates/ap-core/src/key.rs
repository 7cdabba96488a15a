//! [`ApiKey`]: an account's API key, parsed strictly and never shown.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use crate::basic::encoded_pair;
pub use crate::basic::{DEFAULT_USER, basic};
use crate::redact;

/// The longest key that is accepted, in bytes. The vendor's examples have 10 to 40.
pub const MAX_KEY_LEN: usize = 512;

/// An account's API key: the password of every call.
///
/// A key has 1 to [`MAX_KEY_LEN`] bytes of printable ASCII without spaces. Nothing else is checked, because
/// the vendor documents neither length nor alphabet. One key serves every product of the account.
///
/// There is no `Display`, `Serialize`, `Deref` or `PartialEq`, and `Debug` shows only the label. Clones
/// share one buffer, which is wiped when the last of them is dropped. An HTTP library may keep copies of
/// what it sends; those are not wiped.
///
/// Source: <https://developers.activeprospect.com/docs/authentication>; RFC 7617 section 2.
///
/// ```
/// use ap_core::ApiKey;
///
/// let key = ApiKey::parse("example-key")?.with_label("from the vault");
/// assert_eq!(format!("{key:?}"), r#"ApiKey("from the vault")"#);
///
/// let pasted = ApiKey::parse("\"example-key\"").unwrap_err();
/// assert_eq!(pasted.to_string(), "the key is wrapped in quotes; remove them");
/// # Ok::<(), ap_core::InvalidKey>(())
/// ```
///
/// These do not compile:
///
/// ```compile_fail
/// # let key = ap_core::ApiKey::parse("example-key").unwrap();
/// println!("{key}");
/// ```
/// ```compile_fail
/// # let key = ap_core::ApiKey::parse("example-key").unwrap();
/// assert!(key == key);
/// ```
/// ```compile_fail
/// # let key = ap_core::ApiKey::parse("example-key").unwrap();
/// let text: &str = &*key;
/// ```
/// ```compile_fail
/// # let key = ap_core::ApiKey::parse("example-key").unwrap();
/// serde_json::to_string(&key);
/// ```
#[derive(Clone)]
pub struct ApiKey {
    secret: Arc<SecretString>,
    label: Option<Arc<str>>,
}

impl ApiKey {
    /// Parses a key from text or bytes, exactly as given. Nothing is trimmed.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] says what is wrong and where. It never repeats the text.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, InvalidKey> {
        let text = check(text.as_ref())?;
        Ok(Self {
            secret: Arc::new(SecretString::from(text)),
            label: None,
        })
    }

    /// Gives this key a name for people, shown in `Debug`, errors and traces.
    ///
    /// At most 64 characters are kept and control characters are dropped. A label that repeats the key or a
    /// part of it is ignored.
    #[must_use]
    pub fn with_label(mut self, label: &str) -> Self {
        let kept: String = label.chars().filter(|c| !c.is_control()).take(64).collect();
        let pair = basic(DEFAULT_USER.as_bytes(), self.expose().as_bytes());
        let repeats = redact::repeats_key(&kept, self.expose(), encoded_pair(&pair));
        self.label = (!repeats).then(|| kept.into());
        self
    }

    /// Returns the label given by [`with_label`](Self::with_label).
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// Returns `true` if both are the same key, whatever their labels.
    ///
    /// ```
    /// use ap_core::ApiKey;
    ///
    /// let key = ApiKey::parse("example-key")?;
    /// assert!(key.is_same(&ApiKey::parse("example-key")?.with_label("from the vault")));
    /// assert!(!key.is_same(&ApiKey::parse("another-key")?));
    /// # Ok::<(), ap_core::InvalidKey>(())
    /// ```
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.secret, &other.secret) || self.expose() == other.expose()
    }

    /// Returns the key's text, for code that stores it or sends it in another way.
    ///
    /// You are responsible for where the text goes. To compare keys, use [`is_same`](Self::is_same).
    #[must_use]
    pub fn expose(&self) -> &str {
        self.secret.expose_secret()
    }

    /// Returns a handle that tells if the key is still in memory.
    #[cfg(test)]
    pub(crate) fn watch(&self) -> std::sync::Weak<SecretString> {
        Arc::downgrade(&self.secret)
    }

    pub(crate) fn shared_label(&self) -> Option<Arc<str>> {
        self.label.clone()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.label() {
            Some(label) => write!(f, "ApiKey({label:?})"),
            None => f.write_str("ApiKey(..)"),
        }
    }
}

/// Why a text is not accepted as a key.
///
/// Positions are byte offsets from 0. The text is never repeated; only a character outside ASCII, which no
/// key can contain, is named.
///
/// ```
/// use ap_core::{ApiKey, InvalidKey};
///
/// let error = ApiKey::parse("placeholder key").unwrap_err();
/// assert_eq!(error, InvalidKey::Space { at: 11 });
/// assert_eq!(error.to_string(), "the key contains a space at byte 11; remove it");
///
/// let error = ApiKey::parse("Authorization: Basic WDpwbGFjZWhvbGRlcg==").unwrap_err();
/// assert_eq!(error.to_string(), "this is a header line; enter only the key");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKey {
    /// The text is empty.
    #[error("the key is empty")]
    Empty,
    /// More than [`MAX_KEY_LEN`] bytes.
    #[error("the key has {len} bytes; at most {MAX_KEY_LEN} are allowed")]
    TooLong {
        /// The length that was given, in bytes.
        len: usize,
    },
    /// A line break, at the end or inside: a key is one line.
    #[error("the key contains a line break at byte {at}; remove it")]
    LineBreak {
        /// Where the line break is.
        at: usize,
    },
    /// A space, at an end or inside.
    #[error("the key contains a space at byte {at}; remove it")]
    Space {
        /// Where the space is.
        at: usize,
    },
    /// A control character, a tab included (RFC 7617 section 2 forbids them).
    #[error("the key contains a control character at byte {at}; copy the key again")]
    Control {
        /// Where the character is.
        at: usize,
    },
    /// A character outside ASCII: an invisible one, a look-alike or a byte-order mark.
    #[error("the key contains the character U+{:04X} at byte {at}, which is not ASCII; type it again", *character as u32)]
    NonAscii {
        /// Where the character begins.
        at: usize,
        /// The character.
        character: char,
    },
    /// Bytes that are not UTF-8.
    #[error("the key is not text (byte {at}); check that this is the right file")]
    NotText {
        /// Where the first wrong byte is.
        at: usize,
    },
    /// The key is wrapped in quotes, backticks or angle brackets.
    #[error("the key is wrapped in quotes; remove them")]
    Quoted,
    /// More than the key was pasted.
    #[error("this is {0}; enter only the key")]
    Pasted(Pasted),
}

/// What was pasted instead of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pasted {
    /// `X:key` or `API:key`, the pair that the vendor's examples show.
    UserAndKey,
    /// `-uX:key`, an argument of curl.
    CurlArgument,
    /// `Authorization: …`, a header line.
    HeaderLine,
    /// `Basic …` or `Bearer …`, a header's value.
    HeaderValue,
    /// `NAME=key`, an assignment of a shell.
    Assignment,
    /// A URL.
    Url,
    /// JSON.
    Json,
}

impl fmt::Display for Pasted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UserAndKey => "a user name and a key, joined by a colon",
            Self::CurlArgument => "an argument of curl",
            Self::HeaderLine => "a header line",
            Self::HeaderValue => "an Authorization value",
            Self::Assignment => "an assignment",
            Self::Url => "a URL",
            Self::Json => "JSON",
        })
    }
}

const QUOTES: [(char, char); 8] = [
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('<', '>'),
    ('\u{201C}', '\u{201D}'),
    ('\u{2018}', '\u{2019}'),
    ('\u{201E}', '\u{201C}'),
    ('\u{00AB}', '\u{00BB}'),
];

/// Looks for a pasted text first: "this is a header line" helps more than "contains a space".
fn check(bytes: &[u8]) -> Result<&str, InvalidKey> {
    if bytes.is_empty() {
        return Err(InvalidKey::Empty);
    }
    if bytes.len() > MAX_KEY_LEN {
        return Err(InvalidKey::TooLong { len: bytes.len() });
    }
    let text = std::str::from_utf8(bytes).map_err(|e| InvalidKey::NotText {
        at: e.valid_up_to(),
    })?;
    if let Some(pasted) = pasted(text) {
        return Err(InvalidKey::Pasted(pasted));
    }
    let mut chars = text.chars();
    if let (Some(first), Some(last)) = (chars.next(), chars.next_back())
        && QUOTES.contains(&(first, last))
    {
        return Err(InvalidKey::Quoted);
    }
    for (at, character) in text.char_indices() {
        return Err(match character {
            '!'..='~' => continue,
            '\n' | '\r' => InvalidKey::LineBreak { at },
            ' ' => InvalidKey::Space { at },
            c if c.is_ascii() => InvalidKey::Control { at },
            character => InvalidKey::NonAscii { at, character },
        });
    }
    Ok(text)
}

fn pasted(text: &str) -> Option<Pasted> {
    let starts = |prefix: &str| {
        text.get(..prefix.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    };
    let any = |prefixes: &[&str]| prefixes.iter().any(|prefix| starts(prefix));
    if any(&["authorization:", "proxy-authorization:"]) {
        Some(Pasted::HeaderLine)
    } else if any(&["basic ", "bearer "]) {
        Some(Pasted::HeaderValue)
    } else if any(&["-u", "--user"]) {
        Some(Pasted::CurlArgument)
    } else if any(&["x:", "api:"]) {
        Some(Pasted::UserAndKey)
    } else if any(&["http:", "https:"]) || text.contains("://") {
        Some(Pasted::Url)
    } else if any(&["{", "["]) {
        Some(Pasted::Json)
    } else if any(&["export ", "set ", "ACTIVEPROSPECT_", "api_key="]) {
        Some(Pasted::Assignment)
    } else {
        None
    }
}
