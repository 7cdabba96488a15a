//! [`Credentials`]: a user name and a key, with the `Authorization` value ready to send.

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;

use crate::basic::{DEFAULT_USER, basic};
use crate::key::ApiKey;

/// The longest user name that is accepted, in bytes.
const MAX_USER_LEN: usize = 255;

/// A user name (ignored by the vendor) and an [`ApiKey`], with the `Authorization` value ready to send.
///
/// The value is encoded once, so signing a request neither encodes nor allocates. It is marked sensitive
/// and shared by all requests; its buffer is wiped when the last clone is dropped.
///
/// Source: RFC 7617 section 2 (the pair), RFC 4648 section 4 (base64 with padding).
///
/// ```
/// use ap_core::{ApiKey, Credentials};
///
/// let credentials = Credentials::new(ApiKey::parse("1234567890")?);
/// assert_eq!(credentials.authorization(), "Basic QVBJOjEyMzQ1Njc4OTA=");
/// assert_eq!(format!("{:?}", credentials.authorization()), "Sensitive");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Credentials {
    user: Arc<str>,
    key: ApiKey,
    authorization: HeaderValue,
}

impl Credentials {
    /// Creates credentials with the user name [`DEFAULT_USER`](crate::key::DEFAULT_USER).
    #[must_use]
    pub fn new(key: ApiKey) -> Self {
        Self::encode(DEFAULT_USER, key)
    }

    /// Creates credentials with a user name of your choice, which may be empty.
    ///
    /// # Errors
    ///
    /// [`InvalidUser`] if the name contains a colon, which would end it early (RFC 7617 section 2), a
    /// character that is not printable ASCII, or more than 255 bytes.
    pub fn with_user(user: &str, key: ApiKey) -> Result<Self, InvalidUser> {
        Self::check_user(user)?;
        Ok(Self::encode(user, key))
    }

    /// Returns the user name.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &ApiKey {
        &self.key
    }

    /// Returns the value of the `Authorization` header, marked sensitive. Cloning it does not allocate.
    #[must_use]
    pub fn authorization(&self) -> &HeaderValue {
        &self.authorization
    }

    fn encode(user: &str, key: ApiKey) -> Self {
        let authorization = basic(user.as_bytes(), key.expose().as_bytes());
        Self {
            user: user.into(),
            key,
            authorization,
        }
    }

    pub(crate) fn check_user(user: &str) -> Result<(), InvalidUser> {
        if user.len() > MAX_USER_LEN {
            return Err(InvalidUser::TooLong { len: user.len() });
        }
        for (at, byte) in user.bytes().enumerate() {
            match byte {
                b':' => return Err(InvalidUser::Colon { at }),
                b' '..=b'~' => {}
                _ => return Err(InvalidUser::NotPrintable { at }),
            }
        }
        Ok(())
    }
}

/// Leaves out the user name: people put a key in its place by mistake.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Why a text is not accepted as a user name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidUser {
    /// A colon ends the user name on the wire.
    #[error("the user name contains a colon at byte {at}; remove it")]
    Colon {
        /// Where the colon is, in bytes from 0.
        at: usize,
    },
    /// A character that is not printable ASCII.
    #[error(
        "the user name contains a character at byte {at} that is not printable ASCII; remove it"
    )]
    NotPrintable {
        /// Where the character is, in bytes from 0.
        at: usize,
    },
    /// More than 255 bytes.
    #[error("the user name has {len} bytes; at most {MAX_USER_LEN} are allowed")]
    TooLong {
        /// The length that was given, in bytes.
        len: usize,
    },
}
