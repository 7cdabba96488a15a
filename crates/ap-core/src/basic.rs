//! [`basic`]: the value of an `Authorization` header by HTTP Basic.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use secrecy::zeroize::Zeroizing;

/// The user name that the vendor's documentation uses. The vendor ignores it.
pub const DEFAULT_USER: &str = "API";

const SCHEME: &str = "Basic ";

/// Returns the value of `Authorization` for any pair of bytes, following RFC 7617 without the stricter
/// rules of [`ApiKey`](crate::ApiKey) and [`Credentials`](crate::Credentials).
///
/// Use it for proxies, for other services, or to check against the RFC's own examples. The value is marked
/// sensitive, and its buffer is wiped when the last clone is dropped.
///
/// ```
/// let value = ap_core::key::basic(b"Aladdin", b"open sesame"); // RFC 7617 section 2
/// assert_eq!(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
/// ```
#[must_use]
pub fn basic(user: &[u8], password: &[u8]) -> HeaderValue {
    let mut pair = Zeroizing::new(Vec::with_capacity(user.len() + 1 + password.len()));
    pair.extend_from_slice(user);
    pair.push(b':');
    pair.extend_from_slice(password);

    // Sized before it is filled: a buffer that grows leaves copies behind that nobody wipes.
    let mut text = Zeroizing::new(vec![0; SCHEME.len() + pair.len().div_ceil(3) * 4]);
    let (scheme, encoded) = text.split_at_mut(SCHEME.len());
    scheme.copy_from_slice(SCHEME.as_bytes());
    let filled = STANDARD.encode_slice(pair.as_slice(), encoded).is_ok();
    debug_assert!(filled, "padded base64 is four bytes for every three begun");

    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(Wiped(text)))
        .unwrap_or_else(|_| HeaderValue::from_static("Basic"));
    value.set_sensitive(true);
    value
}

/// Returns the base64 part of a value that [`basic`] made.
pub(crate) fn encoded_pair(authorization: &HeaderValue) -> &[u8] {
    let value = authorization.as_bytes();
    value.strip_prefix(SCHEME.as_bytes()).unwrap_or(value)
}

struct Wiped(Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
