//! The certificate that a request is about, its moments, and the URL of its masked one.

use jiff::Timestamp;

use super::refusal::Refusal;
use crate::Product;
use crate::example_data::certificates::{Certificate, Kind, Times};
use crate::state::Shared;
use crate::state::certificates::Certificates;

/// Returns the certificate with this id, if there is one that has not expired.
pub(super) fn find(id: &str) -> Result<Certificate, Refusal> {
    let certificate = Certificate::parse(id).ok_or(Refusal::MalformedId)?;
    match certificate.kind {
        None => Err(Refusal::NotFound),
        Some(Kind::Expired) => Err(Refusal::Expired),
        Some(_) => Ok(certificate),
    }
}

pub(super) fn times(certificates: &Certificates, id: &str) -> Times {
    Times {
        created_at: certificates.created_at(),
        expires_at: certificates.expires_at(id),
        now: Timestamp::now(),
    }
}

/// Returns where this emulator has the masked certificate that belongs to this one.
pub(super) fn masked_url(shared: &Shared, certificate: &Certificate) -> Option<String> {
    let url = shared.addresses.url(Product::TrustedForm);
    Some(format!("{url}/{}", certificate.masked_id()?))
}
