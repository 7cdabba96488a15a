//! Claims of the versions 2.0 and 3.0, which retain a certificate, and the records that they return.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::identifiers::{fingerprint, is_email, is_phone, sha1};
use super::page_scan::{Found, PageScan};
use super::refusal::Refusal;
use super::texts::Texts;
use crate::example_data::certificates::{self as examples, Certificate, Kind, Times, iso_8601};
use crate::{content_type, request_body};

/// The parameters of a claim.
#[derive(Debug, Default)]
pub(super) struct Claim {
    required: Vec<String>,
    forbidden: Vec<String>,
    delimiter: Option<String>,
    reference: Option<String>,
    vendor: Option<String>,
    /// Email addresses, phone numbers, and the SHA-1 of either.
    identifiers: Vec<String>,
}

/// The results that both versions show, each in its own members.
struct Checked<'a> {
    matching: Vec<String>,
    non_matching: Vec<String>,
    required: Found<'a>,
    forbidden: Found<'a>,
    warnings: Vec<&'static str>,
}

impl Claim {
    /// Parses a form or JSON.
    pub(super) fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Self, Refusal> {
        let mut claim = Self::default();
        if content_type::is_form(headers) {
            for (name, value) in request_body::form_members(body) {
                claim.add(&name, value);
            }
        } else if !body.is_empty() {
            let is_json = || serde_json::from_slice::<IgnoredAny>(body).is_ok();
            let members: BTreeMap<String, Texts> = match serde_json::from_slice(body) {
                Ok(members) => members,
                Err(_) if is_json() => return Err(Refusal::Templates),
                Err(_) => return Err(Refusal::SCHEMA),
            };
            for (name, texts) in members {
                for text in texts.as_slice() {
                    claim.add(&name, text.clone());
                }
            }
        }
        Ok(claim)
    }

    /// Adds a parameter by its name in either version. Others are ignored.
    fn add(&mut self, name: &str, value: String) {
        let name = name.strip_suffix("[]").unwrap_or(name);
        // `phone_2` is another `phone`.
        let name = name
            .strip_suffix(|last: char| last.is_ascii_digit())
            .and_then(|name| name.strip_suffix('_'))
            .unwrap_or(name);
        match name {
            "scan" | "required_scan_terms" => self.required.push(value),
            "scan!" | "forbidden_scan_terms" => self.forbidden.push(value),
            "scan_delimiter" => self.delimiter = Some(value),
            "reference" => self.reference = Some(value),
            "vendor" => self.vendor = Some(value),
            "email" | "phone" | "fingerprint" | "fingerprints" => self.identifiers.push(value),
            _ => {}
        }
    }

    fn check(&self) -> Checked<'_> {
        let (matching, non_matching): (Vec<&String>, Vec<&String>) = self
            .identifiers
            .iter()
            .partition(|value| is_email(value) || is_phone(value));
        let scan = PageScan::new(true, self.delimiter.as_deref());
        let (required, forbidden) = (scan.search(&self.required), scan.search(&self.forbidden));
        let mut warnings = Vec::new();
        if matching.is_empty() && !non_matching.is_empty() {
            warnings.push("none of the provided fingerprints match");
        }
        if !required.not_found.is_empty() {
            warnings.push("string not found in snapshot");
        }
        if !forbidden.found.is_empty() {
            warnings.push("string found in snapshot");
        }
        let fingerprints =
            |values: Vec<&String>| values.into_iter().map(|value| fingerprint(value)).collect();
        Checked {
            matching: fingerprints(matching),
            non_matching: fingerprints(non_matching),
            required,
            forbidden,
            warnings,
        }
    }

    /// Returns the record of a claim of version 2.0.
    pub(super) fn record_v2(
        &self,
        certificate: &Certificate,
        times: Times,
        masked_url: Option<String>,
    ) -> Value {
        let checked = self.check();
        let found = [checked.required.found, checked.forbidden.found].concat();
        let not_found = [checked.required.not_found, checked.forbidden.not_found].concat();
        let id = sha1(&certificate.id);
        json!({
            "age": times.age_seconds(),
            "cert": examples::record_v2(certificate, times),
            "created_at": iso_8601(times.now),
            "expires_at": iso_8601(times.expires_at),
            "fingerprints": { "matching": checked.matching, "non_matching": checked.non_matching },
            // Ids have 24 hexadecimal digits.
            "id": id.get(..24),
            "masked": certificate.kind == Some(Kind::Masked),
            "masked_cert_url": masked_url,
            "page_id": examples::PAGE_ID,
            "reference": self.reference,
            "scans": { "found": found, "not_found": not_found },
            "share_url": null,
            "vendor": self.vendor,
            "warnings": checked.warnings,
        })
    }

    /// Returns the record of a claim of version 3.0.
    pub(super) fn record_v3(
        &self,
        certificate: &Certificate,
        times: Times,
        masked_url: Option<String>,
    ) -> Value {
        let mut record = self.ping_v3(certificate, times);
        record["masked_cert_url"] = json!(masked_url);
        record
    }

    /// Returns what a ping of version 3.0 shows.
    pub(super) fn ping_v3(&self, certificate: &Certificate, times: Times) -> Value {
        let checked = self.check();
        let reason = checked.warnings.first();
        json!({
            "cert": examples::record_v3(certificate, times),
            "fingerprints": { "matching": checked.matching, "non_matching": checked.non_matching },
            "is_masked": certificate.kind == Some(Kind::Masked),
            "outcome": if reason.is_none() { "success" } else { "failure" },
            "reason": reason,
            "scans": {
                "forbidden_found": checked.forbidden.found,
                "forbidden_not_found": checked.forbidden.not_found,
                "required_found": checked.required.found,
                "required_not_found": checked.required.not_found,
            },
            "warnings": checked.warnings,
        })
    }
}
