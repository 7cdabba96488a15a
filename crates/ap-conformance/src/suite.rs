//! [`Suite`]: which cases are run, in which order, and which are excepted; [`check`] and
//! [`check_async`].

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use ap_core::{AsyncTransport, Settings, Transport, TransportError};
use serde::Deserialize;

use crate::authority::Authority;
use crate::case::files;
use crate::case::{self, Case, CaseError, Need};
use crate::memory;
use crate::report::{CaseReport, CaseState, Report};
use crate::run::{self, Ground, Run};
use crate::subject;

/// Judges a blocking transport by every case: `make` makes one from the settings that a case gives
/// (the suite's root certificate, limits, a proxy), as [`Connect::connect`](ap_core::Connect) does.
///
/// ```no_run
/// #[test]
/// fn conforms() {
///     ap_conformance::check(<ap_ureq::UreqTransport as ap_core::Connect>::connect).assert();
/// }
/// ```
pub fn check<T, M>(make: M) -> Report
where
    T: Transport + Debug + 'static,
    M: Fn(&Settings) -> Result<T, TransportError>,
{
    Suite::builtin().check(make)
}

/// Judges an async transport by every case, on whatever runtime this is awaited.
///
/// ```no_run
/// #[tokio::test]
/// async fn conforms() {
///     ap_conformance::check_async(<ap_reqwest::ReqwestTransport as ap_core::Connect>::connect).await.assert();
/// }
/// ```
pub async fn check_async<T, M>(make: M) -> Report
where
    T: AsyncTransport + Debug,
    M: Fn(&Settings) -> Result<T, TransportError>,
{
    Suite::builtin().check_async(make).await
}

/// A choice of cases, with exceptions. [`check`] and [`check_async`] are the whole suite without any.
#[derive(Clone, Debug)]
#[must_use = "a suite does nothing before it checks"]
pub struct Suite {
    pub(crate) subject: String,
    cases: Vec<Case>,
    exceptions: BTreeMap<String, String>,
    environment: bool,
    apart: bool,
    listen: Option<fn() -> String>,
    meter: Option<fn() -> Option<u64>>,
}

impl Suite {
    /// The cases of this crate.
    pub fn builtin() -> Self {
        Self::of(files::cases())
    }

    /// The case files (`*.json`) of a folder instead.
    ///
    /// # Errors
    ///
    /// [`CaseError`] if a file cannot be read or is not in the format of `docs/conformance.md`.
    pub fn from_folder(folder: &Path) -> Result<Self, CaseError> {
        files::read_folder(folder).map(Self::of)
    }

    fn of(cases: Vec<Case>) -> Self {
        Self {
            subject: "subject".to_owned(),
            cases,
            exceptions: BTreeMap::new(),
            environment: false,
            apart: false,
            listen: None,
            meter: None,
        }
    }

    /// Names the subject in the report.
    pub fn subject(mut self, name: &str) -> Self {
        name.clone_into(&mut self.subject);
        self
    }

    /// Keeps only the cases whose id holds this text.
    ///
    /// # Errors
    ///
    /// [`UnknownCase`] if none does.
    pub fn filter(mut self, text: &str) -> Result<Self, UnknownCase> {
        self.cases.retain(|case| case.id.contains(text));
        if self.cases.is_empty() {
            Err(UnknownCase(text.to_owned()))
        } else {
            Ok(self)
        }
    }

    /// Keeps the one case with this id.
    ///
    /// # Errors
    ///
    /// [`UnknownCase`] if there is none.
    pub fn only(mut self, id: &str) -> Result<Self, UnknownCase> {
        self.cases.retain(|case| case.id == id);
        if self.cases.is_empty() {
            Err(UnknownCase(id.to_owned()))
        } else {
            Ok(self)
        }
    }

