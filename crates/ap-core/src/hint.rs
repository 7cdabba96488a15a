//! [`Hint`]: what a person should do next.

use std::fmt;
use std::time::Duration;

use crate::product::Product;

/// What a person should do about an error. Its text is one sentence without a full stop.
///
/// To add a hint, add a variant and its text here, in `src/hint.rs`, and return it from
/// [`Error::hint`](crate::Error::hint), [`AuthError::hint`](crate::exchange::AuthError::hint) or
/// [`Unauthorized::hint`](crate::Unauthorized::hint). The lists in `tests/error.rs` need a line too, and
/// for [`Unauthorized::hint`](crate::Unauthorized::hint) perhaps `tests/vectors.rs`.
///
/// ```
/// use ap_core::Hint;
/// assert_eq!(Hint::ChangeRequest.to_string(), "change the request");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hint {
    /// Give the client a key, or a key source.
    AddKey,
    /// Check the key; after a reset, log in to this product once so that it accepts the new key.
    CheckKeyOrLogIn(Product),
    /// The key may be good, but the account's plan may not include this resource.
    CheckPlan,
    /// The account's plan may not include this resource, or this product does not accept the key.
    CheckKeyOrPlan(Product),
    /// The product has no such thing: check the path and the ids in it.
    CheckPath,
    /// Something between here and the vendor may be in the way, or may have answered.
    CheckNetwork,
    /// The request cannot be sent, or the product does not accept it.
    ChangeRequest,
    /// A setting of the client cannot be used, or is too small.
    ChangeSettings,
    /// Wait, for this long if the product says it, then send the request again.
    Wait(Option<Duration>),
    /// Send the request again: it has no effect twice.
    Retry,
    /// The request may have been applied: look before you send it again.
    CheckBeforeRetry,
    /// The response is not what the caller, or this version, expects.
    Update,
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AddKey => "give the client an API key or a key source",
            Self::CheckKeyOrLogIn(product) => {
                return write!(
                    f,
                    "check the key; if it was reset, log in to {product} once so that {product} accepts the new one"
                );
            }
            Self::CheckPlan => {
                "the key may be good; check if the account's plan includes this resource"
            }
            Self::CheckKeyOrPlan(product) => {
                return write!(
                    f,
                    "check the key, and if the account's plan includes this resource; {product} answers 403 for both"
                );
            }
            Self::CheckPath => "check the path and the ids in it",
            Self::CheckNetwork => {
                "check the network, proxies and gateways between here and the vendor"
            }
            Self::ChangeRequest => "change the request",
            Self::ChangeSettings => "change the client's settings",
            Self::Wait(Some(time)) => {
                let seconds = time.as_secs();
                let seconds = seconds.saturating_add(u64::from(time.subsec_nanos() > 0));
                return write!(f, "wait {seconds} seconds, then send the request again");
            }
            Self::Wait(None) => "wait a little, then send the request again",
            Self::Retry => "send the request again; it has no effect twice",
            Self::CheckBeforeRetry => {
                "the request may have been applied; check that before you send it again"
            }
            Self::Update => {
                "check the type that the response is read as; if it is one of this library's, check for a newer version"
            }
        })
    }
}
