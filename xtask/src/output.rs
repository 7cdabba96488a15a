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