    /// Excepts a case, with the reason why this subject cannot keep its rule. The case is run all the
    /// same: an exception that is not needed any more fails.
    ///
    /// # Errors
    ///
    /// [`InvalidException`] if there is no such case, or no reason.
    pub fn skip(mut self, id: &str, reason: &str) -> Result<Self, InvalidException> {
        if reason.trim().is_empty() {
            return Err(InvalidException::NoReason(id.to_owned()));
        }
        if !files::known()
            .iter()
            .chain(&self.cases)
            .any(|case| case.id == id)
        {
            return Err(InvalidException::NoSuchCase(id.to_owned()));
        }
        self.exceptions.insert(id.to_owned(), reason.to_owned());
        Ok(self)
    }

    /// Excepts all that a list names, `[{"id": …, "reason": …}]` in JSON, as [`skip`](Self::skip) does each.
    ///
    /// # Errors
    ///
    /// [`InvalidException`] of the first that cannot be taken.
    pub fn excepting(self, list: &str) -> Result<Self, InvalidException> {
        let exceptions: Vec<Exception> = serde_json::from_str(list)
            .map_err(|error| InvalidException::NoList(error.to_string()))?;
        let mut exceptions = exceptions.into_iter();
        exceptions.try_fold(self, |suite, one| suite.skip(&one.id, &one.reason))
    }

    /// Keeps the cases that this function holds for.
    #[cfg(test)]
    pub(crate) fn retain(mut self, keep: impl Fn(&Case) -> bool) -> Self {
        self.cases.retain(keep);
        self
    }

    /// Puts the cases in another order, the same for the same seed.
    pub fn shuffled(mut self, seed: u64) -> Self {
        let mut state = seed.wrapping_mul(2).wrapping_add(1);
        for at in (1..self.cases.len()).rev() {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            self.cases.swap(at, (state >> 33) as usize % (at + 1));
        }
        self
    }

    /// Runs the cases that need variables of the environment too. Only for a process that was started
    /// with those of the one case that is left after [`filter`](Self::filter).
    pub fn in_environment(mut self) -> Self {
        self.environment = true;
        self
    }

    /// Searches what this function returns for keys as well, after every case: a log, say.
    pub fn listening_to(mut self, log: fn() -> String) -> Self {
        self.listen = Some(log);
        self
    }

    /// Measures memory by a function that says how much this process has had at most so far, as
    /// [`peak_memory`](crate::peak_memory) does. Only for a process that runs one case: what an earlier
    /// one took hides what the next one takes.
    pub fn metered(mut self, meter: fn() -> Option<u64>) -> Self {
        self.meter = Some(meter);
        self
    }

    /// Leaves the cases that move a lot to processes of their own, where memory is measured.
    pub fn without_large(mut self) -> Self {
        self.apart = true;
        self
    }

