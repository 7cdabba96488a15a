//! `ap lists`: suppression lists: are values on them, add and remove values.

mod change;
mod check;
mod values;

use activeprospect::Endpoint as _;
use activeprospect::api::ListName;
use activeprospect::api::suppressionlist::{CreateList, Lists};
use clap::Subcommand;

use super::confirmation::Confirmation;
use super::selection::Columns;
use super::single_call::{CallOptions, SingleCall};
use crate::failure::Failure;
use crate::options::GlobalOptions;
use crate::output::Printed;
use change::Change;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the account's lists.
    List(CallOptions),
    /// Create a list.
    Create(CreateArgs),
    /// Check which values are on a list.
    Check(values::Args),
    /// Add values to a list.
    Add(values::Args),
    /// Remove values from a list. Asks first.
    Remove(RemoveArgs),
}

#[derive(clap::Args, Debug)]
pub(crate) struct CreateArgs {
    /// The list's title.
    #[arg(value_name = "TITLE")]
    title: String,
    /// How long the list keeps a value, in seconds [default: for ever].
    #[arg(long, value_name = "SECONDS")]
    ttl: Option<u64>,
    #[command(flatten)]
    call: CallOptions,
}

#[derive(clap::Args, Debug)]
pub(crate) struct RemoveArgs {
    #[command(flatten)]
    values: values::Args,
    #[command(flatten)]
    confirmation: Confirmation,
}

const COLUMNS: Columns<'_> = &[
    ("name", "/url_name"),
    ("title", "/name"),
    ("values", "/count"),
    ("keeps for (s)", "/ttl"),
    ("id", "/id"),
];

pub(crate) fn run(command: &Command, options: &GlobalOptions) -> Result<Printed, Failure> {
    match command {
        Command::List(call) => SingleCall::new(Lists::new().draft(), COLUMNS).run(call, options),
        Command::Create(args) => {
            let create = CreateList::new(&args.title);
            let create = match args.ttl {
                Some(seconds) => create.ttl(seconds),
                None => create,
            };
            SingleCall::new(create.draft(), COLUMNS).run(&args.call, options)
        }
        Command::Check(args) => check::run(args, options),
        Command::Add(args) => change::run(Change::Add, args, options),
        Command::Remove(args) => {
            if !args.values.preview.is_wanted() {
                let question = "remove the value of every row from this list?";
                args.confirmation.ask(question)?;
            }
            change::run(Change::Remove, &args.values, options)
        }
    }
}

/// Parses a list's name in URLs.
fn parse_list(text: &str) -> Result<ListName, &'static str> {
    ListName::parse(text)
        .map_err(|_| "write the name that the list has in URLs, such as do_not_call; `ap lists list` shows it")
}
