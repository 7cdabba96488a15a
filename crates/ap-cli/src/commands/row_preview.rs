//! What a bulk command would send for each row, shown instead of sent.

use crate::bulk::input::shard::Shard;
use crate::bulk::input::source::Source;
use crate::bulk::input::{Rows, Selection};
use crate::bulk::job::Job;
use crate::bulk::options::BulkOptions;
use crate::bulk::results::describe_row;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::output::{self, Printed};
use crate::preview::{self, PreviewOptions};
use crate::session::Session;

/// The most rows that are named because they cannot be sent.
const MAX_NAMED: u64 = 20;

/// Shows the call of each row. Rows that cannot be sent are named on standard error.
pub(super) fn show(
    preview: PreviewOptions,
    job: &dyn Job,
    selection: Selection,
    options: &BulkOptions,
    session: &mut Session,
) -> Result<Printed, Failure> {
    let format = options.input_format();
    let shard = options.shard.unwrap_or(Shard::ALL);
    let mut rows = Rows::new(Source::open(&options.input)?, format, selection, shard)?;
    preview::find_keys_to_hide(session)?;
    let mut refused = 0_u64;
    while let Some(row) = rows.next()? {
        let prepared = row.fields.and_then(|fields| job.call(&fields));
        let problem = match prepared {
            Ok(prepared) => {
                if row.number > 1 && output::print(b"\n")?.is_reader_gone() {
                    return Ok(Printed::ReaderGone);
                }
                match preview.show(&prepared.draft, None, session) {
                    Ok(Printed::All) => continue,
                    Ok(Printed::ReaderGone) => return Ok(Printed::ReaderGone),
                    Err(failure) if failure.code == ExitCode::Usage => failure.message,
                    Err(failure) => return Err(failure),
                }
            }
            Err(problem) => problem.message,
        };
        refused += 1;
        if refused > MAX_NAMED {
            continue;
        }
        let number = shard.number_of(row.number);
        let named = describe_row(number, row.line, Some(&problem), &session.secrets.now());
        output::eprintln(&format!("ap: {named}"));
    }
    rows.opened().check_unchanged()?;
    preview.say_not_sent();
    match refused {
        0 => Ok(Printed::All),
        refused => Err(Failure::new(
            ExitCode::SomeRowsFailed,
            format!("{refused} rows cannot be sent"),
            match refused {
                ..=MAX_NAMED => "they are named above".to_owned(),
                _ => format!("the first {MAX_NAMED} of them are named above"),
            },
        )),
    }
}
