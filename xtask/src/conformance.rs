//! `cargo xtask conformance`: the suite against this workspace's transports, or against any program.

mod subject;

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use ap_conformance::{Report, Suite, html};
use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};

use crate::output::print;
use crate::{catalogue, log, repo};

use subject::Subject;

/// The command's arguments.
#[derive(Debug, Args)]
#[command(override_usage = "cargo xtask conformance [SUBJECT] [FILTER] [OPTIONS]")]
pub(crate) struct Options {
    /// The transport: reqwest, ureq, all (both, and the default), given-reqwest or given-ureq
    #[arg(value_name = "SUBJECT")]
    subject: Option<String>,

    /// Run only the cases whose id contains this text
    #[arg(value_name = "FILTER")]
    filter: Option<String>,

    /// Fail if a SHOULD fails, too
    #[arg(long)]
    strict: bool,

    /// Show the cases and run none
    #[arg(long)]
    list: bool,

    /// Use the case files of a folder instead of the built-in ones
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,

    /// Judge a program that speaks the protocol of docs/conformance.md
    #[arg(long, value_name = "CMD")]
    exec: Option<String>,

    /// Choose the form of the report
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    format: Format,

    /// Write the report to a file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Run N times in shuffled order; every report must be the same
    #[arg(long, value_name = "N", default_value = "1", value_parser = RangedU64ValueParser::<u64>::new().range(1..=1000))]
    repeat: u64,

    /// Write docs/conformance-catalogue.md
    #[arg(long)]
    catalogue: bool,

    /// Run one case in this process. The command starts itself with it for cases that need a process of their own
    #[arg(long, value_name = "ID", hide = true)]
    case: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Html,
}

impl Options {
    /// Returns the transports to judge, and the filter of the cases. A lone word that names no transport is a filter.
    fn selection(&self) -> Result<(Vec<Subject>, Option<&str>), String> {
        let Some(word) = self.subject.as_deref() else {
            return Ok((Subject::BUILT.to_vec(), None));
        };
        let filter = self.filter.as_deref();
        if word == "all" {
            return Ok((Subject::BUILT.to_vec(), filter));
        }
        match Subject::ALL
            .into_iter()
            .find(|subject| subject.name() == word)
        {
            Some(subject) => Ok((vec![subject], filter)),
            None if filter.is_none() => Ok((Subject::BUILT.to_vec(), Some(word))),
            None => Err(format!(
                "there is no transport {word:?}: reqwest, ureq, all, given-reqwest or given-ureq"
            )),
        }
    }
}

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
    let (reports, differences) = judge_repeatedly(options, &suite)?;
    eprint!("{differences}");
    let is_success = differences.is_empty()
        && reports
            .iter()
            .all(|report| report.is_success(options.strict));
    finish(options, &text(options, &reports), is_success)
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