    /// Ids, levels and titles of the cases, in order.
    pub fn list(&self) -> impl Iterator<Item = CaseInfo<'_>> {
        self.cases.iter().map(|case| CaseInfo { case })
    }

    /// Judges a blocking transport.
    pub fn check<T, M>(&self, make: M) -> Report
    where
        T: Transport + Debug + 'static,
        M: Fn(&Settings) -> Result<T, TransportError>,
    {
        self.report(
            |case| self.blocking_skip(case),
            |case, place, ground| subject::blocking(case, place, ground, &make),
        )
    }

    /// Judges an async transport.
    pub async fn check_async<T, M>(&self, make: M) -> Report
    where
        T: AsyncTransport + Debug,
        M: Fn(&Settings) -> Result<T, TransportError>,
    {
        let ground = match self.ground() {
            Ok(ground) => ground,
            Err(reason) => return self.unstarted(&reason),
        };
        let mut reports = Vec::new();
        for case in &self.cases {
            let begun = Instant::now();
            let mut total = Total::default();
            if let Some(reason) = self.any_skip(case) {
                reports.push(self.entry(case, begun, CaseState::Skipped, reason, total));
                continue;
            }
            for place in places(case) {
                total.add(
                    place,
                    subject::asynchronous(case, place, &ground, &make).await,
                );
                if total.is_over() {
                    break;
                }
            }
            reports.push(self.judged(case, begun, total));
        }
        self.sorted(reports)
    }

    /// Judges by a function that makes one run: the blocking transports, and programs.
    pub(crate) fn report(
        &self,
        skip: impl Fn(&Case) -> Option<String>,
        mut once: impl FnMut(&Case, Option<usize>, &Ground) -> Result<Verdict, String>,
    ) -> Report {
        let ground = match self.ground() {
            Ok(ground) => ground,
            Err(reason) => return self.unstarted(&reason),
        };
        let reports = self.cases.iter().map(|case| {
            let begun = Instant::now();
            let mut total = Total::default();
            if let Some(reason) = skip(case) {
                return self.entry(case, begun, CaseState::Skipped, reason, total);
            }
            for place in places(case) {
                total.add(place, once(case, place, &ground));
                if total.is_over() {
                    break;
                }
            }
            self.judged(case, begun, total)
        });
        self.sorted(reports.collect())
    }

    pub(crate) fn any_skip(&self, case: &Case) -> Option<String> {
        if case.needs.contains(&Need::Env) && !self.environment {
            Some("needs variables of the environment, so a process of its own: `cargo xtask conformance` starts one".to_owned())
        } else if self.apart && memory::is_large(case) {
            Some("moves a lot, so its memory is measured in a process of its own".to_owned())
        } else {
            None
        }
    }

    pub(crate) fn blocking_skip(&self, case: &Case) -> Option<String> {
        if case.needs.contains(&Need::Async) {
            return Some(
                "is about dropping a future, which a blocking call has none of".to_owned(),
            );
        }
        self.any_skip(case)
    }

    fn ground(&self) -> Result<Ground, String> {
        let authority = Authority::new().map_err(|error| {
            format!("the suite could not make its certificate authority: {error}")
        })?;
        Ok(Ground {
            authority: Arc::new(authority),
            log: self.listen,
            meter: self.meter,
        })
    }

    fn judged(&self, case: &Case, begun: Instant, total: Total) -> CaseReport {
        if let (None, Some(reason)) = (&total.failure, total.skipped.clone()) {
            return self.entry(case, begun, CaseState::Skipped, reason, total);
        }
        let excepted = self.exceptions.get(&case.id);
        let (state, reason) = match (total.failure.clone(), excepted) {
            (None, None) => (CaseState::Passed, String::new()),
            (Some(why), None) => (CaseState::Failed, why),
            (Some(_), Some(reason)) => (CaseState::Skipped, reason.clone()),
            (None, Some(_)) => (
                CaseState::Failed,
                "the exception is not needed any more: take it out of the exceptions".to_owned(),
            ),
        };
        self.entry(case, begun, state, reason, total)
    }

    fn entry(
        &self,
        case: &Case,
        begun: Instant,
        state: CaseState,
        reason: String,
        total: Total,
    ) -> CaseReport {
        CaseReport {
            id: case.id.clone(),
            level: case.level,
            state,
            reason,
            millis: begun.elapsed().as_millis().try_into().unwrap_or(u64::MAX),
            title: case.title.clone(),
            requirement: case.requirement.clone(),
            source: case.source.clone(),
            kinds: total.kinds,
            memory: total.memory,
        }
    }

    fn unstarted(&self, reason: &str) -> Report {
        let begun = Instant::now();
        let entry = |case| {
            self.entry(
                case,
                begun,
                CaseState::Failed,
                reason.to_owned(),
                Total::default(),
            )
        };
        self.sorted(self.cases.iter().map(entry).collect())
    }

    /// Reports are in the order of ids, whatever the order of the runs.
    fn sorted(&self, mut cases: Vec<CaseReport>) -> Report {
        cases.sort_by(|one, other| one.id.cmp(&other.id));
        Report {
            subject: self.subject.clone(),
            cases,
        }
    }
}

