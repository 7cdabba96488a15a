//! `ap lists check`: which values are on a list.

use activeprospect::Error;
use activeprospect::api::suppressionlist::{Exists, ExistsAnswer};
use serde_json::Map;

use super::values::{self, Args};
use crate::bulk::input::row::{Fields, RowProblem};
use crate::bulk::job::{Job, Prepared, Verdict};
use crate::failure::Failure;
use crate::options::GlobalOptions;
use crate::output::Printed;
use crate::session::Session;

pub(super) fn run(args: &Args, options: &GlobalOptions) -> Result<Printed, Failure> {
    values::run("lists check", &Check(args), args, options)
}

struct Check<'a>(&'a Args);

impl Job for Check<'_> {
    fn columns(&self) -> &'static [&'static str] {
        &["found", "added_at"]
    }

    fn check(&self, session: &Session) -> Result<(), Failure> {
        values::check_list(&self.0.list, session)
    }

    fn call(&self, fields: &Fields) -> Result<Prepared, RowProblem> {
        let value = values::value(fields)?;
        let list = self.0.list.clone();
        let endpoint = match self.0.is_hashed {
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
