//! An operation on one certificate, which is given on the command line: one call, whose answer is shown.

use activeprospect::api::trustedform::certificates::CertificateId;

use super::{
    CERTIFICATE, CertOptions, Certificates, EMAIL, LeadOptions, Operation, PHONE, REFERENCE,
};
use crate::bulk::input::row::Fields;
use crate::bulk::job::Job as _;
use crate::commands::selection::Columns;
use crate::commands::single_call::{CallOptions, SingleCall, by_outcome};
use crate::failure::Failure;
use crate::output::Printed;
use crate::session::Session;

const OUTCOME: Columns<'_> = &[("outcome", "/outcome"), ("reason", "/reason")];

/// Returns the certificate, if one is given in place of a file.
pub(super) fn certificate(certs: &CertOptions) -> Option<&str> {
    let text = certs.bulk.input.to_str()?;
    let is_certificate = text.contains("://") || text.parse::<CertificateId>().is_ok();
    is_certificate.then_some(text)
}

/// Returns what a row of the certificate would have.
pub(super) fn fields(
    certificate: &str,
    certs: &CertOptions,
    lead: Option<&LeadOptions>,
    reference: Option<&String>,
) -> Result<Fields, Failure> {
    let has_column = certs.cert.is_some();
    let of_rows = certs.bulk.first_given();
    if let Some(of_rows) = of_rows.or_else(|| has_column.then_some("--cert")) {
        return Err(Failure::usage(
            format!("one certificate is given, and {of_rows}, which is for rows of certificates"),
            "leave one of them out",
        ));
    }
    let certificate = certificate.to_owned();
    let given = [
        (CERTIFICATE, Some(&certificate)),
        (EMAIL, lead.and_then(|lead| lead.email.as_ref())),
        (PHONE, lead.and_then(|lead| lead.phone.as_ref())),
        (REFERENCE, reference),
    ];
    let given = given.into_iter();
    let fields = given.filter_map(|(name, value)| Some((name.into(), value?.clone())));
    Ok(Fields(fields.collect()))
}

/// Makes the call of one row, and shows its answer.
pub(super) fn run(
    job: &Certificates,
    fields: &Fields,
    call: &CallOptions,
    session: &mut Session,
) -> Result<Printed, Failure> {
    let prepared = job.call(fields).map_err(|problem| {
        let hint = "give the URL as the form has it, and the lead with --email and --phone";
        Failure::usage(format!("the certificate: {}", problem.message), hint)
    })?;
    let columns = job.operation.columns();
    let columns: Vec<_> = columns
        .iter()
        .map(|(title, pointer)| (title.as_str(), pointer.as_str()))
        .collect();
    let columns = [OUTCOME, &columns].concat();
    SingleCall::new(prepared.draft, &columns)
        .decided_by(by_outcome)
        .run_in(session, call)
}

impl Operation {
    /// Returns the columns of the operation: titles, and where in the answer each value is.
    fn columns(&self) -> Vec<(String, String)> {
        let (place, names): (_, Vec<&str>) = match self {
            Self::Retain { .. } => (
                "/retain/results",
                vec!["expires_at", "masked_cert_url", "previously_retained"],
            ),
            Self::Match { .. } => ("/match_lead/result", vec!["email_match", "phone_match"]),
            Self::Insights(properties) => (
                "/insights/properties",
                properties
                    .iter()
                    .map(|property| property.as_str())
                    .collect(),
            ),
            Self::Verify(_) => (
                "/verify/result",
                vec![
                    "success",
                    "form_submitted",
                    "one_to_one",
                    "language_approved",
                ],
            ),
        };
        let column = |name: &&str| ((*name).to_owned(), format!("{place}/{name}"));
        names.iter().map(column).collect()
    }
}
