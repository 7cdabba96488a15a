//! The operations of version 4.0: match lead, retain, insights and verify, in one request.

use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::available::{find, masked_url, times};
use super::insights::Insights;
use super::match_lead::MatchLead;
use super::refusal::Refusal;
use super::verify::Verify;
use crate::content_type;
use crate::example_data::certificates::{Certificate, Kind, iso_8601};
use crate::state::Shared;
use crate::state::certificates::Retention;
use crate::state::plan::Plan;

#[derive(Debug, Default, Deserialize)]
struct Requested {
    match_lead: Option<MatchLead>,
    retain: Option<Retain>,
    insights: Option<Insights>,
    verify: Option<Verify>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Retain {
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign_id: Option<String>,
}

/// Runs what is requested on one certificate.
pub(super) fn run(
    shared: &Shared,
    id: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Value, Refusal> {
    if Certificate::parse(id).is_none() {
        return Err(Refusal::MalformedId);
    }
    let requested = Requested::parse(headers, body)?;
    let mut state = shared.lock();
    if state.plan == Plan::Free && requested.needs_plan() {
        return Err(Refusal::NotInPlan);
    }
    let certificate = find(id)?;
    let kind = certificate.kind.unwrap_or(Kind::Web);
    if requested.retain.is_some() {
        match kind {
            Kind::Sandbox => return Err(Refusal::NotClaimable),
            Kind::ClaimedTooOften => return Err(Refusal::ClaimedTooOften),
            _ => {}
        }
    }
    let mut results = json!({});
    let mut reasons: Vec<String> = Vec::new();
    if let Some(match_lead) = &requested.match_lead {
        let (matched, reason) = match_lead.run(kind)?;
        results["match_lead"] = matched;
        reasons.extend(reason.map(str::to_owned));
    }
    if let Some(insights) = &requested.insights {
        let (shown, reason) = insights.run(kind, times(&state.certificates, id))?;
        results["insights"] = shown;
        reasons.extend(reason.map(str::to_owned));
    }
    if let Some(verify) = &requested.verify {
        let (verified, reason) = verify.run(kind);
        results["verify"] = verified;
        reasons.extend(reason);
    }
    // The last, because nothing is retained if another operation cannot be run. That the lead does not match is no reason
    // not to retain.
    if let Some(retain) = &requested.retain {
        let retention = state.certificates.retain(id)?;
        results["retain"] = retain.results(retention, masked_url(shared, &certificate));
    }
    results["outcome"] = json!(if reasons.is_empty() {
        "success"
    } else {
        "failure"
    });
    results["reason"] = json!(reasons.first());
    Ok(results)
}

impl Requested {
    fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Self, Refusal> {
        let requested = match body {
            b"" => Self::default(),
            _ if content_type::is_json(headers) => {
                serde_json::from_slice(body).map_err(|_| Refusal::SCHEMA)?
            }
            _ => return Err(Refusal::SCHEMA),
        };
        requested.check()?;
        Ok(requested)
    }

    fn check(&self) -> Result<(), Refusal> {
        if self.match_lead.is_none() && self.retain.is_some() {
            return Err(Refusal::Invalid(
                "Match Lead fields not included in request.",
            ));
        }
        if self.match_lead.is_none() && !self.needs_plan() {
            return Err(Refusal::Invalid("No valid products detected"));
        }
        self.match_lead.as_ref().map_or(Ok(()), MatchLead::check)?;
        self.insights.as_ref().map_or(Ok(()), Insights::check)
    }

    /// Every operation but matching is one that an account pays for.
    const fn needs_plan(&self) -> bool {
        self.retain.is_some() || self.insights.is_some() || self.verify.is_some()
    }
}

impl Retain {
    fn results(&self, retention: Retention, masked_url: Option<String>) -> Value {
        let mut results = json!(self);
        results["results"] = json!({
            "expires_at": iso_8601(retention.expires_at),
            "masked_cert_url": masked_url,
            "previously_retained": retention.was_retained_before,
        });
        results
    }
}
