//! `ap completions`: prints a completion script for a shell.

use clap_complete::Shell;

use crate::config_file;
use crate::failure::Failure;
use crate::output::{self, Printed};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The shell.
    shell: Shell,
}

/// Prints the script of the definition that offers these profiles.
pub(crate) fn run(
    args: &Args,
    definition: fn(&[&'static str]) -> clap::Command,
) -> Result<Printed, Failure> {
    // The definition has only names that live as long as the program, which ends after this.
    let profiles = config_file::profiles().into_iter();
    let profiles: Vec<&'static str> = profiles
        .map(|profile| &*profile.as_str().to_owned().leak())
        .collect();
    let mut definition = definition(&profiles);
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut definition, "ap", &mut script);
    output::print(&script)
}
