//! `ap leads submit`: one lead for each row, never sent twice.

use activeprospect::api::Id;
use activeprospect::api::leadconduit::submission::{self, Submit};
use activeprospect::{Error, Service};
use serde_json::{Map, Value};

use super::single;
use crate::bulk::input::row::{Fields, RowProblem};
use crate::bulk::input::{Renamed, Selection};
use crate::bulk::job::{Job, Prepared, Verdict};
use crate::bulk::options::BulkOptions;
use crate::bulk::{self, Identity};
use crate::commands::members::MemberOptions;
use crate::commands::single_call::CallOptions;
use crate::commands::{parse_entity, parse_flow, row_preview};
use crate::failure::Failure;
use crate::limited_read::is_standard_input;
use crate::options::GlobalOptions;
use crate::output::Printed;
use crate::session::Session;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The flow's id, which `ap flows list` shows.
    #[arg(value_name = "FLOW", value_parser = parse_flow)]
    flow: Id,
    /// The id of the source's entity, which `ap entities list` shows.
    #[arg(value_name = "SOURCE", value_parser = parse_entity)]
    source: Id,
    #[command(flatten)]
    bulk: BulkOptions,
    /// Send a column as this field, or leave it out if there is no FIELD, such as --map Mobile=phone_1 --map Notes=; can be
    /// repeated.
    #[arg(long = "map", value_name = "COLUMN=FIELD", value_parser = parse_renamed)]
    renamed: Vec<Renamed>,
    #[command(flatten)]
    lead: MemberOptions,
    /// Send the key too, for a source with Source Authentication.
    #[arg(long)]
    with_key: bool,
    #[command(flatten)]
    call: CallOptions,
}

pub(super) fn run(args: &Args, options: &GlobalOptions) -> Result<Printed, Failure> {
    if !args.lead.is_empty() {
        let of_rows = match is_standard_input(&args.bulk.input) {
            true => args.bulk.first_given(),
            false => Some("a file"),
        };
        let has_map = !args.renamed.is_empty();
        if let Some(of_rows) = of_rows.or_else(|| has_map.then_some("--map")) {
            return Err(Failure::usage(
                format!("one lead is given with -f, and {of_rows}, which is for rows of leads"),
                "leave one of them out",
            ));
        }
        let Args {
            flow, source, lead, ..
        } = args;
        return single::submit(flow, source, args.with_key, lead, &args.call, options);
    }
    if args.call.has_answer_options() {
        return Err(Failure::usage(
            "--json, --jq and --fields are for one lead, which is given with -f",
            "leave them out: the results of several leads are JSON, one object a line",
        ));
    }
    let mut session = Session::without_keys(options)?;
    let identity = Identity::new(
        "leads submit",
        (&session, Service::LeadConduit),
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
    if args.call.preview.is_wanted() {
        let preview = args.call.preview;
        return row_preview::show(preview, &job, selection, &args.bulk, &mut session);
    }
    bulk::run(&job, identity, selection, &args.bulk, &mut session)
        .map_err(|failure| single::explained(failure, args.with_key))
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
