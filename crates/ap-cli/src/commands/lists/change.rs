//! `ap lists add` and `ap lists remove`: values of a list, one call for each row, so that each has its own result.

use activeprospect::Error;
use activeprospect::api::ListName;
use activeprospect::api::suppressionlist::{AddItems, RemoveItems};
use serde_json::{Map, Value};

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

/// What is done with the values.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Add,
    Remove,
}

pub(super) fn run(
    change: Change,
    args: &Args,
    options: &GlobalOptions,
) -> Result<Printed, Failure> {
    let mut session = Session::without_keys(options)?;
    let command = match change {
        Change::Add => "lists add",
        Change::Remove => "lists remove",
    };
    let identity = Identity::new(
        command,
        [
            ("list", args.list.as_str().to_owned()),
            ("--md5", args.md5.to_string()),
        ],
    );
    let job = Changes {
        change,
        list: args.list.clone(),
        is_hashed: args.md5,
    };
    let selection = Selection::Value(args.column.clone());
    bulk::run(&job, identity, selection, &args.bulk, &mut session)
}

struct Changes {
    change: Change,
    list: ListName,
    is_hashed: bool,
}

impl Job for Changes {
    fn columns(&self) -> &'static [&'static str] {
        match self.change {
            Change::Add => &["accepted"],
            Change::Remove => &["removed"],
        }
    }

    fn call(&self, fields: &Fields) -> Result<Prepared, RowProblem> {
        let value = fields.value().trim();
        if value.is_empty() {
            return Err(RowProblem::new("the value is empty"));
        }
        Ok(match self.change {
            Change::Add => {
                let add = AddItems::new(self.list.clone(), [value]);
                let add = if self.is_hashed { add.hashed() } else { add };
                Prepared::new(add, |added| {
                    let is_accepted = added.rejected.unwrap_or(0) == 0;
                    verdict(is_accepted, "accepted", is_accepted)
                })
            }
            Change::Remove => {
                let remove = RemoveItems::new(self.list.clone(), [value]);
                let remove = if self.is_hashed {
                    remove.hashed()
                } else {
                    remove
                };
                // A value that was not on the list is not there now either, which a resumed run relies on.
                Prepared::new(remove, |removed| {
                    verdict(true, "removed", removed.deleted.unwrap_or(0) > 0)
                })
            }
        })
    }

    fn is_of_every_row(&self, error: &Error) -> bool {
        error.is_not_found()
    }
}

fn verdict(is_success: bool, name: &str, value: bool) -> Verdict {
    Verdict {
        is_success,
        members: Map::from_iter([(name.to_owned(), Value::from(value))]),
    }
}
