//! [`Unauthorized`]: what the body of a 401 says, and what a person should do next.

use std::fmt;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::error::Category;

use crate::escape::escape_char;
use crate::product::Product;

/// The body that the vendor documents for a bad or missing key, 33 bytes.
///
/// Source: <https://developers.activeprospect.com/docs/authentication>.
pub const DOCUMENTED_BODY: &[u8] = br#"{"error":"authentication failed"}"#;

/// How much of a 401's body is read, in bytes. The known ones have at most 100.
pub const UNAUTHORIZED_BODY_LIMIT: usize = 64 * 1024;

/// How much of the server's text is kept, in characters.
pub const MESSAGE_LIMIT: usize = 256;

/// One form of body that a product is known to send for a bad key. It matches a JSON object by the
/// members it names; other members are ignored. Members of nested objects are written `outer.inner`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BadKeyForm {
    /// The product that sends it; `None` where any of them may.
    pub product: Option<Product>,
    /// Members and the text that each must have.
    pub members: &'static [(&'static str, &'static str)],
    /// Where this is known from.
    pub source: &'static str,
}

/// Every form that counts as a bad key. Nothing else does: a 401 is also what a free account or a plan
/// without the resource gets, and taking that for a bad key would set a good one aside.
pub const BAD_KEY_FORMS: [BadKeyForm; 4] = [
    BadKeyForm {
        product: None,
        members: &[("error", "authentication failed")],
        source: "developers.activeprospect.com/docs/authentication",
    },
    BadKeyForm {
        product: Some(Product::TrustedForm),
        members: &[("outcome", "error"), ("reason", "Unauthorized")],
        source: "TrustedForm API 4.0, OpenAPI description, response Unauthorized",
    },
    BadKeyForm {
        product: Some(Product::TrustedForm),
        members: &[
            ("errors.detail", "Unauthorized"),
            ("message", "Unauthorized"),
        ],
        source: "github.com/activeprospect/leadconduit-integration-trustedform, test/consent_spec.js",
    },
    BadKeyForm {
        product: Some(Product::SuppressionList),
        members: &[("message", "HTTP Basic: Access denied")],
        source: "github.com/activeprospect/leadconduit-integration-suppressionlist, lib/ui/api/lists.js",
    },
];

/// What the body of a 401 turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The documented body: the key is not the one that this product takes.
    Documented,
    /// Another body that this product is known to send for a bad key.
    KnownForm,
    /// A JSON object with another text: the key may well be good. A free account, or a plan without
    /// the resource, gets `not authorized`.
    OtherText,
    /// JSON that says nothing that can be read as a reason.
    OtherJson,
    /// JSON that breaks off.
    Truncated,
    /// No body.
    Empty,
    /// Text, but not JSON: a page of a proxy or a gateway, most likely.
    NotJson,
    /// Not UTF-8 (RFC 8259 section 8.1).
    NotUtf8,
    /// More than [`UNAUTHORIZED_BODY_LIMIT`] bytes; not looked at.
    TooLarge,
}

/// What to do about a 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Advice {
    /// Check the key; after a reset, log in to this product once so that it takes the new one.
    CheckKeyOrLogIn(Product),
    /// The account or its plan may not have this resource: ask whoever manages the subscription.
    CheckPlan,
    /// Something between here and the vendor may have answered: look at proxies and gateways.
    CheckNetwork,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CheckKeyOrLogIn(product) => write!(
                f,
                "check the key; if it was reset, log in to {product} once so that {product} takes the new one"
            ),
            Self::CheckPlan => {
                f.write_str("the key may be good: check whether the account's plan has this resource")
            }
            Self::CheckNetwork => f.write_str(
                "something between here and the vendor may have answered: check proxies and gateways",
            ),
        }
    }
}

/// A 401, read: whether it speaks of the key, what it says, and what to do.
///
/// The vendor sends no `WWW-Authenticate` with it, and none is needed here. Media types are not looked
/// at, because the body alone decides.
///
/// ```
/// use ap_core::{Advice, Cause, Product, Unauthorized};
///
/// let refused = Unauthorized::parse(Product::LeadConduit, br#"{"error":"authentication failed"}"#);
/// assert!(refused.is_bad_key());
/// assert_eq!(refused.advice(), Advice::CheckKeyOrLogIn(Product::LeadConduit));
///
/// let plan = Unauthorized::parse(Product::LeadConduit, br#"{"error":"not authorized"}"#);
/// assert_eq!((plan.cause(), plan.message()), (Cause::OtherText, Some("not authorized")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unauthorized {
    product: Product,
    cause: Cause,
    message: Option<Box<str>>,
}

