//! The operations of the core, and a client's part of a call: instructions and allocations.

use std::collections::BTreeMap;
use std::process::Command;

use super::table::{Cell, Table};
use super::tools::{self, Tools};

/// The title of the table.
pub(super) const TITLE: &str = "The core and the client, without a network";

const TIMES: usize = 20_000;

/// For operations that take long, by the ends of their names.
const TIMES_IF_LONG: [(&str, usize); 3] = [("kib", 500), ("100-events", 20), ("1000-events", 2)];

pub(crate) fn run(tools: &Tools, tables: &mut Vec<Table>) -> Result<(), String> {
    let program = tools.program("ap-bench");
    let list = tools::run(Command::new(&program).arg("list"), "")?;
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    let mut table = Table::new(
        TITLE,
        "Of one operation, on one thread, without the loop around it. The requests of the core's operations are made \
         beforehand, with two headers; the transport answers at once.",
        &["operation", "instructions", "allocations", "bytes"],
    );
    let mut all = BTreeMap::new();
    for line in list.lines() {
        let Some((name, rest)) = line.split_once('\t') else {
            continue;
        };
        let Some((baseline, description)) = rest.split_once('\t') else {
            continue;
        };
        let mut long = TIMES_IF_LONG.iter().filter(|(end, _)| name.ends_with(end));
        let times = long.next().map_or(TIMES, |(_, times)| *times);
        let arguments = |times: usize| vec!["micro".to_owned(), name.to_owned(), times.to_string()];
        let counted = tools.instructions_each(times, |times| {
            tools.instructions(&program, &arguments(times), "")
        })?;
        let (count, bytes) = tools.allocations(&["micro".to_owned(), name.to_owned()], "")?;
        all.insert(name, (counted, count, bytes));
        if description.is_empty() {
            continue;
        }
        let (fewer, fewer_allocations, fewer_bytes) = *all.get(baseline).ok_or_else(|| {
            format!("{name} comes before {baseline:?}, which is subtracted from it")
        })?;
        let instructions = counted.zip(fewer).map(|(counted, fewer)| counted - fewer);
        table.rows.push(vec![
            description.into(),
            Cell::number(instructions, 0),
            Cell::Number(count - fewer_allocations, 1),
            Cell::Number(bytes - fewer_bytes, 0),
        ]);
    }
    tables.push(table);
    Ok(())
}
