//! [`Report`]: the results of a subject, case by case. As text it is in [`text`].

mod text;

use std::io::Write as _;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::case::Level;

/// The results of a subject, in the order of ids. Its `Display` is the report for people.
///
/// ```
/// use ap_client::transport::Connect as _;
/// use ap_conformance::{CaseState, Suite};
/// use ap_ureq::UreqTransport as MyTransport; // yours goes here
///
/// let report = Suite::builtin().only("authorization/exact")?.quiet().check(MyTransport::connect);
/// for case in report.cases().iter().filter(|case| case.state() == CaseState::Failed) {
///     println!("{}: {}\n{}", case.id(), case.reason(), case.details());
/// }
/// assert_eq!(report.count(CaseState::Passed), 1);
/// assert_eq!(report.to_json()["summary"]["failed"], 0);
/// # Ok::<(), ap_conformance::ChoiceError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub(crate) subject: String,
    pub(crate) cases: Vec<CaseReport>,
    pub(crate) searches_logs: bool,
}

/// The result of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseReport {
    pub(crate) id: String,
    pub(crate) level: Level,
    pub(crate) state: CaseState,
    pub(crate) reason: String,
    pub(crate) details: String,
    pub(crate) millis: u64,
    pub(crate) title: String,
    pub(crate) requirement: String,
    pub(crate) source: String,
    pub(crate) kinds: Vec<String>,
    pub(crate) memory: Option<u64>,
}

/// How a case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseState {
    /// The subject kept the rule.
    Passed,
    /// The subject broke the rule.
    Failed,
    /// The case was not judged, or was expected to fail. The reason says why.
    Skipped,
    /// The case needs something that the subject does not offer. The reason says what.
    NotApplicable,
}

impl CaseState {
    /// Returns `passed`, `failed`, `skipped` or `not-applicable`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::NotApplicable => "not-applicable",
        }
    }
}

impl CaseReport {
    /// Makes an entry without texts.
    #[cfg(test)]
    pub(crate) fn new(id: &str, level: Level, state: CaseState) -> Self {
        Self {
            id: id.to_owned(),
            level,
            state,
            reason: String::new(),
            details: String::new(),
            millis: 0,
            title: String::new(),
            requirement: String::new(),
            source: String::new(),
            kinds: Vec::new(),
            memory: None,
        }
    }

    /// Returns the case's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
    /// Returns the case's level.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }
    /// Returns what happens in the case, in a few words.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }
    /// Returns how long the case took.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.millis)
    }
    /// Returns the rule that a client must keep.
    #[must_use]
    pub fn requirement(&self) -> &str {
        &self.requirement
    }
    /// Returns where the rule comes from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
    /// Returns how the case ended.
    #[must_use]
    pub fn state(&self) -> CaseState {
        self.state
    }
    /// Returns why the case failed or was skipped; empty if it passed.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
    /// Returns what happened in the case: the subject's own error, and what each listener received and sent.
    ///
    /// Every part of a key is replaced by `<key>`. Empty if the case passed and is not
    /// [traced](crate::Suite::trace).
    #[must_use]
    pub fn details(&self) -> &str {
        &self.details
    }
    /// Returns the kinds of outcome of its calls, in order. Two subjects are compared by these.
    #[must_use]
    pub fn kinds(&self) -> &[String] {
        &self.kinds
    }
    /// Returns by how many bytes memory grew, if that was measured.
    #[must_use]
    pub fn memory(&self) -> Option<u64> {
        self.memory
    }
    /// Returns `true` if the case failed and counts. A SHOULD counts only in a strict run.
    #[must_use]
    pub fn counts(&self, strict: bool) -> bool {
        self.state == CaseState::Failed && (strict || self.level == Level::Must)
    }
}

impl Report {
    /// Returns the subject's name.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Returns the cases, in the order of ids.
    #[must_use]
    pub fn cases(&self) -> &[CaseReport] {
        &self.cases
    }

    /// Returns how many cases ended in this state.
    #[must_use]
    pub fn count(&self, state: CaseState) -> usize {
        self.cases.iter().filter(|case| case.state == state).count()
    }

    /// Says in words where memory was measured.
    #[must_use]
    pub fn memory(&self) -> String {
        let measured: Vec<_> = self.cases.iter().filter_map(CaseReport::memory).collect();
        match measured.iter().max() {
            None => "memory was not measured".to_owned(),
            Some(most) => format!(
                "memory was measured in {} of {} cases, and grew by at most {} MiB",
                measured.len(),
                self.cases.len(),
                most.div_ceil(1 << 20)
            ),
        }
    }

