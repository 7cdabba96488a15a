//! [`ApiKey`]: an account's API key, read strictly and never shown.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use crate::credentials::Credentials;
use crate::redact;

/// The longest key that is taken, in bytes. The vendor's examples have 10 to 40.
pub const MAX_KEY_LEN: usize = 512;

/// An account's API key: the password of every call.
///
/// Length (1 to [`MAX_KEY_LEN`] bytes) and alphabet (printable ASCII, no blanks) are otherwise free,
/// because the vendor documents neither. One key serves every product that the account subscribes to.
///
/// There is no `Display`, `Serialize`, `Deref` or `PartialEq`, and `Debug` shows the label alone. The
/// memory that holds the key is wiped when the last clone goes; clones share it. Copies that an HTTP
/// library makes while it sends are that library's.
///
/// Source: <https://developers.activeprospect.com/docs/authentication>; RFC 7617 section 2.
///
/// ```
/// use ap_core::ApiKey;
///
/// let key = ApiKey::parse("example-key")?.labelled("from the vault");
/// assert_eq!(format!("{key:?}"), r#"ApiKey("from the vault")"#);
///
/// let pasted = ApiKey::parse("\"example-key\"").unwrap_err();
/// assert_eq!(pasted.to_string(), "the key is wrapped in quotes: give it without them");
/// # Ok::<(), ap_core::InvalidKey>(())
/// ```
///
/// What must not compile does not:
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
    /// Reads a key from text or raw bytes, exactly as given: nothing is trimmed.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] names what is wrong and where, and never repeats the text.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, InvalidKey> {
        let text = check(text.as_ref())?;
        Ok(Self {
            secret: Arc::new(SecretString::from(text)),
            label: None,
        })
    }

    /// Names this key for people: in `Debug`, in errors and in traces. At most 64 characters are kept,
    /// control characters are dropped, and a label that repeats the key or a part of it is not taken.
    #[must_use]
    pub fn labelled(mut self, label: &str) -> Self {
        let kept: String = label.chars().filter(|c| !c.is_control()).take(64).collect();
        let repeats = redact::repeats(&kept, &Credentials::new(self.clone()));
        self.label = (!repeats).then(|| kept.into());
        self
    }

    /// The label given by [`labelled`](Self::labelled).
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// The key's text, for code that has to store it or to send it by a road of its own. Whoever
    /// calls this answers for where the text goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.secret.expose_secret()
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.secret, &other.secret) || self.expose() == other.expose()
    }

    /// Tells whether anybody still holds this key.
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

/// Why a text is not taken as a key. Positions are byte offsets from 0. The text itself is in none
/// of these; only a character that no key can hold (one outside ASCII) is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKey {
    /// Nothing was given.
    #[error("the key is empty")]
    Empty,
    /// More than [`MAX_KEY_LEN`] bytes.
    #[error("the key has {len} bytes, more than {MAX_KEY_LEN}: is it a whole file?")]
    TooLong {
        /// The length that was given, in bytes.
        len: usize,
    },
    /// A line break, at the end or inside: a key is one line.
    #[error("the key holds a line break (byte {at}): give one line, without its end")]
    LineBreak {
        /// Where the line break is.
        at: usize,
    },
    /// A space, at an end or inside.
    #[error("the key holds a blank (byte {at}): remove it")]
    Blank {
        /// Where the blank is.
        at: usize,
    },
    /// A control character, a tab included (RFC 7617 section 2 forbids them).
    #[error("the key holds a control character (byte {at}): copy the key again")]
    Control {
        /// Where the character is.
        at: usize,
    },
    /// A character outside ASCII: an invisible one, a look-alike or a byte-order mark.
    #[error("the key holds the character U+{:04X} (byte {at}), which is not ASCII: type it again", *character as u32)]
    NonAscii {
        /// Where the character begins.
        at: usize,
        /// The character.
        character: char,
    },
    /// Bytes that are not UTF-8.
    #[error("the key is not text (byte {at}): is it another kind of file?")]
    NotText {
        /// Where the first wrong byte is.
        at: usize,
    },
    /// The key is wrapped in quotes, backticks or angle brackets.
    #[error("the key is wrapped in quotes: give it without them")]
    Quoted,
    /// More than the key was pasted.
    #[error("this is {0}: give the key alone")]
    Pasted(Pasted),
}

/// What was pasted where a key was expected.
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

/// Hints come before the plain reasons: "you pasted a header" helps more than "there is a blank".
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
            ' ' => InvalidKey::Blank { at },
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
