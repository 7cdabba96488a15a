//! Judges one of the example subjects, and prints its report as JSON: `cargo run --example judge -- minreq`.
//!
//! `cargo xtask conformance matrix` runs it for each. Further arguments are the ids of the cases to run. It prints nothing
//! if the subject needs an interpreter that is not installed.

mod lacks;
mod over_attohttpc;
mod programs;

#[allow(dead_code, reason = "the example's `main` is not called from here")]
#[path = "../over_minreq.rs"]
mod over_minreq;
#[allow(dead_code, reason = "the example's `main` is not called from here")]
#[path = "../../../ap-client/examples/std_transport/main.rs"]
mod std_transport;

use std::process::ExitCode;

use ap_conformance::{Report, Suite};

use lacks::{PLAIN, without};
use programs::PROGRAMS;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    match judge(&name, &arguments.collect::<Vec<_>>()) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(report)) => {
            println!("{}", report.to_detailed_json());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn judge(name: &str, ids: &[String]) -> Result<Option<Report>, Box<dyn std::error::Error>> {
    let mut suite = Suite::builtin().subject(name);
    if !ids.is_empty() {
        suite = suite.only_these(ids)?;
    }
    Ok(Some(match name {
        "std" => without(suite, PLAIN)?.check(std_transport::connect),
        "attohttpc" => without(suite, PLAIN)?.check(over_attohttpc::connect),
        "minreq" => without(suite, PLAIN)?.check(over_minreq::connect),
        _ => {
            let program = PROGRAMS.iter().find(|program| program.name == name);
            let program = program.ok_or_else(|| {
                format!(
                    "there is no subject {name:?}: std, attohttpc, minreq, python, node or minimal"
                )
            })?;
            return Ok(program.check(suite)?);
        }
    }))
}
