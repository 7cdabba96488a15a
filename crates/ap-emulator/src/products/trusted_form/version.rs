//! [`Version`]: which version of the certificate API a request is for.

use http::HeaderMap;

/// A version of the certificate API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V2,
    V3,
    V4,
}

impl Version {
    /// Returns the version that `Api-Version` names. Without it, it is the account's: 4.0 here. `None` is for one
    /// that is not known.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let Some(named) = headers.get("api-version") else {
            return Some(Self::V4);
        };
        match named.as_bytes() {
            b"2.0" => Some(Self::V2),
            b"3.0" => Some(Self::V3),
            b"4.0" => Some(Self::V4),
            _ => None,
        }
    }
}