/// What one run of a case came to.
pub(crate) struct Verdict {
    pub result: Result<(), String>,
    pub kinds: Vec<String>,
    /// By how many bytes the process grew, where that was measured.
    pub memory: Option<u64>,
    /// Why the subject cannot be judged by this case, if it says so.
    pub skipped: Option<String>,
}

impl Default for Verdict {
    fn default() -> Self {
        Self {
            result: Ok(()),
            kinds: Vec::new(),
            memory: None,
            skipped: None,
        }
    }
}

impl Verdict {
    pub(crate) fn of(run: &Run<'_>) -> Self {
        let kinds = run
            .outcomes
            .iter()
            .map(|outcome| outcome.kind.clone())
            .collect();
        Self {
            result: run.judge(),
            kinds,
            memory: run.grown,
            skipped: None,
        }
    }
}

/// All runs of a case.
#[derive(Default)]
struct Total {
    failure: Option<String>,
    kinds: Vec<String>,
    memory: Option<u64>,
    skipped: Option<String>,
}

impl Total {
    fn add(&mut self, place: Option<usize>, verdict: Result<Verdict, String>) {
        let result = match verdict {
            Ok(verdict) => {
                self.kinds.extend(verdict.kinds);
                self.memory = self.memory.max(verdict.memory);
                self.skipped = self.skipped.take().or(verdict.skipped);
                verdict.result
            }
            Err(fault) => Err(fault),
        };
        if let Err(why) = result {
            self.failure = Some(match place {
                Some(place) => format!("at byte {place}: {why}"),
                None => why,
            });
        }
    }

    /// Whether the other runs of the case can tell nothing more.
    fn is_over(&self) -> bool {
        self.failure.is_some() || self.skipped.is_some()
    }
}

/// The runs of a case: one, or one a place of its sweep.
fn places(case: &Case) -> Vec<Option<usize>> {
    match case.sweep {
        None => vec![None],
        Some(_) => (0..run::places(case)).map(Some).collect(),
    }
}

/// What a list of cases shows of one.
#[derive(Clone, Copy, Debug)]
pub struct CaseInfo<'a> {
    case: &'a Case,
}

impl<'a> CaseInfo<'a> {
    /// Its id, `group/behaviour`.
    #[must_use]
    pub fn id(&self) -> &'a str {
        &self.case.id
    }
    /// Its level.
    #[must_use]
    pub fn level(&self) -> case::Level {
        self.case.level
    }
    /// What it does, in a few words.
    #[must_use]
    pub fn title(&self) -> &'a str {
        &self.case.title
    }
    /// The rule that a client must keep.
    #[must_use]
    pub fn requirement(&self) -> &'a str {
        &self.case.requirement
    }
    /// Where the rule comes from.
    #[must_use]
    pub fn source(&self) -> &'a str {
        &self.case.source
    }
    /// The variables that a process must be started with to run it, if it is about those: `HOME` too,
    /// which is this empty folder unless the case says otherwise.
    pub fn environment(&self, home: &str) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::from([("HOME".to_owned(), home.to_owned())]);
        let own = self.case.env.iter();
        variables.extend(own.map(|(name, value)| (name.clone(), value.replace("${home}", home))));
        variables
    }
    /// Whether it needs a process of its own: for its variables, or because it moves so much that memory
    /// is worth measuring.
    #[must_use]
    pub fn needs_own_process(&self) -> bool {
        self.case.needs.contains(&Need::Env) || memory::is_large(self.case)
    }
}

/// A filter that fits no case.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no case has {0:?} in its id: `--list` shows them all")]
pub struct UnknownCase(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    id: String,
    reason: String,
}

/// An exception that is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidException {
    /// No case has this id.
    #[error("there is no case {0:?} to except")]
    NoSuchCase(String),
    /// The reason is empty.
    #[error("the exception for {0:?} has no reason: say why the rule cannot be kept")]
    NoReason(String),
    /// The exceptions are no list of ids and reasons.
    #[error("the exceptions are no JSON list of objects with `id` and `reason`: {0}")]
    NoList(String),
}
