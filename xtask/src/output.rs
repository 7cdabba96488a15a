//! What every command prints in the same way.

use std::io::Write as _;
use std::process::ExitCode;

/// Prints to standard output. A reader that has closed the pipe is no error.
pub(crate) fn print(text: &str) -> Result<ExitCode, String> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write to standard output: {error}"))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Prints each problem that a check found, or that it found none, and returns the exit code for that.
pub(crate) fn verdict(check: &str, problems: &[String]) -> ExitCode {
    for problem in problems {
        eprintln!("{check}: {problem}");
    }
    if problems.is_empty() {
        println!("{check}: ok");
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Writes rows with aligned columns, a row on each line.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().enumerate();
        let line: Vec<String> = cells
            .map(|(at, cell)| format!("{cell:<width$}", width = width(at)))
            .collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}
