//! [`Refusal`]: why a request about a certificate is refused, in the form of each version.

use http::StatusCode;
use serde_json::json;

use ap_core::Service;

use super::version::Version;
use crate::response::{self, Response};
use crate::state::budget::Full;

/// Why a request about a certificate is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    MalformedId,
    /// The parameters are not those of an operation, for the reason that the vendor gives. Which status it gives is
    /// not documented.
    Invalid(&'static str),
    NotInPlan,
    NotFound,
    Expired,
    NotClaimable,
    ClaimedTooOften,
    Full,
    /// What the vendor responds is not documented.
    UnknownVersion,
    Templates,
}

impl From<Full> for Refusal {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

impl Refusal {
    /// The body does not have the members and types that are documented.
    pub(super) const SCHEMA: Self = Self::Invalid(
        "The request cannot be processed because it does not meet the expected schema.",
    );

    pub(super) fn respond(self, version: Version) -> Response {
        let (status, reason) = self.status_and_reason(version);
        let body = match version {
            _ if status == StatusCode::BAD_REQUEST => json!({
                "errors": { "detail": reason },
                "message": reason,
                "outcome": "error",
                "reason": reason,
            }),
            // The vendor's code says that this response has no text.
            Version::V2 | Version::V3 if status == StatusCode::GONE => json!({}),
            _ if status.is_server_error() => {
                return response::error(Service::TrustedForm, status, reason);
            }
            Version::V2 => json!({ "message": reason }),
            Version::V3 => json!({ "outcome": "failure", "reason": reason }),
            Version::V4 => json!({ "outcome": "error", "reason": reason }),
        };
        response::json(status, &body)
    }

    const fn status_and_reason(self, version: Version) -> (StatusCode, &'static str) {
        let is_v4 = matches!(version, Version::V4);
        match self {
            Self::MalformedId => (StatusCode::BAD_REQUEST, "Malformed certificate id"),
            Self::Invalid(reason) => (StatusCode::BAD_REQUEST, reason),
            Self::NotInPlan => (StatusCode::FORBIDDEN, "Unavailable product requested"),
            Self::NotFound | Self::Expired if is_v4 => (
                StatusCode::NOT_FOUND,
                "TrustedForm certificate has expired or could not be found",
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, "certificate not found"),
            Self::Expired => (StatusCode::GONE, ""),
            Self::NotClaimable if is_v4 => (
                StatusCode::METHOD_NOT_ALLOWED,
                "Certificate is not claimable",
            ),
            Self::NotClaimable => (StatusCode::METHOD_NOT_ALLOWED, "certificate not claimable"),
            Self::ClaimedTooOften if is_v4 => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "Certificate has been claimed too many times",
            ),
            Self::ClaimedTooOften => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "certificate has been claimed too many times",
            ),
            Self::Full => (
                StatusCode::INSUFFICIENT_STORAGE,
                "this emulator cannot remember more retained certificates",
            ),
            Self::UnknownVersion => (
                StatusCode::NOT_IMPLEMENTED,
                "this emulator serves the versions 2.0, 3.0 and 4.0; what the vendor responds to another is not documented",
            ),
            Self::Templates => (
                StatusCode::NOT_IMPLEMENTED,
                "the parameters of a claim are texts or lists of texts; this emulator does not serve templates",
            ),
        }
    }
}
