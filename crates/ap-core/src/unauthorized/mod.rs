//! [`Unauthorized`]: what a 401 or 403 says. The forms of a bad key are in [`BAD_KEY_FORMS`].

mod bad_key_forms;

use std::fmt;

use http::StatusCode;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::error::Category;

use crate::hint::Hint;
use crate::product::Product;
use crate::redact::escape_char;

pub use bad_key_forms::{BAD_KEY_FORMS, BadKeyBody, BadKeyForm, Trust};

/// The body that the vendor documents for a bad or missing key, 33 bytes.
///
/// Source: <https://developers.activeprospect.com/docs/authentication>.
pub const DOCUMENTED_BODY: &[u8] = br#"{"error":"authentication failed"}"#;

/// The longest body of a 401 or 403 that is read, in bytes. The known ones have at most 100.
pub const UNAUTHORIZED_BODY_LIMIT: usize = 64 * 1024;

/// How much of the server's message is kept, in characters.
pub const MESSAGE_LIMIT: usize = 256;

/// What the body of a 401 or 403 is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnauthorizedKind {
    /// The documented body: the product does not accept the key.
    Documented,
    /// Another body that this product is known to send for a bad key.
    KnownForm,
    /// A JSON object with another message: the key may be good. A free account, or a plan without the
    /// resource, gets `not authorized`.
    OtherText,
    /// JSON without a message.
    OtherJson,
    /// JSON that ends early.
    Truncated,
    /// No body.
    Empty,
    /// Text that is not JSON: probably a page of a proxy or a gateway.
    NotJson,
    /// Not UTF-8 (RFC 8259 section 8.1).
    NotUtf8,
    /// More than [`UNAUTHORIZED_BODY_LIMIT`] bytes; not read.
    TooLarge,
}

/// The meaning of a 401 or 403: if the key is bad, what the server says, and what to do next.
///
/// Only the status and the body decide. The vendor sends no `WWW-Authenticate`, and media types are not read.
///
/// ```
/// use ap_core::{Hint, Product, Unauthorized, UnauthorizedKind};
///
/// let bad_key = Unauthorized::parse(Product::LeadConduit, br#"{"error":"authentication failed"}"#);
/// assert!(bad_key.is_bad_key());
/// assert_eq!(bad_key.hint(), Hint::CheckKeyOrLogIn(Product::LeadConduit));
///
/// let plan = Unauthorized::parse(Product::LeadConduit, br#"{"error":"not authorized"}"#);
/// assert_eq!(plan.kind(), UnauthorizedKind::OtherText);
/// assert_eq!(plan.message(), Some("not authorized"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Unauthorized {
    product: Product,
    /// The status is 403, not 401.
    is_forbidden: bool,
    kind: UnauthorizedKind,
    message: Option<Box<str>>,
}

impl Unauthorized {
    /// Parses the body of a 401 from a product. It never fails: unreadable bodies have a kind too.
    ///
    /// The documented body costs one comparison and no allocation.
    #[must_use]
    pub fn parse(product: Product, body: &[u8]) -> Self {
        Self::parse_any(product, false, body)
    }

    /// Parses an answer from a product. `None` if its status is neither 401 nor 403: then it says nothing about
    /// the key.
    ///
    /// ```
    /// use ap_core::{Product, Unauthorized};
    /// use http::StatusCode;
    ///
    /// let body = br#"{"error":"Invalid Authentication"}"#;
    /// let parse = |product| Unauthorized::from_answer(product, StatusCode::FORBIDDEN, body).unwrap();
    /// assert!(parse(Product::TrustedForm).is_bad_key());
    /// assert!(!parse(Product::LeadConduit).is_bad_key(), "it is not known to send this");
    /// ```
    #[must_use]
    pub fn from_answer(product: Product, status: StatusCode, body: &[u8]) -> Option<Self> {
        match status {
            StatusCode::UNAUTHORIZED => Some(Self::parse_any(product, false, body)),
            StatusCode::FORBIDDEN => Some(Self::parse_any(product, true, body)),
            _ => None,
        }
    }

    fn parse_any(product: Product, is_forbidden: bool, body: &[u8]) -> Self {
        let unread = Self {
            product,
            is_forbidden,
            kind: UnauthorizedKind::Documented,
            message: None,
        };
        if body == DOCUMENTED_BODY && !is_forbidden {
            return unread;
        }
        if body.len() > UNAUTHORIZED_BODY_LIMIT {
            return unread.with_kind(UnauthorizedKind::TooLarge);
        }
        let Ok(text) = std::str::from_utf8(body) else {
            return unread.with_kind(UnauthorizedKind::NotUtf8);
        };
        let is_text = |body| matches!(body, BadKeyBody::Text(known) if known == text);
        if unread.find_form(is_text).is_some() {
            return unread
                .with_kind(UnauthorizedKind::KnownForm)
                .with_message(text.trim_ascii_end());
        }
        // RFC 8259 section 8.1 lets a reader skip a byte-order mark.
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        if text.trim_ascii().is_empty() {
            return unread.with_kind(UnauthorizedKind::Empty);
        }
        // serde also reads a struct from an array, so only objects are read as one.
        let read = if text.trim_ascii_start().starts_with('{') {
            serde_json::from_str(text).map(Some)
        } else {
            serde_json::from_str::<IgnoredAny>(text).map(|_| None)
        };
        match read {
            Ok(Some(members)) => unread.with_members(&members),
            Ok(None) => unread.with_kind(UnauthorizedKind::OtherJson),
            Err(error) => unread.with_kind(match error.classify() {
                Category::Data => UnauthorizedKind::OtherJson,
                Category::Eof if text.trim_ascii_start().starts_with(['{', '[']) => {
                    UnauthorizedKind::Truncated
                }
                _ => UnauthorizedKind::NotJson,
            }),
        }
    }

