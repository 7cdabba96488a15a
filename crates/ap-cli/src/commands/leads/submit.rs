//! `ap leads submit`: one lead for each row, never sent twice.

use activeprospect::Error;
use activeprospect::ap_core::redact;
use activeprospect::api::Id;
use activeprospect::api::leadconduit::submission::{self, Submit};
use serde_json::{Map, Value};

use crate::bulk::input::row::{Fields, RowProblem};
use crate::bulk::input::source::Source;
use crate::bulk::input::{InputFormat, Renamed, Selection};
use crate::bulk::job::{Job, Prepared, Verdict};
use crate::bulk::options::BulkOptions;
use crate::bulk::{self, Identity};
use crate::commands::parse_id;
use crate::failure::Failure;
use crate::options::GlobalOptions;
use crate::output::{self, Printed};
use crate::session::Session;

/// Submits a lead for each row of a CSV file with a header, or for each JSON object. The names of the columns are
/// those of the fields, unless --map gives a column another one; empty fields are left out. Or it submits one lead by
/// its fields: -f email=robin@example.com -f phone_1=5125550100.
///
/// A lead is never sent twice. If it is not known if one was accepted, its status is "unknown": look for it before you
/// submit it again.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The flow's id.
    #[arg(value_name = "FLOW", value_parser = parse_id)]
    flow: Id,
    /// The id of the source's entity.
    #[arg(value_name = "SOURCE", value_parser = parse_id)]
    source: Id,
    #[command(flatten)]
    bulk: BulkOptions,
    /// A field of the one lead that is submitted instead of a file; can be repeated.
    #[arg(short, long = "field", value_name = "NAME=VALUE", value_parser = parse_field, conflicts_with_all = ["input", "input_format", "renamed"])]
    fields: Vec<(String, String)>,
    /// Send a column as this field, or leave it out if there is no FIELD; can be repeated.
    #[arg(long = "map", value_name = "COLUMN=FIELD", value_parser = parse_renamed)]
    renamed: Vec<Renamed>,
    /// Send the key too, for a source with Source Authentication.
    #[arg(long)]
    with_key: bool,
}

pub(super) fn run(args: &Args, options: &GlobalOptions) -> Result<Printed, Failure> {
    let mut session = Session::without_keys(options)?;
    let identity = Identity::new(
        "leads submit",
        [
            ("flow", args.flow.as_str().to_owned()),
            ("source", args.source.as_str().to_owned()),
        ],
    );
    let job = Leads {
        flow: args.flow.clone(),
        source: args.source.clone(),
        is_signed: args.with_key,
    };
    let selection = Selection::Record(args.renamed.clone());
    if args.fields.is_empty() {
        return bulk::run(&job, identity, selection, &args.bulk, &mut session);
    }
    let source = one_lead(&args.fields)?;
    let format = InputFormat::Jsonl;
    bulk::run_over(
        &job,
        identity,
        source,
        format,
        selection,
        &args.bulk,
        &mut session,
    )
}

/// Returns the fields of one lead as an input.
fn one_lead(fields: &[(String, String)]) -> Result<Source, Failure> {
    let mut members = Map::new();
    for (name, value) in fields {
        if members
            .insert(name.clone(), value.as_str().into())
            .is_some()
        {
            return Err(Failure::usage(
                format!("the field `{}` is there twice", redact::escape(name)),
                "name each field once",
            ));
        }
    }
    Source::of(output::json_line(&members)?.into_bytes(), "the lead")
}

fn parse_field(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write the name of a field, =, and its value, such as email=robin@example.com"),
    }
}

fn parse_renamed(text: &str) -> Result<Renamed, &'static str> {
    let (column, name) = text
        .rsplit_once('=')
        .filter(|(column, _)| !column.is_empty())
        .ok_or("write a column of the input, =, and the name of a field, such as Mobile=phone_1")?;
    Ok(Renamed {
        column: column.to_owned(),
        name: Some(name.to_owned()).filter(|name| !name.is_empty()),
    })
}

struct Leads {
    flow: Id,
    source: Id,
    is_signed: bool,
}

impl Job for Leads {
    fn columns(&self) -> &'static [&'static str] {
        &["outcome", "reason", "lead", "price"]
    }

    fn is_repeatable(&self) -> bool {
        false
    }

    fn needs_key(&self) -> bool {
        self.is_signed
    }

    fn shown<'a>(&self, _: &'a Fields) -> Option<&'a str> {
        None
    }

    fn call(&self, fields: &Fields) -> Result<Prepared, RowProblem> {
        let mut submit = Submit::new(self.flow.clone(), self.source.clone());
        let mut is_empty = true;
        for (name, value) in fields.0.iter().filter(|(_, value)| !value.is_empty()) {
            submit = submit.field(&**name, value.as_str());
            is_empty = false;
        }
        if is_empty {
            return Err(RowProblem::new("the lead has no field"));
        }
        if self.is_signed {
            submit = submit.with_key();
        }
        Ok(Prepared::new(submit, |answer| verdict(&answer)))
    }

    fn is_of_every_row(&self, error: &Error) -> bool {
        // The flow or the source is not there, or takes no leads in this way.
        let status = error.status().map(|status| status.as_u16());
        matches!(status, Some(403..=406 | 415))
    }
}

fn verdict(answer: &submission::Verdict) -> Verdict {
    let lead = answer.lead.as_ref().and_then(|lead| lead.id.as_ref());
    let members = [
        ("outcome", serde_json::to_value(&answer.outcome).ok()),
        ("reason", answer.reason.clone().map(Value::from)),
        ("lead", lead.map(|id| Value::from(id.as_str()))),
        (
            "price",
            answer
                .price
                .as_ref()
                .and_then(|price| serde_json::to_value(price).ok()),
        ),
    ];
    let members = members.into_iter();
    let members = members.filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Verdict {
        is_success: answer.outcome.is_success(),
        members: members.collect::<Map<_, _>>(),
    }
}
