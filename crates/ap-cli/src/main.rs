//! `ap`: call the ActiveProspect APIs from the command line.

mod api;
mod auth;
mod cli;
mod emulate;
mod exit;
mod interrupt;
mod keys;
mod output;
mod redact;
mod setup;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::CommandFactory as _;

use cli::{Asked, Cli, Command};
use exit::Failure;
use output::Printed;

fn main() -> ExitCode {
    interrupt::install();
    match run(std::env::args_os().collect()) {
        Ok(Printed::All | Printed::ReaderGone) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(arguments: Vec<OsString>) -> Result<Printed, Failure> {
    no_key_among(&arguments)?;
    let cli = match cli::parse(arguments)? {
        Asked::Print(text) => return output::print(text.as_bytes()),
        Asked::Run(cli) => cli,
    };
    match &cli.command {
        Command::Api(api) => api::run(&cli.global, api),
        Command::Auth(auth) => auth::run(&cli.global, auth),
        Command::Emulate(emulate) => emulate::run(emulate),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "ap", &mut script);
            output::print(&script)
        }
    }
}

/// Arguments are seen by every user of the machine and kept in the shell's history: a key among them is
/// not used, and had better be reset.
fn no_key_among(arguments: &[OsString]) -> Result<(), Failure> {
    // A source that cannot be read is complained about when it is needed.
    let in_file = || keys::from_file(&keys::file_path().ok()?).ok().flatten();
    let known = keys::from_environment()
        .ok()
        .flatten()
        .into_iter()
        .chain(in_file().into_iter().flatten());
    for key in known {
        let key = key.expose().as_bytes();
        let holds = |argument: &OsString| {
            argument
                .as_encoded_bytes()
                .windows(key.len())
                .any(|window| window == key)
        };
        // A key of a few letters may be part of any word.
        if key.len() >= 8 && arguments.iter().any(holds) {
            return Err(Failure::usage(
                "the API key stands among the arguments, where others can see it",
                "reset the key, then run `ap auth login`",
            ));
        }
    }
    Ok(())
}
