//! The project's own checks, run as `cargo xtask <command>`.
//!
//! Each command is a module of its own with an `Options` type (its arguments) and a `run` function. A `run`
//! returns the exit code: success if everything that it checked is in order. An `Err` is one sentence that says
//! why it could not check.
#![forbid(unsafe_code)]

mod bench;
mod catalogue;
mod conformance;
mod endpoints;
mod meltano;
mod msrv;
mod openapi;
mod output;
mod program;
mod repo;
mod sans_io;
mod soak;
mod tidy;
mod tokens;
mod ureq_agent;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own checks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure what a call costs.
    Bench(bench::Options),
    /// Run the conformance suite against the transports, or against any program.
    Conformance(Box<conformance::Options>),
    /// Show every operation that has a typed endpoint.
    Endpoints(endpoints::Options),
    /// Run the Singer tap under public tools of PyPI, which it installs into target/meltano.
    Meltano,
    /// Check that the published crates work with the Rust version that they state.
    Msrv,
    /// Check that the emulator's answers are valid against the vendor's API descriptions.
    Openapi(openapi::Options),
    /// Check that the core does no I/O, reads no clock and never waits.
    SansIo(sans_io::Options),
    /// End bulk commands at random moments and check that they complete, and run them at full size.
    Soak(soak::Options),
    /// Check that files, imports, words, manifests, licences and documents are in order.
    Tidy,
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Bench(options) => bench::run(&options),
        Command::Conformance(options) => conformance::run(&options),
        Command::Endpoints(options) => endpoints::run(&options),
        Command::Meltano => meltano::run(),
        Command::Msrv => msrv::run(),
        Command::Openapi(options) => openapi::run(&options),
        Command::SansIo(options) => sans_io::run(&options),
        Command::Soak(options) => soak::run(&options),
        Command::Tidy => tidy::run(),
    };
    result.unwrap_or_else(|sentence| {
        eprintln!("error: {sentence}");
        ExitCode::from(2)
    })
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn bad_arguments_are_errors_of_usage() {
        for arguments in [
            &[][..],
            &["nothing"],
            &["meltano", "x"],
            &["msrv", "x"],
            &["tidy", "-v"],
            &["sans-io", "x"],
            &["sans-io", "--bless", "--self-test"],
            &["bench", "nothing"],
            &["bench", "calls", "peers"],
            &["bench", "--format"],
            &["bench", "--format", "html"],
            &["endpoints", "--format", "html"],
            &["endpoints", "flows"],
            &["openapi", "--import"],
            &["conformance", "--format", "xml"],
            &["conformance", "--format"],
            &["conformance", "--repeat", "0"],
            &["conformance", "--repeat", "1001"],
            &["conformance", "ureq", "a", "b"],
            &["conformance", "--nonsense"],
        ] {
            let error = Cli::try_parse_from(["xtask"].iter().chain(arguments)).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{arguments:?}");
        }
    }

    #[test]
    fn good_arguments_are_read() {
        for arguments in [
            &["msrv"][..],
            &["meltano"],
            &["tidy"],
            &["sans-io"],
            &["sans-io", "--bless"],
            &["sans-io", "--self-test"],
            &["bench", "--write", "--cold"],
            &["bench", "calls", "--format", "json"],
            &["bench", "bulk", "--quick", "--write"],
            &["bench", "gateway", "--quick", "--write"],
            &["soak", "--kills", "10", "--seed", "7"],
            &["endpoints", "--format", "json"],
            &["endpoints", "--left-out"],
            &["openapi"],
            &["openapi", "--import", "leadconduit.yaml"],
            &["conformance", "all", "--strict"],
            &["conformance", "all", "redirect/", "--repeat", "20"],
            &["conformance", "--catalogue"],
        ] {
            let read = Cli::try_parse_from(["xtask"].iter().chain(arguments));
            assert!(read.is_ok(), "{arguments:?}");
        }
    }
}
