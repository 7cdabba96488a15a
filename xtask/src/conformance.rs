//! `cargo xtask conformance`: the suite against this workspace's transports, or against any program.

mod judge;
mod junit;
mod matrix;
mod options;
mod own_process;
mod subject;
mod suite;

use std::fmt::Write as _;
use std::process::ExitCode;

use ap_conformance::{Report, Suite, html};

use crate::output::print;
use crate::{catalogue, repo};

use judge::judge_one;
pub(crate) use options::Options;
use options::{Format, MATRIX};
use suite::suite;

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    let suite = suite(options)?;
    if options.list {
        let mut text = String::new();
        for case in suite.list() {
            let _ = writeln!(text, "{:<6}  {}: {}", case.level(), case.id(), case.title());
        }
        return finish(options, &text, true);
    }
    if options.catalogue {
        return catalogue::write(&repo::root()).map(|()| ExitCode::SUCCESS);
    }
    if options.subject.as_deref() == Some(MATRIX) {
        return matrix::run(options, &suite);
    }
    let (reports, differences) = judge_repeatedly(options, &suite)?;
    eprint!("{differences}");
    let is_success = differences.is_empty()
        && reports
            .iter()
            .all(|report| report.is_success(options.strict));
    finish(options, &text(options, &reports)?, is_success)
}

/// Writes or prints the report, and returns the exit code for it.
fn finish(options: &Options, text: &str, is_success: bool) -> Result<ExitCode, String> {
    match &options.out {
        Some(path) => std::fs::write(path, text)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?,
        None => {
            print(text)?;
        }
    }
    Ok(if is_success {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Formats the reports. Several transports are an array of JSON, one subject is an object.
fn text(options: &Options, reports: &[Report]) -> Result<String, String> {
    if options.trace.is_some() && options.case.is_none() {
        return Ok(trace(reports));
    }
    Ok(match options.format {
        _ if options.case.is_some() => {
            let reports = reports
                .iter()
                .map(|report| report.to_detailed_json().to_string());
            reports.collect()
        }
        Format::Table => {
            let tables: Vec<_> = reports.iter().map(Report::to_string).collect();
            format!("{}\n", tables.join("\n\n"))
        }
        Format::Html => html(reports),
        Format::Junit => return junit::xml(reports),
        Format::Json => match reports {
            [report] => format!("{}\n", report.to_json()),
            reports => {
                let all: Vec<_> = reports.iter().map(Report::to_json).collect();
                format!("{}\n", serde_json::Value::from(all))
            }
        },
    })
}

/// Formats the whole conversation of the one case that ran.
fn trace(reports: &[Report]) -> String {
    let mut text = String::new();
    for report in reports {
        for case in report.cases() {
            let (subject, id, state) = (report.subject(), case.id(), case.state().name());
            let _ = writeln!(text, "{id} on {subject}: {state}");
            let _ = writeln!(
                text,
                "case:   {}\nrule:   {}\nsource: {}",
                case.title(),
                case.requirement(),
                case.source()
            );
            if !case.reason().is_empty() {
                let _ = writeln!(text, "result: {}", case.reason());
            }
            let _ = writeln!(text, "\n{}", case.details());
        }
    }
    text
}

/// Returns the reports of the first round, and one line for each difference: between rounds, and between transports.
fn judge_repeatedly(options: &Options, suite: &Suite) -> Result<(Vec<Report>, String), String> {
    let mut reports = Vec::new();
    let mut differences = String::new();
    for round in 0..options.repeat {
        let suite = if options.repeat > 1 {
            suite.clone().shuffled(round)
        } else {
            suite.clone()
        };
        let judged = judge(options, &suite)?;
        if round == 0 {
            reports = judged;
            continue;
        }
        for (first, again) in reports.iter().zip(judged) {
            if first.clone().without_times() != again.without_times() {
                let _ = writeln!(
                    differences,
                    "{}: the report of round {} differs from the first",
                    first.subject(),
                    round + 1
                );
            }
        }
    }
    for (one, other) in reports.iter().zip(reports.iter().skip(1)) {
        for id in one.disagreements(other) {
            let _ = writeln!(
                differences,
                "{} and {} differ in the outcome of {id}",
                one.subject(),
                other.subject()
            );
        }
    }
    Ok((reports, differences))
}

/// Runs the suite once against each subject.
fn judge(options: &Options, suite: &Suite) -> Result<Vec<Report>, String> {
    if let Some(command) = &options.exec {
        return Ok(vec![suite.clone().subject(command).check_program(command)]);
    }
    if let Some(command) = &options.exec_transport {
        let suite = suite.clone().subject(command);
        return Ok(vec![suite.check_transport_program(command)]);
    }
    let (subjects, _) = options.selection()?;
    subjects
        .iter()
        .map(|subject| judge_one(options, suite, *subject, subject.name()))
        .collect()
}
