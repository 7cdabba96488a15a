//! [`AuthError`]: a call for which no key was accepted.

use std::fmt;
use std::sync::Arc;

use crate::hint::Hint;
use crate::product::Product;
use crate::unauthorized::Unauthorized;

/// One key that a product rejected, and how. It names the key by its label, and does not contain it.
///
/// ```
/// use ap_core::exchange::RejectedKey;
///
/// fn log_line(rejected: &RejectedKey) -> String {
///     let label = rejected.label().unwrap_or("a key without a label");
///     format!("{label} was rejected; {}", rejected.unauthorized().hint())
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedKey {
    pub(super) label: Option<Arc<str>>,
    pub(super) unauthorized: Unauthorized,
}

impl RejectedKey {
    /// Returns the key's label.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// Returns the product's answer.
    #[must_use]
    pub fn unauthorized(&self) -> &Unauthorized {
        &self.unauthorized
    }
}

/// Why no key was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// The client has no key.
    NoKey,
    /// The product rejected every key of the client, in this very call.
    AllRejected,
    /// The product rejected a key, and the body cannot be sent again with the next key. The next call
    /// tries that one first.
    ResendNotAllowed,
}

/// No key was accepted. The text names the rejected keys by their labels.
///
/// It does not repeat what the server wrote; [`Unauthorized::message`] returns that.
///
/// ```
/// use ap_core::exchange::{Answer, AuthErrorKind, Resend, Step};
/// use ap_core::{Account, ApiKey, Hint, KeyRing, Origins, Product};
/// use http::{Request, StatusCode};
///
/// let key = ApiKey::parse("1234567890")?.with_label("billing");
/// let account = Account::new(KeyRing::from_key(key), Origins::vendor());
/// let request = Request::get("https://app.leadconduit.com/flows").body(())?;
/// let Step::Send(attempt) = account.begin(&request, Resend::Allowed)? else { unreachable!() };
/// // LeadConduit's answer to a bad key. There is no other key, so the call ends.
/// let body = br#"{"error":"authentication failed"}"#;
/// let Answer::Next(Step::NeedKey(need)) = attempt.answered(StatusCode::UNAUTHORIZED, body) else {
///     unreachable!()
/// };
/// let Step::Failed(error) = need.resume() else { unreachable!() };
///
/// assert_eq!(error.kind(), AuthErrorKind::AllRejected);
/// assert_eq!(error.product(), Product::LeadConduit);
/// assert_eq!(error.rejected_keys()[0].label(), Some("billing"));
/// assert_eq!(error.to_string(), r#"LeadConduit rejected the API key: "billing""#);
/// # let _: Hint = error.hint();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthError {
    pub(super) product: Product,
    pub(super) kind: AuthErrorKind,
    pub(super) rejected_keys: Vec<RejectedKey>,
}

impl AuthError {
    /// Returns the product that was called.
    #[must_use]
    pub fn product(&self) -> Product {
        self.product
    }

    /// Returns why no key was accepted.
    #[must_use]
    pub fn kind(&self) -> AuthErrorKind {
        self.kind
    }

    /// Returns the rejected keys, in the order of the attempts.
    #[must_use]
    pub fn rejected_keys(&self) -> &[RejectedKey] {
        &self.rejected_keys
    }

    /// Returns what a person should do next.
    #[must_use]
    pub fn hint(&self) -> Hint {
        match (self.kind, self.rejected_keys.last()) {
            (AuthErrorKind::ResendNotAllowed, _) => Hint::Retry,
            (_, Some(last)) => last.unauthorized.hint(),
            (_, None) => Hint::AddKey,
        }
    }
}

impl std::error::Error for AuthError {}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let product = self.product;
        match self.kind {
            AuthErrorKind::NoKey => return write!(f, "there is no API key for {product}"),
            AuthErrorKind::AllRejected if self.rejected_keys.len() == 1 => {
                write!(f, "{product} rejected the API key")?;
            }
            AuthErrorKind::AllRejected => write!(f, "{product} rejected every API key")?,
            AuthErrorKind::ResendNotAllowed => write!(
                f,
                "{product} rejected the API key, and the body cannot be sent again with the next one"
            )?,
        }
        let labels = self.rejected_keys.iter().filter_map(RejectedKey::label);
        for (at, label) in labels.enumerate() {
            write!(f, "{}{label:?}", if at == 0 { ": " } else { ", " })?;
        }
        Ok(())
    }
}
