//! A report as text, for a terminal: first the failures by group, then what was not judged, then the counts.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use super::{CaseReport, CaseState, Report};
use crate::case::Level;

/// How many ids are named of those that have the same reason.
const NAMED: usize = 3;

/// How many failures with the same result are worth a line of their own.
const MANY: usize = 5;

/// Where the documents say what to check.
const COMMON_RESULTS: &str = "docs/conformance/reading-a-failure.md#common-results";

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        failures(self, f)?;
        not_judged(self, CaseState::NotApplicable, "not applicable", f)?;
        not_judged(self, CaseState::Skipped, "skipped", f)?;
        repeated_results(self, f)?;
        if self.count(CaseState::Failed) > 0 {
            writeln!(f, "what such results often mean: {COMMON_RESULTS}\n")?;
        }
        if self.cases.is_empty() {
            writeln!(f, "the profile and the filters left no case to run\n")?;
        } else if self.count(CaseState::Passed) + self.count(CaseState::Failed) == 0 {
            writeln!(
                f,
                "no case was judged, so nothing is known about {}\n",
                self.subject
            )?;
        }
        f.write_str(&self.counts())
    }
}

impl Report {
    /// Returns the counts in one line, and what was not searched or measured.
    pub(super) fn counts(&self) -> String {
        format!(
            "{}: {} passed, {} failed, {} not applicable, {} skipped; {}; {}",
            self.subject,
            self.count(CaseState::Passed),
            self.count(CaseState::Failed),
            self.count(CaseState::NotApplicable),
            self.count(CaseState::Skipped),
            self.logs(),
            self.memory(),
        )
    }
}

/// Writes the failed cases by group, with a count.
fn failures(report: &Report, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut groups: BTreeMap<&str, Vec<&CaseReport>> = BTreeMap::new();
    for case in &report.cases {
        let group = case.id.split('/').next().unwrap_or_default();
        groups.entry(group).or_default().push(case);
    }
    for (group, cases) in groups {
        let is_failed = |case: &&&CaseReport| case.state == CaseState::Failed;
        let failed: Vec<_> = cases.iter().filter(is_failed).collect();
        if failed.is_empty() {
            continue;
        }
        let count = failed.len();
        writeln!(
            f,
            "{group}: {count} of {} failed on {}\n",
            cases.len(),
            report.subject
        )?;
        for case in failed {
            failure(case, f)?;
        }
    }
    Ok(())
}

fn failure(case: &CaseReport, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "FAILED   {:<6}  {}", case.level, case.id)?;
    writeln!(f, "    case:   {}", case.title)?;
    writeln!(f, "    rule:   {}", case.requirement)?;
    writeln!(f, "    source: {}", case.source)?;
    writeln!(f, "    result: {}", case.reason)?;
    for line in case.details.lines() {
        writeln!(f, "      {line}")?;
    }
    writeln!(f)
}

/// Writes which results many failures have, because they are likely to have one cause.
fn repeated_results(report: &Report, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut results: BTreeMap<&str, usize> = BTreeMap::new();
    for case in report
        .cases
        .iter()
        .filter(|case| case.state == CaseState::Failed)
    {
        *results.entry(&case.reason).or_default() += 1;
    }
    let mut repeated: Vec<_> = results
        .into_iter()
        .filter(|(_, count)| *count >= MANY)
        .collect();
    repeated.sort_by_key(|(_, count)| Reverse(*count));
    for (result, count) in &repeated {
        writeln!(f, "{count} failures with the result: {result}")?;
    }
    if !repeated.is_empty() {
        writeln!(f)?;
    }
    Ok(())
}

/// Writes the cases of a state that have the same reason on one line.
fn not_judged(
    report: &Report,
    state: CaseState,
    name: &str,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let mut reasons: BTreeMap<&str, Vec<&CaseReport>> = BTreeMap::new();
    for case in report.cases.iter().filter(|case| case.state == state) {
        reasons.entry(&case.reason).or_default().push(case);
    }
    for (reason, cases) in &reasons {
        let mut ids: Vec<_> = cases
            .iter()
            .map(|case| case.id.as_str())
            .take(NAMED)
            .collect();
        if cases.len() > NAMED {
            ids.push("…");
        }
        let must = cases
            .iter()
            .filter(|case| case.level == Level::Must)
            .count();
        let cases = match cases.len() {
            1 => "1 case".to_owned(),
            count => format!("{count} cases"),
        };
        writeln!(f, "{name}: {cases} ({must} MUST): {reason}")?;
        writeln!(f, "    {}", ids.join(", "))?;
    }
    if !reasons.is_empty() {
        writeln!(f)?;
    }
    Ok(())
}
