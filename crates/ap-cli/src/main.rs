//! `ap`: call the ActiveProspect APIs from the command line.

mod bulk;
mod call;
mod cli;
mod commands;
mod exit_code;
mod failure;
mod help;
mod inherited;
mod interrupt;
mod keys;
mod limited_read;
mod options;
mod output;
mod possible_key;
mod preview;
mod proxy;
mod redact;
mod retry_after;
mod session;
mod tap_name;

use std::ffi::OsString;

use cli::Parsed;
use failure::Failure;
use output::Printed;

fn main() -> std::process::ExitCode {
    interrupt::install();
    match run(&tap_name::expand(std::env::args_os().collect())) {
        Ok(Printed::All | Printed::ReaderGone) => std::process::ExitCode::SUCCESS,
        Err(failure) => output::report(&failure),
    }
}

fn run(arguments: &[OsString]) -> Result<Printed, Failure> {
    keys::in_arguments::check(arguments)?;
    match cli::parse(arguments)? {
        Parsed::Text(text) => output::print(text.as_bytes()),
        Parsed::Cli(cli) => commands::run(&cli.command, &cli.global, cli::completions_definition),
    }
}
