//! `ap certs`: operations on TrustedForm certificates, for each row or for one on the command line.

mod single;

use activeprospect::api::trustedform::certificates::{
    CertificateId, Insights, InvalidCertificate, MatchLead, Property, Results, Retain, Run, Verify,
};
use activeprospect::{Origins, Service};
use clap::{Arg, Subcommand};
use serde_json::{Map, Value, json};

use crate::bulk::input::row::{Fields, RowProblem, VALUE};
use crate::bulk::input::source::Source;
use crate::bulk::input::{InputFormat, Need, Role, Selection};
use crate::bulk::job::{Job, Prepared, Verdict};
use crate::bulk::options::BulkOptions;
use crate::bulk::{self, Identity};
use crate::commands::row_preview;
use crate::commands::single_call::CallOptions;
use crate::failure::Failure;
use crate::options::GlobalOptions;
use crate::output::Printed;
use crate::session::Session;

/// Operations on certificates: for each row of a file, or for one on the command line.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Retain certificates: store them in your account. Needs the lead's email address or phone number.
    Retain(RetainArgs),
    /// Compare leads with their certificates, without retaining them.
    Match(MatchArgs),
    /// Get properties of certificates. Each property is billed.
    Insights(InsightsArgs),
    /// Check the consent of certificates.
    Verify(VerifyArgs),
}

/// Where the certificates are.
#[derive(clap::Args, Debug)]
pub(crate) struct CertOptions {
    #[command(flatten)]
    bulk: BulkOptions,
    /// The column with the certificate's URL or id [default: a usual name].
    #[arg(long, value_name = "COLUMN")]
    cert: Option<String>,
    #[command(flatten)]
    call: CallOptions,
}

/// Where the leads are.
#[derive(clap::Args, Debug)]
pub(crate) struct LeadOptions {
    /// The column with the lead's email address [default: a usual name]; of one certificate, the address itself.
    #[arg(long, value_name = "COLUMN")]
    email: Option<String>,
    /// The column with the lead's phone number [default: a usual name]; of one certificate, the number itself.
    #[arg(long, value_name = "COLUMN")]
    phone: Option<String>,
    /// Send SHA-1 of the email address and the phone number, computed here.
    #[arg(long)]
    sha1: bool,
}

#[derive(clap::Args, Debug)]
#[command(mut_arg("input", certificate_or_file))]
pub(crate) struct RetainArgs {
    #[command(flatten)]
    certs: CertOptions,
    #[command(flatten)]
    lead: LeadOptions,
    /// The column with a text of yours, by which you find the lead again; of one certificate, the text itself.
    #[arg(long, value_name = "COLUMN")]
    reference: Option<String>,
    /// Who the leads came from.
    #[arg(long, value_name = "TEXT")]
    vendor: Option<String>,
}

#[derive(clap::Args, Debug)]
#[command(mut_arg("input", certificate_or_file))]
pub(crate) struct MatchArgs {
    #[command(flatten)]
    certs: CertOptions,
    #[command(flatten)]
    lead: LeadOptions,
}

#[derive(clap::Args, Debug)]
#[command(mut_arg("input", certificate_or_file))]
pub(crate) struct InsightsArgs {
    #[command(flatten)]
    certs: CertOptions,
    /// A property, such as age_seconds or page_url; can be repeated.
    #[arg(long = "property", value_name = "NAME", required = true)]
    properties: Vec<String>,
}

#[derive(clap::Args, Debug)]
#[command(mut_arg("input", certificate_or_file))]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    certs: CertOptions,
    /// The advertiser that the consent must name.
    #[arg(long, value_name = "NAME")]
    advertiser: Option<String>,
}

/// Describes what may be given instead of rows.
fn certificate_or_file(input: Arg) -> Arg {
    input.value_name("URL|FILE").help(
        "The URL or the id of one certificate; or a file with the rows, or - for standard input",
    )
}

/// What is done with each certificate.
enum Operation {
    Retain {
        vendor: Option<String>,
        is_hashed: bool,
    },
    Match {
        is_hashed: bool,
    },
    Insights(Vec<Property>),
    Verify(Option<String>),
}

