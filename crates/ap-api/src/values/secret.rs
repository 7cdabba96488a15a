//! [`Secret`]: a text that is not shown, and wiped when it is dropped.

use std::fmt;

use ap_core::{ApiKey, InvalidKey};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::object::required_member;

/// A secret in an object of the API: a key, a password, a token or a signed URL.
///
/// `Debug` does not show it, it has no `Display`, and it is wiped when it is dropped. It is written back with its
/// object, because a changed credential must keep its password. So do not serialize such objects into logs.
///
/// ```
/// use ap_api::Secret;
///
/// let secret = Secret::new("placeholder");
/// assert_eq!(format!("{secret:?}"), "Secret");
/// assert_eq!(secret.expose(), "placeholder");
/// ```
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Creates a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// Returns the text. Do not print it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Converts this into a key for a client's key ring.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] if a key cannot have this text, for example if the product masks it.
    pub fn to_api_key(&self) -> Result<ApiKey, InvalidKey> {
        ApiKey::parse(self.expose())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Compares every byte, so that the time says nothing about the place of a difference.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let (left, right) = (self.expose().as_bytes(), other.expose().as_bytes());
        let difference = |all, (left, right): (&u8, &u8)| all | (left ^ right);
        left.len() == right.len() && left.iter().zip(right).fold(0, difference) == 0
    }
}

impl Eq for Secret {}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

required_member!(Secret);