/// Formats the reports. Two transports are an array of JSON, one subject is an object.
fn text(options: &Options, reports: &[Report]) -> String {
    match options.format {
        Format::Table => {
            let tables: Vec<_> = reports.iter().map(Report::to_string).collect();
            format!("{}\n", tables.join("\n\n"))
        }
        Format::Html => html(reports),
        Format::Json => match reports {
            [report] if options.case.is_some() => format!("{}\n", report.to_detailed_json()),
            [report] => format!("{}\n", report.to_json()),
            reports => {
                let all: Vec<_> = reports.iter().map(Report::to_json).collect();
                format!("{}\n", serde_json::Value::from(all))
            }
        },
    }
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
    if let [one, other] = reports.as_slice() {
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
    log::collect();
    let (subjects, _) = options.selection()?;
    subjects
        .iter()
        .map(|subject| {
            let mut suite =
                with_expected_failures(suite.clone(), *subject, options)?.subject(subject.name());
            if subject.hides_key_from_logs() {
                suite = suite.log(log::take);
            }
            // A person who watches sees that something happens: it takes a minute.
            if std::io::stderr().is_terminal() {
                eprintln!(
                    "conformance: running {} cases on {}",
                    suite.list().count(),
                    subject.name()
                );
            }
            if options.case.is_none() {
                suite = suite.without_large();
            }
            let mut report = subject.check(&suite)?;
            if options.case.is_none() {
                run_in_own_processes(&suite, *subject, options, &mut report);
            }
            Ok(report)
        })
        .collect()
}

/// Runs each case that needs it in a process of its own, with the environment variables of that case and no others.
fn run_in_own_processes(suite: &Suite, subject: Subject, options: &Options, report: &mut Report) {
    for case in suite
        .list()
        .filter(ap_conformance::CaseInfo::needs_own_process)
    {
        let result = (|| {
            let home = tempfile::tempdir().map_err(|error| error.to_string())?;
            let home = home
                .path()
                .to_str()
                .ok_or("the path of the temporary folder is not UTF-8")?;
            let program = std::env::current_exe().map_err(|error| error.to_string())?;
            let mut command = Command::new(program);
            command
                .args(["conformance", subject.name(), "--case", case.id()])
                .args(["--format", "json"])
                .env_clear()
                .envs(case.environment(home));
            if let Some(folder) = &options.cases {
                command.arg("--cases").arg(folder);
            }
            let output = command.output().map_err(|error| error.to_string())?;
            let json: serde_json::Value = serde_json::from_slice(&output.stdout)
                .map_err(|_| format!("it printed no report ({})", output.status))?;
            report.merge(case.id(), &json)
        })();
        if let Err(error) = result {
            report.fail(case.id(), &format!("in a process of its own: {error}"));
        }
    }
}

/// Returns the suite that the arguments ask for.
fn suite(options: &Options) -> Result<Suite, String> {
    let mut suite = match &options.cases {
        Some(folder) => Suite::from_folder(folder).map_err(|error| error.to_string())?,
        None => Suite::builtin(),
    };
    if let (_, Some(filter)) = options.selection()? {
        suite = suite.filter(filter).map_err(|error| error.to_string())?;
    }
    Ok(match &options.case {
        Some(id) => suite
            .only(id)
            .map_err(|error| error.to_string())?
            .with_environment()
            .memory_meter(ap_conformance::peak_memory),
        None => suite,
    })
}

/// Adds the cases that a transport of this workspace cannot pass, with the reasons.
fn with_expected_failures(
    mut suite: Suite,
    subject: Subject,
    options: &Options,
) -> Result<Suite, String> {
    if options.cases.is_some() {
        return Ok(suite);
    }
    for path in subject.expected_failures() {
        let path = repo::root().join(path);
        let text = repo::read(&path)?;
        suite = suite
            .expected_failures(&text)
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(suite)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Format, Options, Subject, suite};

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        options: Options,
    }

    fn options(arguments: &[&str]) -> Options {
        Cli::parse_from(["x"].iter().chain(arguments)).options
    }

    #[test]
    fn arguments_are_read() {
        let read = options(&["ureq", "redirect/", "--strict", "--format", "json"]);
        assert_eq!(
            read.selection().unwrap(),
            (vec![Subject::Ureq], Some("redirect/"))
        );
        assert!(read.strict && read.format == Format::Json && read.repeat == 1);
        let all = Subject::BUILT.to_vec();
        for (arguments, filter) in [
            (&[][..], None),
            (&["all"], None),
            (&["redirect/"], Some("redirect/")),
            (&["all", "ureq"], Some("ureq")),
        ] {
            let read = options(arguments);
            assert_eq!(
                read.selection().unwrap(),
                (all.clone(), filter),
                "{arguments:?}"
            );
        }
    }

    #[test]
    fn bad_arguments_are_named() {
        for (arguments, text) in [
            (&["hyper", "redirect/"][..], "no transport \"hyper\""),
            (&["all", "no-such-case"], "no case has"),
            (&["--cases", "no/such/folder"], "no/such/folder"),
        ] {
            let error = suite(&options(arguments)).unwrap_err();
            assert!(error.contains(text), "{error}");
        }
    }
}
