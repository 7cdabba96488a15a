//! `ap completions`: prints a completion script for a shell.

use clap_complete::Shell;

use crate::failure::Failure;
use crate::output::{self, Printed};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The shell.
    shell: Shell,
}

pub(crate) fn run(args: &Args, mut definition: clap::Command) -> Result<Printed, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut definition, "ap", &mut script);
    output::print(&script)
}
