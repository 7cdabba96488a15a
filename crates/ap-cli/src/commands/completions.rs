//! `ap completions`: prints a completion script for a shell.

use clap_complete::Shell;

use crate::complete;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::output::{self, Printed};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The shell.
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(args: &Args) -> Result<Printed, Failure> {
    let script = complete::script(args.shell).map_err(|error| {
        let message = format!("the script could not be made ({})", error.kind());
        Failure::new(ExitCode::Other, message, "try again")
    })?;
    output::print(&script)
}
