//! `ap lists add` and `ap lists remove`: values of a list, one call for each row, so that each has its own result.

use activeprospect::Error;
use activeprospect::api::suppressionlist::{AddItems, RemoveItems};
use serde_json::{Map, Value};

use super::values::{self, Args};
use crate::bulk::input::row::{Fields, RowProblem};
use crate::bulk::job::{Job, Prepared, Verdict};
use crate::failure::Failure;
use crate::options::GlobalOptions;
use crate::output::Printed;
use crate::session::Session;

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
    let command = match change {
        Change::Add => "lists add",
        Change::Remove => "lists remove",
    };
    values::run(command, &Changes { change, args }, args, options)
}

struct Changes<'a> {
    change: Change,
    args: &'a Args,
}

impl Job for Changes<'_> {
    fn columns(&self) -> &'static [&'static str] {
        match self.change {
            Change::Add => &["accepted"],
            Change::Remove => &["removed"],
        }
    }

    fn check(&self, session: &Session) -> Result<(), Failure> {
        values::check_list(&self.args.list, session)
    }

    fn call(&self, fields: &Fields) -> Result<Prepared, RowProblem> {
        let value = values::value(fields)?;
        let Args {
            list, is_hashed, ..
        } = self.args;
        Ok(match self.change {
            Change::Add => {
                let add = AddItems::new(list.clone(), [value]);
                let add = if *is_hashed { add.hashed() } else { add };
                Prepared::new(add, |added| {
                    let is_accepted = added.rejected.unwrap_or(0) == 0;
                    verdict(is_accepted, "accepted", is_accepted)
                })
            }
            Change::Remove => {
                let remove = RemoveItems::new(list.clone(), [value]);
                let remove = if *is_hashed { remove.hashed() } else { remove };
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
