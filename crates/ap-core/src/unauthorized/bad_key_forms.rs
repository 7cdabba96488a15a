//! [`BAD_KEY_FORMS`]: every answer by which a product says that a key is bad, with its source.

use http::StatusCode;

use crate::product::Product;

/// One answer that a product is known to send for a bad key: a status, and a form of body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BadKeyForm {
    /// The product that sends it; `None` if any of them may.
    pub product: Option<Product>,
    /// The status: 401 or 403.
    pub status: StatusCode,
    /// The form of the body.
    pub body: BadKeyBody,
    /// The source of this fact.
    pub source: &'static str,
    /// How far the source can be trusted.
    pub trust: Trust,
}

/// The form of a body. Media types and other headers say nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadKeyBody {
    /// A JSON object with members of these names and texts; other members are ignored. A member of a nested
    /// object is written `outer.inner`.
    Members(&'static [(&'static str, &'static str)]),
    /// This text, byte for byte.
    Text(&'static str),
}

/// How far the source of a [`BadKeyForm`] can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trust {
    /// The vendor documents it.
    Documented,
    /// The vendor's own programs, or their tests, expect it.
    VendorCode,
    /// It is what the software does that the product is built on. The vendor does not mention it.
    Inferred,
}

/// Every answer that counts as a bad key. Nothing else does.
///
/// A free account, or a plan without the resource, also gets a 401 or 403. Treating that as a bad key would
/// stop the use of a good one. The exchange tries another key for these forms alone.
///
/// ```
/// use ap_core::unauthorized::{BAD_KEY_FORMS, Trust};
///
/// for form in BAD_KEY_FORMS.iter().filter(|form| form.trust == Trust::Documented) {
///     println!("{} {:?}, see {}", form.status, form.body, form.source);
/// }
/// ```
///
/// To add a form, add a row here with its source, and rows to `vectors/unauthorized.json`. Their number is in
/// `tests/vectors.rs`, and `is_bad_key` in `tests/properties.rs` states the rule in another way: it needs a line too. A new
/// member name also goes into `Members`, at the end of `unauthorized/mod.rs`. A new status changes `Unauthorized`, which
/// knows 401 and 403.
pub const BAD_KEY_FORMS: &[BadKeyForm] = &[
    BadKeyForm {
        product: None,
        status: StatusCode::UNAUTHORIZED,
        body: BadKeyBody::Members(&[("error", "authentication failed")]),
        source: "developers.activeprospect.com/docs/authentication",
        trust: Trust::Documented,
    },
    BadKeyForm {
        product: Some(Product::TrustedForm),
        status: StatusCode::UNAUTHORIZED,
        body: BadKeyBody::Members(&[("outcome", "error"), ("reason", "Unauthorized")]),
        source: "TrustedForm API 4.0, OpenAPI description, response Unauthorized",
        trust: Trust::Documented,
    },
    BadKeyForm {
        product: Some(Product::TrustedForm),
        status: StatusCode::UNAUTHORIZED,
        body: BadKeyBody::Members(&[
            ("errors.detail", "Unauthorized"),
            ("message", "Unauthorized"),
        ]),
        source: "github.com/activeprospect/leadconduit-integration-trustedform, test/consent_spec.js",
        trust: Trust::VendorCode,
    },
    // A support article has the status, the client's tests have the body.
    BadKeyForm {
        product: Some(Product::TrustedForm),
        status: StatusCode::FORBIDDEN,
        body: BadKeyBody::Members(&[("error", "Invalid Authentication")]),
        source: "support.activeprospect.com, TrustedForm troubleshooting; \
                 github.com/activeprospect/trustedform-client, test/claim_spec.js",
        trust: Trust::VendorCode,
    },
    BadKeyForm {
        product: Some(Product::SuppressionList),
        status: StatusCode::UNAUTHORIZED,
        body: BadKeyBody::Members(&[("message", "HTTP Basic: Access denied")]),
        source: "github.com/activeprospect/leadconduit-integration-suppressionlist, lib/ui/api/lists.js",
        trust: Trust::VendorCode,
    },
    BadKeyForm {
        product: Some(Product::SuppressionList),
        status: StatusCode::UNAUTHORIZED,
        body: BadKeyBody::Text("HTTP Basic: Access denied.\n"),
        source: "Ruby on Rails, ActionController::HttpAuthentication::Basic",
        trust: Trust::Inferred,
    },
];