pub(crate) fn run(command: &Command, options: &GlobalOptions) -> Result<Printed, Failure> {
    let (name, certs, lead, reference, operation) = match command {
        Command::Retain(args) => (
            "certs retain",
            &args.certs,
            Some(&args.lead),
            args.reference.as_ref(),
            Operation::Retain {
                vendor: args.vendor.clone(),
                is_hashed: args.lead.sha1,
            },
        ),
        Command::Match(args) => {
            let is_hashed = args.lead.sha1;
            let operation = Operation::Match { is_hashed };
            (
                "certs match",
                &args.certs,
                Some(&args.lead),
                None,
                operation,
            )
        }
        Command::Insights(args) => {
            let properties = args
                .properties
                .iter()
                .map(|name| Property::from(name.as_str()));
            let operation = Operation::Insights(properties.collect());
            ("certs insights", &args.certs, None, None, operation)
        }
        Command::Verify(args) => {
            let operation = Operation::Verify(args.advertiser.clone());
            ("certs verify", &args.certs, None, None, operation)
        }
    };
    let mut session = Session::without_keys(options)?;
    let target = (&session, Service::TrustedForm);
    let identity = Identity::new(name, target, [("operation", operation.describe())]);
    let job = Certificates {
        operation,
        origins: session.client.origins().clone(),
    };
    if let Some(certificate) = single::certificate(certs) {
        let fields = single::fields(certificate, certs, lead, reference)?;
        return single::run(&job, &fields, &certs.call, &mut session);
    }
    if certs.call.has_answer_options() {
        return Err(Failure::usage(
            "--json, --jq and --fields are for one certificate, which is given as a URL",
            "leave them out: the results of several certificates are JSON, one object a line",
        ));
    }
    let selection = selection(certs, lead, reference)?;
    let preview = certs.call.preview;
    if preview.is_wanted() {
        return row_preview::show(preview, &job, selection, &certs.bulk, &mut session);
    }
    bulk::run(&job, identity, selection, &certs.bulk, &mut session)
}

/// Returns which columns are used. Plain lines have the certificate alone.
fn selection(
    certs: &CertOptions,
    lead: Option<&LeadOptions>,
    reference: Option<&String>,
) -> Result<Selection, Failure> {
    let is_lines = certs.bulk.input_format() == InputFormat::Lines;
    if is_lines && lead.is_none() && certs.cert.is_none() {
        return Ok(Selection::Value(None));
    }
    if is_lines {
        if certs.bulk.input.as_os_str() != "-" {
            // A file that is not there is the first thing to say.
            Source::open(&certs.bulk.input)?;
        }
        return Err(Failure::usage(
            "plain lines have no columns for a certificate and its lead",
            "give a CSV file with a header or JSON objects, and say so with --input-format if it is standard input",
        ));
    }
    let role = |name, option, wanted: Option<&String>, usual, need| Role {
        name,
        option,
        wanted: wanted.cloned(),
        usual,
        need,
    };
    let mut roles = vec![role(
        CERTIFICATE,
        "--cert",
        certs.cert.as_ref(),
        &[
            "trustedform_cert_url",
            "xxTrustedFormCertUrl",
            "certificate_url",
            "cert_url",
            "certificate",
            "cert",
        ],
        Need::Required,
    )];
    if let Some(lead) = lead {
        let emails = &["email", "email_address", "email_1"];
        let phones = &["phone_1", "phone", "phone_number", "phone1"];
        let need = Need::OneOfThese;
        roles.push(role(EMAIL, "--email", lead.email.as_ref(), emails, need));
        roles.push(role(PHONE, "--phone", lead.phone.as_ref(), phones, need));
    }
    if reference.is_some() {
        roles.push(role(
            REFERENCE,
            "--reference",
            reference,
            &[],
            Need::Optional,
        ));
    }
    Ok(Selection::Roles(roles))
}

const CERTIFICATE: &str = "certificate";
const EMAIL: &str = "email";
const PHONE: &str = "phone";
const REFERENCE: &str = "reference";

struct Certificates {
    operation: Operation,
    origins: Origins,
}