    /// Says in words whether logs were searched for keys.
    #[must_use]
    pub fn logs(&self) -> &'static str {
        if self.searches_logs {
            "logs were searched"
        } else {
            "logs were not searched"
        }
    }

    /// Returns `true` if no MUST failed and, in a strict run, no SHOULD either.
    ///
    /// At least one case must have passed.
    #[must_use]
    pub fn is_success(&self, strict: bool) -> bool {
        self.cases
            .iter()
            .any(|case| case.state == CaseState::Passed)
            && !self.cases.iter().any(|case| case.counts(strict))
    }

    /// Checks that no MUST failed, for use in a test. If that is so, it writes the counts on standard error.
    ///
    /// # Panics
    ///
    /// With the report, if a MUST failed.
    #[track_caller]
    pub fn assert(&self) {
        self.assert_by(false);
    }

    /// Checks that no MUST and no SHOULD failed, for use in a test. If that is so, it writes the counts on standard error.
    ///
    /// # Panics
    ///
    /// With the report, if a case failed.
    #[track_caller]
    pub fn assert_strict(&self) {
        self.assert_by(true);
    }

    #[track_caller]
    fn assert_by(&self, strict: bool) {
        assert!(
            self.is_success(strict),
            "{} does not conform\n\n{self}",
            self.subject
        );
        // A test's `eprintln!` is not shown if the test passes. Nobody needs to know that this could not be shown.
        let _ = writeln!(std::io::stderr(), "conformance: {}", self.counts());
    }

    /// Returns the report as JSON, in the form that `docs/conformance/reading-a-failure.md` describes.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let cases: Vec<_> = self
            .cases
            .iter()
            .map(|case| {
                json!({
                    "id": case.id,
                    "level": case.level,
                    "outcome": case.state,
                    "reason": case.reason,
                    "details": case.details,
                    "ms": case.millis,
                })
            })
            .collect();
        json!({
            "subject": self.subject,
            "cases": cases,
            "logs": self.logs(),
            "memory": self.memory(),
            "summary": {
                "total": self.cases.len(),
                "passed": self.count(CaseState::Passed),
                "failed": self.count(CaseState::Failed),
                "skipped": self.count(CaseState::Skipped),
                "not_applicable": self.count(CaseState::NotApplicable),
            },
        })
    }

    /// Returns the report as JSON with everything that [`merge`](Self::merge) needs.
    #[must_use]
    pub fn to_detailed_json(&self) -> Value {
        let mut json = self.to_json();
        for (case, entry) in self
            .cases
            .iter()
            .zip(json["cases"].as_array_mut().into_iter().flatten())
        {
            entry["kinds"] = case.kinds.clone().into();
            entry["memory"] = case.memory.into();
        }
        json
    }

    /// Replaces the result of a case by that of another process.
    ///
    /// `json` is the [`to_detailed_json`](Self::to_detailed_json) of that process.
    ///
    /// # Errors
    ///
    /// If one of the two reports does not have the case.
    pub fn merge(&mut self, id: &str, json: &Value) -> Result<(), String> {
        let missing = || format!("the report has no case {id}");
        let cases = json["cases"].as_array().ok_or_else(missing)?;
        let theirs = cases
            .iter()
            .find(|case| case["id"] == id)
            .ok_or_else(missing)?;
        let mine = self
            .cases
            .iter_mut()
            .find(|case| case.id == id)
            .ok_or_else(missing)?;
        mine.state = match theirs["outcome"].as_str() {
            Some("passed") => CaseState::Passed,
            Some("skipped") => CaseState::Skipped,
            Some("not-applicable") => CaseState::NotApplicable,
            _ => CaseState::Failed,
        };
        theirs["reason"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut mine.reason);
        if theirs["level"] == "SHOULD" {
            mine.level = Level::Should;
        }
        theirs["details"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut mine.details);
        mine.millis = theirs["ms"].as_u64().unwrap_or_default();
        mine.memory = theirs["memory"].as_u64();
        let kinds = theirs["kinds"].as_array().into_iter().flatten();
        mine.kinds = kinds
            .filter_map(|kind| Some(kind.as_str()?.to_owned()))
            .collect();
        Ok(())
    }

    /// Returns `true` if the case was skipped.
    pub(crate) fn is_skipped(&self, id: &str) -> bool {
        let mut skipped = self
            .cases
            .iter()
            .filter(|case| case.state == CaseState::Skipped);
        skipped.any(|case| case.id == id)
    }

    /// Marks a case as failed.
    pub fn fail(&mut self, id: &str, reason: &str) {
        if let Some(mine) = self.cases.iter_mut().find(|case| case.id == id) {
            mine.state = CaseState::Failed;
            reason.clone_into(&mut mine.reason);
        }
    }

    /// Returns the ids of the cases that both subjects ran with different kinds of outcome.
    #[must_use]
    pub fn disagreements(&self, other: &Self) -> Vec<String> {
        self.cases
            .iter()
            .filter_map(|mine| {
                let theirs = other.cases.iter().find(|theirs| theirs.id == mine.id)?;
                let ran =
                    |case: &CaseReport| matches!(case.state, CaseState::Passed | CaseState::Failed);
                (ran(mine) && ran(theirs) && mine.kinds != theirs.kinds).then(|| mine.id.clone())
            })
            .collect()
    }

    /// Returns the report without times, memory and details, which may differ between two equal runs.
    #[must_use]
    pub fn without_times(mut self) -> Self {
        for case in &mut self.cases {
            case.millis = 0;
            case.details.clear();
            case.memory = None;
        }
        self
    }
}
