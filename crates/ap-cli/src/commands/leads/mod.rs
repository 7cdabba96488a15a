//! `ap leads`: submits and searches leads, asks for bids, and gives feedback.

mod single;
mod submit;

use activeprospect::Endpoint as _;
use activeprospect::api::leadconduit::leads::Search;
use clap::Subcommand;

use super::selection::Columns;
use super::single_call::{CallOptions, SingleCall};
use crate::failure::Failure;
use crate::options::GlobalOptions;
use crate::output::Printed;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Search leads by words, newest first.
    Search(SearchArgs),
    /// Submit leads to a source of a flow.
    ///
    /// Each row of a CSV file with a header, or each JSON object, is a lead. A column is sent as the field of the same
    /// name, unless --map names another one; empty fields are left out. Brackets in the name of a column mean nothing.
    /// With -f or -F, it submits one lead, and shows the answer.
    ///
    /// With -o, a lead is never sent twice: the same command goes on where an earlier one ended. If it is not known if a
    /// lead was accepted, its status is "unknown": look for it before you submit it again.
    Submit(submit::Args),
    /// Ask for a bid on a lead before it is submitted.
    ///
    /// No lead is stored. The exit code is 1 if there is no bid.
    Ping(single::PingArgs),
    /// Return a lead, or report that it became a customer.
    ///
    /// The exit code is 1 if the feedback is not accepted.
    Feedback(single::FeedbackArgs),
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
    call: CallOptions,
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
            SingleCall::new(search.draft(), COLUMNS)
                .list_at("/hits")
                .run(&args.call, options)
        }
        Command::Submit(args) => submit::run(args, options),
        Command::Ping(args) => single::ping(args, options),
        Command::Feedback(args) => single::feedback(args, options),
    }
}
