//! `ap lists check`: which values are on a list.

use activeprospect::Error;
use activeprospect::api::ListName;
use activeprospect::api::suppressionlist::{Exists, ExistsAnswer};
use serde_json::Map;

use super::parse_list;
use crate::bulk::input::Selection;
use crate::bulk::input::row::{Fields, RowProblem};
use crate::bulk::job::{Job, Prepared, Verdict};
use crate::bulk::options::BulkOptions;
use crate::bulk::{self, Identity};
use crate::failure::Failure;
use crate::options::GlobalOptions;
use crate::output::Printed;
use crate::session::Session;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The list's name in URLs, such as do_not_call.
    #[arg(value_name = "LIST", value_parser = parse_list)]
    list: ListName,
    #[command(flatten)]
    bulk: BulkOptions,
    /// The column that has the values, by name or number.
    #[arg(long, value_name = "COLUMN")]
    column: Option<String>,
    /// Send the MD5 of each value, computed here.
    #[arg(long)]
    md5: bool,
}

pub(super) fn run(args: &Args, options: &GlobalOptions) -> Result<Printed, Failure> {
    let mut session = Session::without_keys(options)?;
    let identity = Identity::new(
        "lists check",
        [
            ("list", args.list.as_str().to_owned()),
            ("--md5", args.md5.to_string()),
        ],
    );
    let job = Check {
        list: args.list.clone(),
        is_hashed: args.md5,
    };
    let selection = Selection::Value(args.column.clone());
    bulk::run(&job, identity, selection, &args.bulk, &mut session)
}

struct Check {
    list: ListName,
    is_hashed: bool,
}

impl Job for Check {
    fn columns(&self) -> &'static [&'static str] {
        &["found", "added_at"]
    }

    fn call(&self, fields: &Fields) -> Result<Prepared, RowProblem> {
        let value = fields.value().trim();
        if value.is_empty() {
            return Err(RowProblem::new("the value is empty"));
        }
        let list = self.list.clone();
        let endpoint = match self.is_hashed {
            true => Exists::hashed(list, value),
            false => Exists::new(list, value),
        };
        Ok(Prepared::new(endpoint, |answer| verdict(&answer)))
    }

    fn is_of_every_row(&self, error: &Error) -> bool {
        // A value that is not on the list has an answer, so this says that there is no such list.
        error.is_not_found()
    }
}

fn verdict(answer: &ExistsAnswer) -> Verdict {
    let entry = answer.entries.as_ref().and_then(|entries| entries.first());
    let added_at = entry.and_then(|entry| entry.added_at.as_ref());
    let mut members = Map::new();
    members.insert("found".to_owned(), answer.found.into());
    if let Some(Ok(added_at)) = added_at.map(serde_json::to_value) {
        members.insert("added_at".to_owned(), added_at);
    }
    Verdict {
        is_success: true,
        members,
    }
}
