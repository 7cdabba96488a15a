//! `ap`: call the ActiveProspect APIs from the command line.

mod bulk;
mod call;
mod cli;
mod commands;
mod complete;
mod config_file;
mod core_dump;
mod error_kind;
mod exit_code;
mod failure;
mod help;
mod inherited;
mod interrupt;
mod jq;
mod json_layout;
mod keys;
mod known_words;
mod limited_read;
mod options;
mod output;
mod possible_key;
mod preview;
mod proxy;
mod redact;
mod retry_after;
mod session;
mod stop;
mod tap_name;

use std::ffi::OsString;

use cli::Parsed;
use failure::Failure;
use output::Printed;

fn main() -> std::process::ExitCode {
    core_dump::forbid();
    let arguments: Vec<_> = std::env::args_os().collect();
    if let Some(code) = jq::evaluate_if_asked(&arguments) {
        return code;
    }
    let definitions = complete::Definitions {
        whole: cli::definition,
        offered: cli::completions_definition,
    };
    if complete::answer_if_asked(&arguments, definitions) {
        return std::process::ExitCode::SUCCESS;
    }
    interrupt::install();
    let arguments = tap_name::expand(arguments);
    match run(&arguments) {
        Ok(Printed::All | Printed::ReaderGone) => std::process::ExitCode::SUCCESS,
        Err(failure) => output::report(&failure, &arguments),
    }
}

fn run(arguments: &[OsString]) -> Result<Printed, Failure> {
    keys::in_arguments::check(arguments)?;
    match cli::parse(arguments)? {
        Parsed::Text(text) => output::print(text.as_bytes()),
        Parsed::Cli(mut cli) => {
            if cli.command.calls_products() {
                config_file::complete(&mut cli.global)?;
            }
            commands::run(&cli.command, &cli.global, cli::definition)
        }
    }
}
