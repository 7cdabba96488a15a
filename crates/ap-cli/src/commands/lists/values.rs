//! What `ap lists check`, `add` and `remove` have in common: a value of each row, and the list that it is looked up on,
//! added to or removed from.

use activeprospect::Service;
use activeprospect::api::ListName;

use super::parse_list;
use crate::bulk::input::Selection;
use crate::bulk::input::row::{Fields, RowProblem};
use crate::bulk::job::Job;
use crate::bulk::options::BulkOptions;
use crate::bulk::{self, Identity};
use crate::commands::row_preview;
use crate::failure::Failure;
use crate::options::GlobalOptions;
use crate::output::Printed;
use crate::preview::PreviewOptions;
use crate::session::Session;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The list's name in URLs, such as do_not_call, which `ap lists list` shows.
    #[arg(value_name = "LIST", value_parser = parse_list)]
    pub(super) list: ListName,
    #[command(flatten)]
    bulk: BulkOptions,
    /// The column that has the values, by name or number.
    #[arg(long, value_name = "COLUMN")]
    column: Option<String>,
    /// Send the MD5 of each value, computed here.
    #[arg(long = "md5")]
    pub(super) is_hashed: bool,
    #[command(flatten)]
    pub(super) preview: PreviewOptions,
}

/// Runs a job for the value of each row.
pub(super) fn run(
    command: &'static str,
    job: &dyn Job,
    args: &Args,
    options: &GlobalOptions,
) -> Result<Printed, Failure> {
    let mut session = Session::without_keys(options)?;
    let settings = [
        ("list", args.list.as_str().to_owned()),
        ("--md5", args.is_hashed.to_string()),
    ];
    let target = (&session, Service::SuppressionList);
    let identity = Identity::new(command, target, settings);
    let selection = Selection::Value(args.column.clone());
    if args.preview.is_wanted() {
        return row_preview::show(args.preview, job, selection, &args.bulk, &mut session);
    }
    bulk::run(job, identity, selection, &args.bulk, &mut session)
}

/// Returns the value of a row.
pub(super) fn value(fields: &Fields) -> Result<&str, RowProblem> {
    match fields.value().trim() {
        "" => Err(RowProblem::new("the value is empty")),
        value => Ok(value),
    }
}
