//! The core's own operations: instructions and allocations.

use std::process::Command;

use super::table::{Cell, Table};
use super::tools::{self, Tools};

const TIMES: usize = 20_000;

/// One that takes a while each time.
const TIMES_OF_LONG: usize = 500;

pub(crate) fn run(tools: &Tools, tables: &mut Vec<Table>) -> Result<(), String> {
    let program = tools.program("ap-bench");
    let list = tools::run(Command::new(&program).arg("list"), "")?;
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    let mut table = Table::new(
        "The core's operations",
        "Of one operation, on one thread, the loop around it taken off.",
        &["operation", "instructions", "allocations", "bytes"],
    );
    let mut nothing = None;
    for line in list.lines() {
        let Some((name, about)) = line.split_once('\t') else {
            continue;
        };
        let times = if name.ends_with("kib") {
            TIMES_OF_LONG
        } else {
            TIMES
        };
        let arguments = |times: usize| vec!["micro".to_owned(), name.to_owned(), times.to_string()];
        let counted = tools.instructions_each(&program, times, 1, arguments, "")?;
        if name == "nothing" {
            nothing = counted;
            continue;
        }
        let (count, bytes) = tools.allocations(&["micro".to_owned(), name.to_owned()], "")?;
        let instructions = counted
            .zip(nothing)
            .map(|(counted, nothing)| counted - nothing);
        table.rows.push(vec![
            about.into(),
            Cell::number(instructions, 0),
            Cell::Number(count, 1),
            Cell::Number(bytes, 0),
        ]);
    }
    tables.push(table);
    Ok(())
}
