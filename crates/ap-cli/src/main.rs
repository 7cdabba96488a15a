//! `ap`: call the ActiveProspect APIs from the command line.

mod api;
mod arguments;
mod auth;
mod body;
mod bounded;
mod call;
mod cli;
mod emulate;
mod exit;
mod interrupt;
mod json;
mod keys;
mod keys_file;
mod output;
mod probe;
mod redact;
mod rotate;
mod setup;
mod status;
mod target;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::CommandFactory as _;

use cli::{Asked, Cli, Command};
use exit::Failure;
use output::Printed;

fn main() -> ExitCode {
    interrupt::install();
    match run(&std::env::args_os().collect::<Vec<_>>()) {
        Ok(Printed::All | Printed::ReaderGone) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(arguments: &[OsString]) -> Result<Printed, Failure> {
    arguments::check(arguments)?;
    let cli = match cli::parse(arguments)? {
        Asked::Print(text) => return output::print(text.as_bytes()),
        Asked::Run(cli) => cli,
    };
    if cli.global.emulator && !cli.global.origin.is_empty() {
        return Err(Failure::usage(
            "--emulator and --origin exclude each other",
            "leave one of them out",
        ));
    }
    match &cli.command {
        Command::Api(api) => api::run(&cli.global, api),
        Command::Auth(auth) => auth::run(&cli.global, auth),
        Command::Emulate(_) if cli.global.emulator => Err(Failure::usage(
            "--emulator is for commands that call one, which `ap emulate` runs by itself",
            "leave --emulator out",
        )),
        Command::Emulate(emulate) => emulate::run(emulate),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "ap", &mut script);
            output::print(&script)
        }
    }
}
