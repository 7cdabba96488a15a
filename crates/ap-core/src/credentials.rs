//! [`Credentials`]: a user name and a key, with the `Authorization` value ready to send.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use secrecy::zeroize::Zeroizing;

use crate::key::ApiKey;

/// The user name that the vendor's documentation uses. The vendor ignores it.
pub const DEFAULT_USER: &str = "API";

/// The longest user name that is taken, in bytes.
pub const MAX_USER_LEN: usize = 255;

/// What proves an identity: a user name (ignored by the vendor) and an [`ApiKey`], together with the
/// ready `Authorization` value, so that signing a request costs neither encoding nor an allocation.
///
/// The value is marked sensitive, shares one buffer among all requests, and that buffer is wiped when
/// the last holder lets go of it.
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
    /// Credentials with the user name [`DEFAULT_USER`].
    #[must_use]
    pub fn new(key: ApiKey) -> Self {
        Self::encode(DEFAULT_USER, key)
    }

    /// Credentials with a user name of the caller's choice, which may be empty.
    ///
    /// # Errors
    ///
    /// [`InvalidUser`] if the name holds a colon, which would end it early (RFC 7617 section 2),
    /// anything but printable ASCII, or more than [`MAX_USER_LEN`] bytes.
    pub fn with_user(user: &str, key: ApiKey) -> Result<Self, InvalidUser> {
        Self::check_user(user)?;
        Ok(Self::encode(user, key))
    }

    /// The user name.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &ApiKey {
        &self.key
    }

    /// The value of the `Authorization` header, marked sensitive. Cloning it allocates nothing.
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

/// Without the user name, in whose place a key is put by mistake often enough.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Why a text is not taken as a user name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidUser {
    /// A colon ends the user name on the wire.
    #[error("the user name holds a colon (byte {at})")]
    Colon {
        /// Where the colon is, in bytes from 0.
        at: usize,
    },
    /// Something other than printable ASCII.
    #[error("the user name holds a character that is not printable ASCII (byte {at})")]
    NotPrintable {
        /// Where the character is, in bytes from 0.
        at: usize,
    },
    /// More than [`MAX_USER_LEN`] bytes.
    #[error("the user name has {len} bytes, more than {MAX_USER_LEN}")]
    TooLong {
        /// The length that was given, in bytes.
        len: usize,
    },
}

/// The value of `Authorization` for any pair of bytes, by RFC 7617 alone, without the narrower rules
/// of [`ApiKey`] and [`Credentials`]: for proxies, for other services, and for checking against the
/// RFC's own examples. Marked sensitive; the buffer is wiped when the last clone goes.
///
/// ```
/// let value = ap_core::basic(b"Aladdin", b"open sesame"); // RFC 7617 section 2
/// assert_eq!(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
/// ```
#[must_use]
pub fn basic(user: &[u8], password: &[u8]) -> HeaderValue {
    const SCHEME: &[u8] = b"Basic ";
    let mut pair = Zeroizing::new(Vec::with_capacity(user.len() + 1 + password.len()));
    pair.extend_from_slice(user);
    pair.push(b':');
    pair.extend_from_slice(password);

    // Sized before it is filled: a buffer that grows leaves copies behind that nobody wipes.
    let mut text = Zeroizing::new(vec![0; SCHEME.len() + pair.len().div_ceil(3) * 4]);
    let (scheme, encoded) = text.split_at_mut(SCHEME.len());
    scheme.copy_from_slice(SCHEME);
    let filled = STANDARD.encode_slice(pair.as_slice(), encoded).is_ok();
    debug_assert!(filled, "padded base64 is four bytes for every three begun");

    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(Wiped(text)))
        .unwrap_or_else(|_| HeaderValue::from_static("Basic"));
    value.set_sensitive(true);
    value
}

struct Wiped(Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
