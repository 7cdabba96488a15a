//! `cargo xtask conformance`: the suite against this workspace's transports, or against any program.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use ap_conformance::{Report, Suite, html};
use ap_core::Connect as _;

use crate::{catalogue, log, print, repo};

pub(crate) const USAGE: &str = "\
cargo xtask conformance [reqwest|ureq|all] [FILTER] [options]

  FILTER          only cases whose id holds this text
  --strict        a failed SHOULD counts too
  --list          show the cases and run none
  --cases DIR     the case files of a folder instead of the built-in ones
  --exec CMD      judge a program that speaks the protocol of docs/conformance.md
  --format F      table (default), json or html
  --out FILE      write the report to a file
  --repeat N      run so many times in shuffled order; every report must be the same
  --catalogue     write docs/conformance-catalogue.md
";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Reqwest,
    Ureq,
}

impl Subject {
    const ALL: [Self; 2] = [Self::Reqwest, Self::Ureq];

    fn name(self) -> &'static str {
        match self {
            Self::Reqwest => "reqwest",
            Self::Ureq => "ureq",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Table,
    Json,
    Html,
}

#[derive(Debug)]
struct Options {
    subjects: Vec<Subject>,
    all: bool,
    filter: Option<String>,
    strict: bool,
    list: bool,
    catalogue: bool,
    cases: Option<PathBuf>,
    exec: Option<String>,
    format: Format,
    out: Option<PathBuf>,
    repeat: u64,
    /// For a process that is made for one case: its id.
    alone: Option<String>,
}

/// Runs the command; what is wrong with its arguments is an `Err`.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let options = parse(arguments)?;
    let suite = suite(&options)?;
    if options.list {
        let mut text = String::new();
        for case in suite.list() {
            let _ = writeln!(text, "{:<6}  {}: {}", case.level(), case.id(), case.title());
        }
        return finish(&options, &text, true);
    }
    if options.catalogue {
        return catalogue::write(&repo::root()).map(|()| ExitCode::SUCCESS);
    }
    let mut reports = Vec::new();
    let mut complaints = String::new();
    for round in 0..options.repeat {
        let suite = if options.repeat > 1 {
            suite.clone().shuffled(round)
        } else {
            suite.clone()
        };
        let judged = judge(&options, &suite)?;
        if round == 0 {
            reports = judged;
        } else {
            for (first, again) in reports.iter().zip(judged) {
                if first.clone().without_times() != again.without_times() {
                    let _ = writeln!(
                        complaints,
                        "{}: round {} gave another report than the first",
                        first.subject(),
                        round + 1
                    );
                }
            }
        }
    }
    if let [one, other] = reports.as_slice() {
        for id in one.disagreements(other) {
            let _ = writeln!(
                complaints,
                "{} and {} differ in the outcome of {id}",
                one.subject(),
                other.subject()
            );
        }
    }
    let text = match options.format {
        Format::Table => {
            let tables: Vec<_> = reports.iter().map(Report::to_string).collect();
            format!("{}\n", tables.join("\n\n"))
        }
        Format::Json if options.all => {
            format!(
                "{}\n",
                serde_json::Value::from(reports.iter().map(Report::to_json).collect::<Vec<_>>())
            )
        }
        Format::Json => {
            let json = |report: &Report| match options.alone {
                Some(_) => report.to_detailed_json(),
                None => report.to_json(),
            };
            reports
                .iter()
                .map(|report| format!("{}\n", json(report)))
                .collect()
        }
        Format::Html => html(&reports),
    };
    eprint!("{complaints}");
    let success = complaints.is_empty()
        && reports
            .iter()
            .all(|report| report.is_success(options.strict));
    finish(&options, &text, success)
}

fn finish(options: &Options, text: &str, success: bool) -> Result<ExitCode, String> {
    match &options.out {
        Some(path) => std::fs::write(path, text)
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))?,
        None => {
            print(text)?;
        }
    }
    Ok(if success {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn judge(options: &Options, suite: &Suite) -> Result<Vec<Report>, String> {
    if let Some(command) = &options.exec {
        return Ok(vec![suite.clone().subject(command).check_program(command)]);
    }
    log::collect();
    options
        .subjects
        .iter()
        .map(|subject| {
            let mut suite = excepted(suite.clone(), *subject, options)?
                .subject(subject.name())
                .log(log::take);
            // For whoever watches: it takes a minute.
            if std::io::stderr().is_terminal() {
                eprintln!(
                    "conformance: {} has {} cases to keep",
                    subject.name(),
                    suite.list().count()
                );
            }
            if options.alone.is_none() {
                suite = suite.without_large();
            }
            let mut report = match subject {
                Subject::Reqwest => {
                    runtime()?.block_on(suite.check_async(ap_reqwest::ReqwestTransport::connect))
                }
                Subject::Ureq => suite.check(ap_ureq::UreqTransport::connect),
            };
            if options.alone.is_none() {
                run_apart(&suite, *subject, options, &mut report);
            }
            Ok(report)
        })
        .collect()
}

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| format!("the runtime could not be made: {error}"))
}

