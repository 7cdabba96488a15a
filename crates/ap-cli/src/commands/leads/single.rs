//! `ap leads ping` and `feedback`, and `ap leads submit` with one lead on the command line: one call each, never repeated.

use activeprospect::api::Id;
use activeprospect::api::leadconduit::submission::{Feedback, FeedbackType, Ping, Submit};
use activeprospect::{Draft, Endpoint as _};

use crate::commands::body::{Body, BodyOptions};
use crate::commands::members::{MemberOptions, Names};
use crate::commands::raw_object::RawObject;
use crate::commands::selection::Columns;
use crate::commands::single_call::{CallOptions, SingleCall, by_outcome};
use crate::commands::{parse_entity, parse_flow, parse_id};
use crate::failure::Failure;
use crate::keys::Prompt;
use crate::options::GlobalOptions;
use crate::output::Printed;

#[derive(clap::Args, Debug)]
pub(crate) struct PingArgs {
    /// The flow's id, which `ap flows list` shows.
    #[arg(value_name = "FLOW", value_parser = parse_flow)]
    flow: Id,
    /// The id of the source's entity, which `ap entities list` shows.
    #[arg(value_name = "SOURCE", value_parser = parse_entity)]
    source: Id,
    #[command(flatten)]
    lead: BodyOptions,
    /// Send the key too, for a source with Source Authentication.
    #[arg(long)]
    with_key: bool,
    #[command(flatten)]
    call: CallOptions,
}

#[derive(clap::Args, Debug)]
pub(crate) struct FeedbackArgs {
    /// The id of the recipient's event, which recipients get as event_id.
    #[arg(value_name = "EVENT", value_parser = parse_id)]
    event: Id,
    /// What is said of the lead: return or conversion.
    #[arg(value_name = "TYPE", value_parser = ["return", "conversion"], hide_possible_values = true)]
    kind: String,
    /// The reason.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    call: CallOptions,
}

const BID: Columns<'_> = &[
    ("outcome", "/outcome"),
    ("reason", "/reason"),
    ("price", "/price"),
];

const VERDICT: Columns<'_> = &[
    ("outcome", "/outcome"),
    ("reason", "/reason"),
    ("lead", "/lead/id"),
    ("price", "/price"),
];

/// Says what to do about a flow or a source that is not found, and about a source that wants a key.
pub(super) fn explained(failure: Failure, is_signed: bool) -> Failure {
    failure
        .hint_if_not_found("check both ids; `ap flows list` and `ap entities list` show them")
        .hint_of_source(is_signed)
}

pub(super) fn ping(args: &PingArgs, options: &GlobalOptions) -> Result<Printed, Failure> {
    if args.lead.is_empty() {
        return Err(Failure::usage(
            "there is no lead",
            "give its fields with -f NAME=VALUE, or name a file with a JSON object",
        ));
    }
    let ping = Ping::new(args.flow.clone(), args.source.clone());
    let ping = ping.field(STAND_IN, "");
    let ping = match args.with_key {
        true => ping.with_key(),
        false => ping,
    };
    let lead = args.lead.read(Names::Any)?;
    call(ping.draft(), lead, args.lead.prompt(), BID)?
        .run(&args.call, options)
        .map_err(|failure| explained(failure, args.with_key))
}

/// Submits one lead.
pub(super) fn submit(
    flow: &Id,
    source: &Id,
    is_signed: bool,
    lead: &MemberOptions,
    call_options: &CallOptions,
    options: &GlobalOptions,
) -> Result<Printed, Failure> {
    let submit = Submit::new(flow.clone(), source.clone());
    let submit = submit.field(STAND_IN, "");
    let submit = match is_signed {
        true => submit.with_key(),
        false => submit,
    };
    let prompt = match lead.read_standard_input() {
        true => Prompt::Never,
        false => Prompt::Allowed,
    };
    let lead = Body {
        text: lead.parse()?.build()?.into_json()?,
        file: None,
    };
    call(submit.draft(), lead, prompt, VERDICT)?
        .run(call_options, options)
        .map_err(|failure| explained(failure, is_signed))
}

pub(super) fn feedback(args: &FeedbackArgs, options: &GlobalOptions) -> Result<Printed, Failure> {
    let kind = FeedbackType::from(args.kind.as_str());
    let feedback = Feedback::new(args.event.clone(), kind);
    let feedback = match &args.reason {
        Some(reason) => feedback.reason(reason),
        None => feedback,
    };
    SingleCall::new(feedback.draft(), VERDICT)
        .decided_by(by_outcome)
        .run(&args.call, options)
        .map_err(|failure| {
            failure.hint_if_not_found(
                "the id is that of a recipient's event, of the type recipient in `ap events list`",
            )
        })
}

/// A field in place of the lead, which is put into the draft as text so that no number of it changes.
const STAND_IN: &str = "lead";

fn call(
    draft: Draft,
    lead: Body,
    prompt: Prompt,
    columns: Columns<'static>,
) -> Result<SingleCall<'static>, Failure> {
    if RawObject::parse(&lead.text).is_ok_and(|lead| lead.0.is_empty()) {
        return Err(Failure::usage(
            "the lead has no field",
            "give its fields with -f NAME=VALUE",
        ));
    }
    let call = SingleCall::new(draft.body(lead.text), columns);
    Ok(call.body_from(lead.file, prompt).decided_by(by_outcome))
}
