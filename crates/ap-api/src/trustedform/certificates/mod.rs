//! Certificates: match the lead, retain, get insights, and verify, in one request.
//!
//! Retain a certificate and act on the outcome:
//!
//! ```
//! use ap_api::Outcome;
//! use ap_api::trustedform::certificates::{CertificateId, MatchLead, Results, Retain, Run};
//! use ap_core::{Endpoint, Error};
//!
//! # fn call<E: Endpoint>(endpoint: E) -> Result<E::Output, Error> {
//! #     let body = r#"{"outcome":"failure","reason":"No matches found","match_lead":{"email":"a@b.example",
//! #         "result":{"email_match":false,"phone_match":null,"success":false}},"retain":{"results":{
//! #         "expires_at":"2031-11-26T00:00:00Z","masked_cert_url":null,"previously_retained":false}}}"#;
//! #     endpoint.decode(http::Response::new(body.into()).into())
//! # }
//! // The URL comes with the lead, from a stranger. It is checked, and the key goes to no other host.
//! let url = "https://cert.trustedform.com/0123456789abcdef0123456789abcdef01234567";
//! let run = Run::new(CertificateId::from_url(url)?)
//!     .match_lead(MatchLead::new().email("a@b.example"))
//!     .retain(Retain::new().reference("lead 17"));
//!
//! let results: Results = call(run)?; // client.call(run)
//! match &results.outcome {
//!     Outcome::Success => println!("retained"),
//!     // The response has status 200 all the same.
//!     _ if results.is_retained() => println!("retained, but: {:?}", results.reason),
//!     _ => println!("not retained: {:?}", results.reason),
//! }
//! # assert!(results.is_retained());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod certificate_id;
mod parameters;
mod results;
mod run;

pub use certificate_id::{CertificateId, InvalidCertificate};
pub use parameters::{Insights, MatchLead, OptInType, Property, Retain, Verify};
pub use results::{
    Browser, Geo, InputMethod, InsightsResults, InsightsValues, Language, MatchLeadResult,
    MatchLeadResults, OperatingSystem, Results, RetainResult, RetainResults, ScanMatches,
    ScanResult, Scans, ScansResult, VerifyResult, VerifyResults, Version,
};
pub use run::Run;
