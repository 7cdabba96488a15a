//! [`Run`]: operations on a certificate, in one request.

use ap_core::{Call, Draft, Endpoint, Error, Response, Service};
use http::HeaderValue;
use serde::Serialize;

use super::{CertificateId, Insights, MatchLead, Results, Retain, Verify};
use crate::operation::{Operation, debug_as_operation};

/// Runs operations on a certificate: any of the four, in one request.
///
/// - [`match_lead`](Self::match_lead) compares the lead with what is on the certificate. Retaining needs it, but its
///   result does not keep a certificate from being retained.
/// - [`retain`](Self::retain) stores the certificate in your account, for 5 years by default. Do it within 72 hours, or
///   within 90 days if the form was submitted. Sandbox certificates cannot be retained.
/// - [`insights`](Self::insights) returns properties of the event, and searches the page.
/// - [`verify`](Self::verify) checks the consent.
///
/// The request has `Api-Version: 4.0`, because the results are of that version, whatever the account's setting is.
/// Retaining what is retained changes nothing, and the vendor advises to repeat a call after a timeout or a 5xx, so this
/// may be sent again.
///
/// The output is [`Results`]. Its `outcome` decides, not the status: a 200 can be a failure, and an answer about this
/// certificate with another status (404 expired or unknown, 405 sandbox, 406, 410, 422 retained too often) is an output
/// with its outcome too, if it has one. Other statuses are errors: they are about the request, the key or the plan.
///
/// `POST /{cert_id}`, documented: <https://developers.activeprospect.com/api-reference/certificate-url/run-certificate-operations>
///
/// Documented error statuses: 400 malformed id or no usable plan, 401 bad key, 402 inactive account, 403 operation not in
/// the plan, 404, 405, 406, 410, 422.
#[derive(Clone)]
#[must_use = "an endpoint does nothing until a client calls it"]
pub struct Run {
    certificate: CertificateId,
    body: Operations,
}

#[derive(Clone, Default, Serialize)]
struct Operations {
    #[serde(skip_serializing_if = "Option::is_none")]
    match_lead: Option<MatchLead>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retain: Option<Retain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    insights: Option<Insights>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verify: Option<Verify>,
}

impl Run {
    /// What is known of this operation.
    pub const OPERATION: Operation = Operation::new(
        "POST",
        "/{cert_id}",
        "https://developers.activeprospect.com/api-reference/certificate-url/run-certificate-operations",
        &[400, 401, 402, 403, 404, 405, 406, 410, 422],
    )
    .of(Service::TrustedForm);

    /// Creates the endpoint, still without an operation.
    pub fn new(certificate: impl Into<CertificateId>) -> Self {
        Self {
            certificate: certificate.into(),
            body: Operations::default(),
        }
    }

    /// Compares the lead with the certificate.
    pub fn match_lead(mut self, parameters: MatchLead) -> Self {
        self.body.match_lead = Some(parameters);
        self
    }

    /// Stores the certificate. It needs [`match_lead`](Self::match_lead) as well.
    pub fn retain(mut self, parameters: Retain) -> Self {
        self.body.retain = Some(parameters);
        self
    }

    /// Returns properties of the event, and searches the page.
    pub fn insights(mut self, parameters: Insights) -> Self {
        self.body.insights = Some(parameters);
        self
    }

    /// Checks the consent.
    pub fn verify(mut self, parameters: Verify) -> Self {
        self.body.verify = Some(parameters);
        self
    }

    /// Returns the same call, decoded into a type of your own. Every error status is an error there.
    pub fn output<T>(&self) -> Call<T> {
        Call::new(self.draft())
    }
}

impl Operations {
    fn problem(&self) -> Option<&'static str> {
        let has_one = self.match_lead.is_some() || self.insights.is_some() || self.verify.is_some();
        if self.retain.is_some() && self.match_lead.is_none() {
            return Some("retaining a certificate needs the lead's email address or phone number");
        }
        if !has_one {
            return Some("no operation on the certificate was chosen");
        }
        let match_lead = self.match_lead.as_ref().and_then(MatchLead::problem);
        match_lead
            .or_else(|| self.insights.as_ref().and_then(Insights::problem))
            .or_else(|| self.verify.as_ref().and_then(Verify::problem))
    }
}

impl Endpoint for Run {
    type Output = Results;

    fn draft(&self) -> Draft {
        let draft = Self::OPERATION
            .draft(&[&self.certificate])
            .header("api-version", HeaderValue::from_static("4.0"))
            .json(&self.body)
            .repeatable();
        match self.body.problem() {
            Some(problem) => draft.refuse(problem),
            None => draft,
        }
    }

    fn decode(&self, response: Response) -> Result<Results, Error> {
        let is_about_certificate =
            matches!(response.status().as_u16(), 404 | 405 | 406 | 410 | 422);
        if is_about_certificate && let Ok(results) = response.json() {
            return Ok(results);
        }
        response.error_for_status()?.json()
    }
}

debug_as_operation!(Run);