/// Runs every case that needs it in a process of its own, which has its variables and no others.
fn run_apart(suite: &Suite, subject: Subject, options: &Options, report: &mut Report) {
    for case in suite
        .list()
        .filter(ap_conformance::CaseInfo::needs_own_process)
    {
        let entered = (|| {
            let home = tempfile::tempdir().map_err(|error| error.to_string())?;
            let home = home
                .path()
                .to_str()
                .ok_or("the temporary folder's name is no text")?;
            let program = std::env::current_exe().map_err(|error| error.to_string())?;
            let mut command = Command::new(program);
            command
                .args(["conformance", subject.name(), "--alone", case.id()])
                .args(["--format", "json"])
                .env_clear()
                .envs(case.environment(home));
            if let Some(folder) = &options.cases {
                command.arg("--cases").arg(folder);
            }
            let output = command.output().map_err(|error| error.to_string())?;
            let json: serde_json::Value = serde_json::from_slice(&output.stdout)
                .map_err(|_| format!("the process gave no report ({})", output.status))?;
            report.merge(case.id(), &json)
        })();
        if let Err(why) = entered {
            report.fail(case.id(), &format!("in a process of its own: {why}"));
        }
    }
}

fn suite(options: &Options) -> Result<Suite, String> {
    let mut suite = match &options.cases {
        Some(folder) => Suite::from_folder(folder).map_err(|error| error.to_string())?,
        None => Suite::builtin(),
    };
    if let Some(filter) = &options.filter {
        suite = suite.filter(filter).map_err(|error| error.to_string())?;
    }
    Ok(match &options.alone {
        Some(id) => suite
            .only(id)
            .map_err(|error| error.to_string())?
            .with_environment()
            .memory_meter(ap_conformance::peak_memory),
        None => suite,
    })
}

/// What a transport of this workspace cannot keep, with the reasons.
fn excepted(mut suite: Suite, subject: Subject, options: &Options) -> Result<Suite, String> {
    if options.cases.is_some() {
        return Ok(suite);
    }
    let name = format!("{}.json", subject.name());
    // Those of the suite's own tests, and those that only show when logs are searched too, as here.
    for folder in [
        "crates/ap-conformance/expected-failures",
        "xtask/exceptions",
    ] {
        let path = repo::root().join(folder).join(&name);
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            text => text.map_err(|error| format!("{}: {error}", path.display()))?,
        };
        suite = suite
            .expected_failures(&text)
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(suite)
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options {
        subjects: Subject::ALL.to_vec(),
        all: true,
        filter: None,
        strict: false,
        list: false,
        catalogue: false,
        cases: None,
        exec: None,
        format: Format::Table,
        out: None,
        repeat: 1,
        alone: None,
    };
    let mut subject_given = false;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || {
            rest.next()
                .ok_or_else(|| format!("{argument} needs a value"))
        };
        match argument.as_str() {
            "--strict" => options.strict = true,
            "--list" => options.list = true,
            "--catalogue" => options.catalogue = true,
            "--cases" => options.cases = Some(value()?.into()),
            "--exec" => options.exec = Some(value()?.clone()),
            "--out" => options.out = Some(value()?.into()),
            "--alone" => options.alone = Some(value()?.clone()),
            "--repeat" => {
                options.repeat = value()?
                    .parse()
                    .ok()
                    .filter(|times| (1..=1000).contains(times))
                    .ok_or("--repeat takes a number from 1 to 1000")?;
            }
            "--format" => {
                options.format = match value()?.as_str() {
                    "table" => Format::Table,
                    "json" => Format::Json,
                    "html" => Format::Html,
                    other => {
                        return Err(format!("there is no format {other:?}: table, json or html"));
                    }
                }
            }
            other if other.starts_with('-') => {
                return Err(format!("there is no option {other}\n\n{USAGE}"));
            }
            other => {
                let subject = Subject::ALL
                    .into_iter()
                    .find(|subject| subject.name() == other);
                if !subject_given
                    && options.filter.is_none()
                    && (subject.is_some() || other == "all")
                {
                    subject_given = true;
                    if let Some(subject) = subject {
                        options.subjects = vec![subject];
                        options.all = false;
                    }
                } else if options.filter.is_none() {
                    options.filter = Some(other.to_owned());
                } else {
                    return Err(format!("{other:?} is one argument too many\n\n{USAGE}"));
                }
            }
        }
    }
    if options.exec.is_some() {
        options.all = false;
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str]) -> Result<Options, String> {
        parse(
            &arguments
                .iter()
                .map(|&argument| argument.to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn arguments_are_read_and_faults_named() {
        let read = options(&["ureq", "redirect/", "--strict", "--format", "json"]).unwrap();
        assert_eq!(read.subjects, [Subject::Ureq]);
        assert_eq!(
            (read.filter.as_deref(), read.strict, read.all),
            (Some("redirect/"), true, false)
        );
        assert_eq!(options(&["redirect/"]).unwrap().subjects.len(), 2);
        for (wrong, says) in [
            (vec!["--format", "xml"], "there is no format"),
            (vec!["--format"], "needs a value"),
            (vec!["--repeat", "0"], "from 1 to 1000"),
            (vec!["ureq", "a", "b"], "one argument too many"),
            (vec!["--nonsense"], "there is no option"),
        ] {
            assert!(options(&wrong).unwrap_err().contains(says), "{wrong:?}");
        }
        let unknown = options(&["all", "no-such-case"]).unwrap();
        assert!(suite(&unknown).unwrap_err().contains("no case has"));
        let folder = options(&["--cases", "no/such/folder"]).unwrap();
        assert!(suite(&folder).unwrap_err().contains("no/such/folder"));
    }
}
