//! `cargo xtask conformance matrix`: every subject that is installed, on one page and in one table for each profile.
//!
//! The example subjects are programs of their own, because their libraries are development dependencies of the suite.

use std::fmt::Write as _;
use std::process::{Command, ExitCode, Stdio};

use ap_client::transport::Connect as _;
use ap_conformance::{CaseReport, CaseState, Level, Profile, Report, Suite, html};
use ap_ureq::UreqTransport;
use cargo_metadata::Metadata;

use super::judge::judge_one;
use super::options::Options;
use super::subject::Subject;
use crate::output::print;
use crate::repo;

/// The example subjects, each with its name in the table and the library that it is over.
const EXAMPLES: [(&str, &str, Option<&str>); 6] = [
    ("std", "example over std::net", None),
    ("attohttpc", "example over attohttpc", Some("attohttpc")),
    ("minreq", "example over minreq", Some("minreq")),
    ("python", "", None),
    ("node", "", None),
    ("minimal", "", None),
];

/// Judges every subject, and writes the page and the tables to the folder `target`.
pub(super) fn run(options: &Options, suite: &Suite) -> Result<ExitCode, String> {
    let metadata = repo::metadata()?;
    let mut reports = Vec::new();
    for subject in Subject::BUILT {
        let library = subject.name();
        let name = with_version(&format!("ap-{library} over {library}"), library, &metadata);
        reports.push(judge_one(options, suite, subject, &name)?);
    }
    for (example, name, library) in EXAMPLES {
        let name = match library {
            Some(library) => with_version(name, library, &metadata),
            None => name.to_owned(),
        };
        match judge_example(suite, example, &name)? {
            Some(report) => reports.push(report),
            None => eprintln!(
                "conformance: {example} is left out, because its interpreter is not installed"
            ),
        }
    }
    let folder = repo::root().join("target");
    let text = markdown(suite, &reports);
    for (file, text) in [("matrix.html", html(&reports)), ("matrix.md", text.clone())] {
        let path = folder.join(file);
        std::fs::write(&path, text)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Adds the version of a library to a subject's name.
fn with_version(name: &str, library: &str, metadata: &Metadata) -> String {
    let mut packages = metadata.packages.iter();
    let package = packages.find(|package| package.name.as_str() == library);
    package.map_or_else(
        || name.to_owned(),
        |package| format!("{name} {}", package.version),
    )
}

/// Runs an example and reads its report, or returns `None` if it printed none.
fn judge_example(suite: &Suite, example: &str, name: &str) -> Result<Option<Report>, String> {
    let ids: Vec<_> = suite.list().map(|case| case.id()).collect();
    let mut command = repo::cargo();
    command
        .current_dir(repo::root())
        .args(["run", "--quiet", "--package", "ap-conformance"])
        .args(["--example", "judge", "--", example])
        .args(&ids);
    let text = output(&mut command)?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    let json: serde_json::Value = serde_json::from_str(&text)
        .map_err(|error| format!("the example {example} printed no report: {error}"))?;
    let name = if name.is_empty() {
        json["subject"].as_str().unwrap_or(example)
    } else {
        name
    };
    // A report in which nothing was run, for the results of the other process.
    let empty = suite.clone().subject(name).quiet();
    let empty = empty.skip("", "judged in another process");
    let mut report = empty
        .map_err(|error| error.to_string())?
        .check(UreqTransport::connect);
    for id in ids {
        report.merge(id, &json)?;
    }
    Ok(Some(report))
}

/// Runs a program that says on standard error how far it is, and returns what it printed.
fn output(command: &mut Command) -> Result<String, String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "an example could not be judged ({})",
            output.status
        ));
    }
    String::from_utf8(output.stdout).map_err(|_| "an example printed no UTF-8".to_owned())
}

/// Returns a table for each profile.
fn markdown(suite: &Suite, reports: &[Report]) -> String {
    let mut text = "# Conformance matrix\n".to_owned();
    for profile in [Profile::KeySafety, Profile::Http, Profile::All] {
        let cases: Vec<_> = suite
            .list()
            .filter(|case| profile.contains(case.profile()))
            .map(|case| case.id())
            .collect();
        if cases.is_empty() {
            continue;
        }
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n## {profile}: {} cases\n\n| subject | passed | MUST failed | SHOULD failed | not applicable | skipped |\n|---|---|---|---|---|---|\n",
            cases.len()
        );
        for report in reports {
            let of_profile = || {
                let all = report.cases().iter();
                all.filter(|case| cases.contains(&case.id()))
            };
            let count = |state| of_profile().filter(|case| case.state() == state).count();
            let failed = |level| {
                let has_failed =
                    |case: &&CaseReport| case.state() == CaseState::Failed && case.level() == level;
                of_profile().filter(has_failed).count()
            };
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} |",
                report.subject(),
                count(CaseState::Passed),
                failed(Level::Must),
                failed(Level::Should),
                count(CaseState::NotApplicable),
                count(CaseState::Skipped),
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_profile_has_a_table_with_a_row_for_each_subject() {
        let ids = ["authorization/exact", "body/empty"];
        let suite = Suite::builtin().only_these(&ids).unwrap();
        let skipped = suite.clone().skip("body/", "a reason").unwrap();
        let reports = [("one", &suite), ("other", &skipped)]
            .map(|(name, suite)| suite.clone().subject(name).check(UreqTransport::connect));
        let text = markdown(&suite, &reports);
        let rows: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
        let head = "| subject | passed | MUST failed | SHOULD failed | not applicable | skipped |";
        let line = "|---|---|---|---|---|---|";
        let expected = [
            "# Conformance matrix",
            "## key-safety: 1 cases",
            head,
            line,
            "| one | 1 | 0 | 0 | 0 | 0 |",
            "| other | 1 | 0 | 0 | 0 | 0 |",
            "## http: 1 cases",
            head,
            line,
            "| one | 1 | 0 | 0 | 0 | 0 |",
            "| other | 0 | 0 | 0 | 0 | 1 |",
            "## all: 2 cases",
            head,
            line,
            "| one | 2 | 0 | 0 | 0 | 0 |",
            "| other | 1 | 0 | 0 | 0 | 1 |",
        ];
        assert_eq!(rows, expected);
    }
}
