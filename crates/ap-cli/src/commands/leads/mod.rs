//! `ap leads`: submits and searches leads.

mod submit;

use activeprospect::Endpoint as _;
use activeprospect::api::leadconduit::leads::Search;
use clap::Subcommand;

use super::shown::{self, Columns, JsonOption};
use crate::failure::Failure;
use crate::options::GlobalOptions;
use crate::output::Printed;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Search leads by words, newest first.
    Search(SearchArgs),
    /// Submit leads to a source of a flow, each at most once.
    Submit(submit::Args),
}

#[derive(clap::Args, Debug)]
pub(crate) struct SearchArgs {
    /// What to search for, such as a name or an email address.
    #[arg(value_name = "WORDS")]
    words: String,
    /// How many leads to show, at most 100.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    /// How many leads to leave out from the beginning, at most 999.
    #[arg(long, value_name = "N", default_value_t = 0)]
    from: u32,
    #[command(flatten)]
    json: JsonOption,
}

const COLUMNS: Columns<'_> = &[
    ("lead", "/lead_id"),
    ("submitted", "/submission_timestamp"),
    ("first name", "/first_name"),
    ("last name", "/last_name"),
    ("email", "/email"),
    ("phone", "/phone_1"),
    ("flow", "/flow_name"),
    ("source", "/source_name"),
];

pub(crate) fn run(command: &Command, options: &GlobalOptions) -> Result<Printed, Failure> {
    match command {
        Command::Search(args) => {
            let search = Search::new(&args.words).newest_first();
            let search = search.limit(args.limit).from(args.from);
            shown::call_for_list(&search.draft(), "/hits", COLUMNS, args.json, options)
        }
        Command::Submit(args) => submit::run(args, options),
    }
}