    /// Returns the product that answered.
    #[must_use]
    pub fn product(&self) -> Product {
        self.product
    }

    /// Returns the status: 401 or 403.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        if self.is_forbidden {
            StatusCode::FORBIDDEN
        } else {
            StatusCode::UNAUTHORIZED
        }
    }

    /// Returns what the body is.
    #[must_use]
    pub fn kind(&self) -> UnauthorizedKind {
        self.kind
    }

    /// Returns `true` if the product says that the key is bad or missing. Only then can another key help.
    #[must_use]
    pub fn is_bad_key(&self) -> bool {
        matches!(
            self.kind,
            UnauthorizedKind::Documented | UnauthorizedKind::KnownForm
        )
    }

    /// Returns the server's message: at most [`MESSAGE_LIMIT`] characters, escaped for a terminal or a log.
    ///
    /// The exchange withholds a message that repeats one of its keys. If you call [`parse`](Self::parse)
    /// yourself, check for that.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        match self.kind {
            UnauthorizedKind::Documented => Some("authentication failed"),
            _ => self.message.as_deref(),
        }
    }

    /// Returns what a person should do next.
    #[must_use]
    pub fn hint(&self) -> Hint {
        match self.kind {
            UnauthorizedKind::Documented | UnauthorizedKind::KnownForm => {
                Hint::CheckKeyOrLogIn(self.product)
            }
            // Some of its answers to a bad key are a 403, and their body is not known.
            _ if self.is_forbidden && self.product == Product::TrustedForm => {
                Hint::CheckKeyOrPlan(self.product)
            }
            UnauthorizedKind::OtherText | UnauthorizedKind::OtherJson => Hint::CheckPlan,
            // Products answer 403 in more forms than they document.
            _ if self.is_forbidden => Hint::CheckPlan,
            _ => Hint::CheckNetwork,
        }
    }

    /// Returns the part of the server's own text that is kept. The documented body needs none.
    pub(crate) fn kept_text(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Drops the server's text, because it repeats a key.
    pub(crate) fn withhold_text(&mut self) {
        if self.message.is_some() {
            self.message = Some("[withheld: it repeats the key]".into());
        }
    }

    fn with_kind(self, kind: UnauthorizedKind) -> Self {
        Self { kind, ..self }
    }

    fn with_message(self, text: &str) -> Self {
        Self {
            message: Some(excerpt(text).into()),
            ..self
        }
    }

    /// Returns the form of a bad key that this product sends with this status and such a body.
    fn find_form(&self, is_body: impl Fn(BadKeyBody) -> bool) -> Option<&'static BadKeyForm> {
        BAD_KEY_FORMS.iter().find(|form| {
            form.product.is_none_or(|product| product == self.product)
                && form.status == self.status()
                && is_body(form.body)
        })
    }

    fn with_members(self, members: &Members) -> Self {
        let form = self.find_form(|body| match body {
            BadKeyBody::Members(expected) => expected
                .iter()
                .all(|(name, text)| members.get(name) == Some(*text)),
            BadKeyBody::Text(_) => false,
        });
        let text = ["error", "message", "reason", "errors.detail"]
            .into_iter()
            .find_map(|name| members.get(name));
        let kind = match (form, text) {
            (Some(form), _) if form.product.is_none() => UnauthorizedKind::Documented,
            (Some(_), _) => UnauthorizedKind::KnownForm,
            (None, Some(_)) => UnauthorizedKind::OtherText,
            (None, None) => UnauthorizedKind::OtherJson,
        };
        let read = self.with_kind(kind);
        match text {
            Some(text) => read.with_message(text),
            None => read,
        }
    }
}

impl fmt::Display for Unauthorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status();
        write!(f, "{} answered {}", self.product, status.as_str())?;
        match self.kind {
            UnauthorizedKind::Documented | UnauthorizedKind::KnownForm => {
                f.write_str(" (the key is bad or missing)")?;
            }
            UnauthorizedKind::OtherText | UnauthorizedKind::OtherJson => {}
            UnauthorizedKind::Truncated => f.write_str(" with JSON that ends early")?,
            UnauthorizedKind::Empty => f.write_str(" with an empty body")?,
            UnauthorizedKind::NotJson => f.write_str(" with a body that is not JSON")?,
            UnauthorizedKind::NotUtf8 => f.write_str(" with a body that is not text")?,
            UnauthorizedKind::TooLarge => f.write_str(" with an oversized body")?,
        }
        Ok(())
    }
}

/// Leaves out the message: it is the server's text.
impl fmt::Debug for Unauthorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unauthorized")
            .field("product", &self.product)
            .field("status", &self.status())
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Returns the beginning of a server's text, escaped.
fn excerpt(text: &str) -> String {
    let mut shown = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == MESSAGE_LIMIT {
            shown.push('…');
            break;
        }
        escape_char(&mut shown, character);
    }
    shown
}

/// The members that forms and messages consist of.
///
/// A member that comes twice is an error: readers disagree about such objects (RFC 8259 section 4).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Members {
    error: Value,
    message: Value,
    reason: Value,
    outcome: Value,
    errors: Value,
}

impl Members {
    fn get(&self, name: &str) -> Option<&str> {
        match name {
            "error" => &self.error,
            "message" => &self.message,
            "reason" => &self.reason,
            "outcome" => &self.outcome,
            "errors.detail" => self.errors.get("detail")?,
            _ => return None,
        }
        .as_str()
    }
}
