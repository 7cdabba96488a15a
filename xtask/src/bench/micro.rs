//! The core's own operations: instructions and allocations.

use std::collections::BTreeMap;
use std::process::Command;

use super::table::{Cell, Table};
use super::tools::{self, Tools};

const TIMES: usize = 20_000;

/// For operations that take long.
const TIMES_IF_LONG: usize = 500;

pub(crate) fn run(tools: &Tools, tables: &mut Vec<Table>) -> Result<(), String> {
    let program = tools.program("ap-bench");
    let list = tools::run(Command::new(&program).arg("list"), "")?;
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    let mut table = Table::new(
        "The core's operations",
        "Of one operation, on one thread, without the loop around it and the making of its request, which has two \
         headers before it is signed.",
        &["operation", "instructions", "allocations", "bytes"],
    );
    let mut all = BTreeMap::new();
    for line in list.lines() {
        let Some((name, rest)) = line.split_once('\t') else {
            continue;
        };
        let Some((less, about)) = rest.split_once('\t') else {
            continue;
        };
        let times = if name.ends_with("kib") {
            TIMES_IF_LONG
        } else {
            TIMES
        };
        let arguments = |times: usize| vec!["micro".to_owned(), name.to_owned(), times.to_string()];
        let counted = tools.instructions_each(times, |times| {
            tools.instructions(&program, &arguments(times), "")
        })?;
        let (count, bytes) = tools.allocations(&["micro".to_owned(), name.to_owned()], "")?;
        all.insert(name, (counted, count, bytes));
        if about.is_empty() {
            continue;
        }
        let (other, fewer, less_bytes) = *all
            .get(less)
            .ok_or_else(|| format!("{name} is counted without {less:?}, which is not"))?;
        let instructions = counted.zip(other).map(|(counted, other)| counted - other);
        table.rows.push(vec![
            about.into(),
            Cell::number(instructions, 0),
            Cell::Number(count - fewer, 1),
            Cell::Number(bytes - less_bytes, 0),
        ]);
    }
    tables.push(table);
    Ok(())
}
