//! `cargo xtask msrv`: the published crates work with the Rust version that they state.
//!
//! Two checks, and the output says which were done. The `rust-version` that each dependency declares is always
//! compared with ours. The published crates are compiled with the stated version only where rustup has it.

mod compiled;
mod declared;
mod report;

use std::process::ExitCode;

use crate::output::verdict;
use crate::repo;

/// Runs the command.
pub(crate) fn run() -> Result<ExitCode, String> {
    let metadata = repo::metadata()?;
    let mut report = declared::compare(&metadata);
    let compiled = compiled::check(&metadata)?;
    report.notes.extend(compiled.notes);
    report.problems.extend(compiled.problems);
    for note in &report.notes {
        println!("msrv: {note}");
    }
    Ok(verdict("msrv", &report.problems))
}