impl Unauthorized {
    /// Reads the body of a 401 from a product. Never fails: what cannot be read is a [`Cause`] too.
    /// The documented body costs one comparison and no allocation.
    #[must_use]
    pub fn parse(product: Product, body: &[u8]) -> Self {
        if body == DOCUMENTED_BODY {
            return Self::new(product, Cause::Documented);
        }
        if body.len() > UNAUTHORIZED_BODY_LIMIT {
            return Self::new(product, Cause::TooLarge);
        }
        let Ok(text) = std::str::from_utf8(body) else {
            return Self::new(product, Cause::NotUtf8);
        };
        // RFC 8259 section 8.1 lets a reader skip a byte-order mark.
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        if text.trim_ascii().is_empty() {
            return Self::new(product, Cause::Empty);
        }
        // A struct also reads from an array, so anything but an object is told apart first.
        let read = if text.trim_ascii_start().starts_with('{') {
            serde_json::from_str(text).map(Some)
        } else {
            serde_json::from_str::<IgnoredAny>(text).map(|_| None)
        };
        match read {
            Ok(Some(members)) => Self::of_object(product, &members),
            Ok(None) => Self::new(product, Cause::OtherJson),
            Err(error) => Self::new(
                product,
                match error.classify() {
                    Category::Data => Cause::OtherJson,
                    Category::Eof if text.trim_ascii_start().starts_with(['{', '[']) => {
                        Cause::Truncated
                    }
                    _ => Cause::NotJson,
                },
            ),
        }
    }

    /// The product that answered.
    #[must_use]
    pub fn product(&self) -> Product {
        self.product
    }

    /// What the body turned out to be.
    #[must_use]
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// Whether the product says that the key is bad or missing. Only then can another key help.
    #[must_use]
    pub fn is_bad_key(&self) -> bool {
        matches!(self.cause, Cause::Documented | Cause::KnownForm)
    }

    /// What the server said, at most [`MESSAGE_LIMIT`] characters. Control characters are written as
    /// escapes, so that it can be shown on a terminal or in a log. The exchange withholds a text that
    /// repeats one of its keys; whoever calls [`parse`](Self::parse) directly has to look for that.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        match self.cause {
            Cause::Documented => Some("authentication failed"),
            _ => self.message.as_deref(),
        }
    }

    /// What a person should do next.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self.cause {
            Cause::Documented | Cause::KnownForm => Advice::CheckKeyOrLogIn(self.product),
            Cause::OtherText | Cause::OtherJson => Advice::CheckPlan,
            _ => Advice::CheckNetwork,
        }
    }

    /// What of the server's own text is kept. The documented body has none: its text is known.
    pub(crate) fn kept(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Drops the server's text, when it repeats a key.
    pub(crate) fn withhold(&mut self) {
        if self.message.is_some() {
            self.message = Some("[withheld: it repeats the key]".into());
        }
    }

    fn new(product: Product, cause: Cause) -> Self {
        Self {
            product,
            cause,
            message: None,
        }
    }

    fn of_object(product: Product, members: &Members) -> Self {
        let form = BAD_KEY_FORMS
            .iter()
            .filter(|form| form.product.is_none_or(|of| of == product))
            .find(|form| {
                form.members
                    .iter()
                    .all(|(name, text)| members.get(name) == Some(*text))
            });
        let said = ["error", "message", "reason", "errors.detail"]
            .into_iter()
            .find_map(|name| members.get(name));
        let cause = match (form, said) {
            (Some(form), _) if form.product.is_none() => Cause::Documented,
            (Some(_), _) => Cause::KnownForm,
            (None, Some(_)) => Cause::OtherText,
            (None, None) => Cause::OtherJson,
        };
        Self {
            product,
            cause,
            message: said.map(|text| excerpt(text).into()),
        }
    }
}

impl fmt::Display for Unauthorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered 401", self.product)?;
        match self.cause {
            Cause::Documented | Cause::KnownForm => f.write_str(" (the key is bad or missing)")?,
            Cause::OtherText | Cause::OtherJson => {}
            Cause::Truncated => f.write_str(" with JSON that breaks off")?,
            Cause::Empty => f.write_str(" with an empty body")?,
            Cause::NotJson => f.write_str(" with something that is not JSON")?,
            Cause::NotUtf8 => f.write_str(" with something that is not text")?,
            Cause::TooLarge => f.write_str(" with an oversized body")?,
        }
        match self.message() {
            Some(message) => write!(f, ": {message}"),
            None => Ok(()),
        }
    }
}

/// A server's text, safe to show: control and formatting characters are escaped, the length bounded.
pub(crate) fn excerpt(text: &str) -> String {
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

/// The members that forms and messages are made of. That one of them comes twice is an error here:
/// what such an object says depends on the reader (RFC 8259 section 4).
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