impl Job for Certificates {
    fn columns(&self) -> &'static [&'static str] {
        match self.operation {
            Operation::Retain { .. } => &[
                "outcome",
                "reason",
                "expires_at",
                "masked_cert_url",
                "previously_retained",
            ],
            Operation::Match { .. } => &["outcome", "reason", "email_match", "phone_match"],
            Operation::Insights(_) => &["outcome", "reason", "properties"],
            Operation::Verify(_) => &["outcome", "reason", "verify"],
        }
    }

    fn shown<'a>(&self, fields: &'a Fields) -> Option<&'a str> {
        certificate(fields)
    }

    fn call(&self, fields: &Fields) -> Result<Prepared, RowProblem> {
        let text = certificate(fields).map(str::trim);
        let text = text.filter(|text| !text.is_empty());
        let text =
            text.ok_or_else(|| RowProblem::new("it has no certificate").in_column(CERTIFICATE))?;
        let certificate = match text.contains("://") {
            true => match CertificateId::from_url_at(text, &self.origins) {
                // Forms have the vendor's URL, whichever origin is called. Only the id of it is sent there.
                Err(InvalidCertificate::Elsewhere) => CertificateId::from_url(text),
                certificate => certificate,
            },
            false => text.parse(),
        };
        let certificate = certificate
            .map_err(|error| RowProblem::new(error.to_string()).in_column(CERTIFICATE))?;
        let run = Run::new(certificate);
        let run = match &self.operation {
            Operation::Retain { vendor, is_hashed } => {
                let mut retain = Retain::new();
                if let Some(reference) = fields.get(REFERENCE) {
                    retain = retain.reference(reference);
                }
                if let Some(vendor) = vendor {
                    retain = retain.vendor(vendor);
                }
                run.match_lead(lead(fields, *is_hashed)?).retain(retain)
            }
            Operation::Match { is_hashed } => run.match_lead(lead(fields, *is_hashed)?),
            Operation::Insights(properties) => {
                run.insights(Insights::new(properties.iter().cloned()))
            }
            Operation::Verify(advertiser) => run.verify(match advertiser {
                Some(advertiser) => Verify::new().advertiser_name(advertiser),
                None => Verify::new(),
            }),
        };
        Ok(Prepared::new(run, |results| verdict(&results)))
    }
}

/// Returns the certificate of a row as it is written there: the column that has it, or a plain line.
fn certificate(fields: &Fields) -> Option<&str> {
    fields.text(CERTIFICATE).or_else(|| fields.text(VALUE))
}

impl Operation {
    /// Describes it in the same way in every version, for the journal.
    fn describe(&self) -> String {
        let described = match self {
            Self::Retain { vendor, is_hashed } => json!([vendor, is_hashed]),
            Self::Match { is_hashed } => json!(is_hashed),
            Self::Insights(properties) => {
                let names = properties.iter().map(Property::as_str);
                json!(names.collect::<Vec<_>>())
            }
            Self::Verify(advertiser) => json!(advertiser),
        };
        described.to_string()
    }
}

/// Returns the lead of a row.
fn lead(fields: &Fields, is_hashed: bool) -> Result<MatchLead, RowProblem> {
    let (email, phone) = (fields.get(EMAIL), fields.get(PHONE));
    if email.is_none() && phone.is_none() {
        return Err(RowProblem::new(
            "it has neither an email address nor a phone number",
        ));
    }
    let mut lead = MatchLead::new();
    if let Some(email) = email {
        lead = if is_hashed {
            lead.hashed_email(email)
        } else {
            lead.email(email)
        };
    }
    if let Some(phone) = phone {
        lead = if is_hashed {
            lead.hashed_phone(phone)
        } else {
            lead.phone(phone)
        };
    }
    Ok(lead)
}

fn verdict(results: &Results) -> Verdict {
    let mut members = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            members.insert(name.to_owned(), value);
        }
    };
    let json = |value: serde_json::Result<Value>| value.ok();
    put("outcome", json(serde_json::to_value(&results.outcome)));
    put("reason", results.reason.clone().map(Value::from));
    if let Some(result) = results
        .retain
        .as_ref()
        .and_then(|retain| retain.results.as_ref())
    {
        put("expires_at", json(serde_json::to_value(&result.expires_at)));
        put(
            "masked_cert_url",
            result.masked_cert_url.clone().map(Value::from),
        );
        put(
            "previously_retained",
            result.was_retained_before().map(Value::from),
        );
    }
    if let Some(result) = results
        .match_lead
        .as_ref()
        .and_then(|lead| lead.result.as_ref())
    {
        put("email_match", result.email_match.map(Value::from));
        put("phone_match", result.phone_match.map(Value::from));
    }
    if let Some(insights) = &results.insights {
        put(
            "properties",
            json(serde_json::to_value(&insights.properties)),
        );
    }
    if let Some(verify) = &results.verify {
        put("verify", json(serde_json::to_value(verify)));
    }
    Verdict {
        is_success: results.outcome.is_success(),
        members,
    }
}
