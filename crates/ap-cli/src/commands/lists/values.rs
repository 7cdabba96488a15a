//! What `ap lists check`, `add` and `remove` have in common: a value of each row, and the list that it is looked up on,
//! added to or removed from.

use activeprospect::api::suppressionlist::Lists;
use activeprospect::api::{Id, ListName};
use activeprospect::{Endpoint as _, Service};

use super::parse_list;
use crate::bulk::input::Selection;
use crate::bulk::input::columns::suggestion;
use crate::bulk::input::row::{Fields, RowProblem};
use crate::bulk::job::Job;
use crate::bulk::options::BulkOptions;
use crate::bulk::{self, Identity};
use crate::call;
use crate::commands::row_preview;
use crate::exit_code::ExitCode;
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

/// Fails if the account has other lists and not this one: what the product says of a value on a list that does not exist
/// is not known, and may be that it is not found. If the lists cannot be read, the calls of the rows say why.
pub(super) fn check_list(list: &ListName, session: &Session) -> Result<(), Failure> {
    let endpoint = Lists::new();
    let read = call::send(session, endpoint.draft()).and_then(|response| endpoint.decode(response));
    let Ok(lists) = read else {
        return Ok(());
    };
    let names = lists.iter().map(|list| list.url_name.as_ref());
    let Some(names) = names.collect::<Option<Vec<_>>>() else {
        return Ok(());
    };
    let ids = lists.iter().filter_map(|list| list.id.as_ref());
    if names.contains(&list) || ids.map(Id::as_str).any(|id| id == list.as_str()) {
        return Ok(());
    }
    let nearest = suggestion(names.iter().map(|name| name.as_str()), list.as_str());
    let message = format!("SuppressionList has no list of that name{nearest}");
    let secrets = session.secrets.now();
    let message = secrets.redact_text(message.as_bytes());
    Err(Failure::new(
        ExitCode::NotFound,
        String::from_utf8_lossy(&message),
        "nothing was sent for any row; `ap lists list` shows the names",
    ))
}

/// Returns the value of a row.
pub(super) fn value(fields: &Fields) -> Result<&str, RowProblem> {
    match fields.value().trim() {
        "" => Err(RowProblem::new("the value is empty")),
        value => Ok(value),
    }
}
