//! [`Runner`]: runs the cases of a suite, one after another or some at a time, and writes the report.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ap_client::transport::{AsyncTransport, TransportConfig, TransportError};

use crate::case::Case;
use crate::context::SuiteContext;
use crate::expected_failures::ExpectedFailures;
use crate::judge::Failure;
use crate::progress::Progress;
use crate::queue::Queue;
use crate::report::{CaseReport, CaseState, Report};
use crate::run::Verdict;
use crate::skip::{Exceptions, NotRun, ProcessKind, SubjectKind, not_run};
use crate::subject;

/// After this many cases in which a call did not end by itself, the rest is not run: each costs seconds.
pub(crate) const MAX_HANGS: usize = 20;

/// Runs cases for one subject.
pub(crate) struct Runner<'a> {
    pub subject: &'a str,
    pub subject_kind: SubjectKind,
    pub process_kind: ProcessKind,
    pub cases: &'a [Case],
    pub exceptions: &'a Exceptions,
    pub expected_failures: &'a ExpectedFailures,
    pub is_quiet: bool,
    /// How many cases may run at a time.
    pub jobs: usize,
    pub max_hangs: usize,
    pub searches_logs: bool,
}

impl Runner<'_> {
    /// Runs all cases, one after another. `run_once` runs a case once, at an offset if the case has a sweep.
    pub(crate) fn run(
        &self,
        context: Result<SuiteContext, String>,
        run_once: impl FnMut(&Case, Option<usize>, &SuiteContext) -> Result<Verdict, String>,
    ) -> Report {
        match context {
            Ok(context) => self.run_in_turn(self.cases, Results::start(self), &context, run_once),
            Err(reason) => self.all_failed(&reason),
        }
    }

    /// Runs all cases, some at a time on threads of their own.
    pub(crate) fn run_on_threads(
        &self,
        context: Result<SuiteContext, String>,
        run_once: impl Fn(&Case, Option<usize>, &SuiteContext) -> Result<Verdict, String> + Sync,
    ) -> Report {
        let context = match context {
            Ok(context) => context,
            Err(reason) => return self.all_failed(&reason),
        };
        let queue = Queue::new(self.cases, self.jobs);
        let results = Mutex::new(Results::start(self));
        let lock = || results.lock().unwrap_or_else(PoisonError::into_inner);
        std::thread::scope(|scope| {
            for _ in 0..queue.workers() {
                scope.spawn(|| {
                    while let Some(case) = queue.next() {
                        let begun = lock().begin(case);
                        let total = run_case(case, begun, &context, &run_once);
                        lock().end_or_repeat(case, total, &queue);
                    }
                });
            }
        });
        let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.run_in_turn(queue.into_rest(), results, &context, run_once)
    }

    fn run_in_turn<'a>(
        &self,
        cases: impl IntoIterator<Item = &'a Case>,
        mut results: Results<'_>,
        context: &SuiteContext,
        mut run_once: impl FnMut(&Case, Option<usize>, &SuiteContext) -> Result<Verdict, String>,
    ) -> Report {
        for case in cases {
            let total = run_case(case, results.begin(case), context, &mut run_once);
            results.end(case, total);
        }
        results.report()
    }

    /// Runs all cases with an async transport.
    pub(crate) async fn run_async<T, M>(
        &self,
        context: Result<SuiteContext, String>,
        make: &M,
    ) -> Report
    where
        T: AsyncTransport + Debug + 'static,
        M: Fn(&TransportConfig) -> Result<T, TransportError>,
    {
        let context = match context {
            Ok(context) => context,
            Err(reason) => return self.all_failed(&reason),
        };
        let queue = Queue::new(self.cases, self.jobs);
        let results = RefCell::new(Results::start(self));
        let worker = || async {
            while let Some(case) = queue.next() {
                let begun = results.borrow_mut().begin(case);
                let total = run_case_async(case, begun, &context, make).await;
                results.borrow_mut().end_or_repeat(case, total, &queue);
            }
        };
        subject::all(std::iter::repeat_with(worker).take(queue.workers())).await;
        let mut results = results.into_inner();
        for case in queue.into_rest() {
            let total = run_case_async(case, results.begin(case), &context, make).await;
            results.end(case, total);
        }
        results.report()
    }

    fn not_run(&self, case: &Case) -> Option<NotRun> {
        not_run(case, self.subject_kind, self.process_kind, self.exceptions)
    }

    fn judged(&self, case: &Case, mut total: CaseTotal) -> CaseReport {
        if let Some(NotRun { state, reason }) = total.not_run.take() {
            return entry(case, state, reason, total);
        }
        let expected = self.expected_failures.get(&case.id);
        let (state, reason) = match (&total.failure, expected) {
            (Some(failure), None) => (CaseState::Failed, failure.message.clone()),
            (Some(failure), Some(expected)) if !expected.covers(&failure.message) => (
                CaseState::Failed,
                format!(
                    "{}; it was expected to fail in another way",
                    failure.message
                ),
            ),
            (Some(_), Some(expected)) => (CaseState::Skipped, expected.reason.clone()),
            (None, Some(expected)) if !expected.may_pass => (
                CaseState::Failed,
                "it was expected to fail, but it passed; remove the expected failure".to_owned(),
            ),
            (None, _) => (CaseState::Passed, String::new()),
        };
        entry(case, state, reason, total)
    }

    fn all_failed(&self, reason: &str) -> Report {
        let failed = |case| {
            let total = CaseTotal::start(None);
            entry(case, CaseState::Failed, reason.to_owned(), total)
        };
        self.report(self.cases.iter().map(failed).collect())
    }

    /// Makes a report in the order of ids, whatever the order of the runs was.
    fn report(&self, mut cases: Vec<CaseReport>) -> Report {
        cases.sort_by(|one, other| one.id.cmp(&other.id));
        Report {
            subject: self.subject.to_owned(),
            cases,
            searches_logs: self.searches_logs,
        }
    }
}

/// Runs a case as often as it must be, unless that is decided already.
fn run_case(
    case: &Case,
    mut total: CaseTotal,
    context: &SuiteContext,
    mut run_once: impl FnMut(&Case, Option<usize>, &SuiteContext) -> Result<Verdict, String>,
) -> CaseTotal {
    for offset in case.sweep_offsets() {
        if total.is_decided() {
            break;
        }
        total.add(offset, run_once(case, offset, context));
    }
    total
}

/// The same with an async transport.
async fn run_case_async<T, M>(
    case: &Case,
    mut total: CaseTotal,
    context: &SuiteContext,
    make: &M,
) -> CaseTotal
where
    T: AsyncTransport + Debug + 'static,
    M: Fn(&TransportConfig) -> Result<T, TransportError>,
{
    for offset in case.sweep_offsets() {
        if total.is_decided() {
            break;
        }
        let verdict = subject::run_async(case, offset, context, make).await;
        total.add(offset, verdict);
    }
    total
}

fn entry(case: &Case, state: CaseState, reason: String, total: CaseTotal) -> CaseReport {
    let failure = total.failure.as_ref();
    CaseReport {
        id: case.id.clone(),
        level: failure
            .and_then(|failure| failure.level)
            .unwrap_or(case.level),
        state,
        reason,
        millis: total.elapsed.as_millis().try_into().unwrap_or(u64::MAX),
        title: case.title.clone(),
        requirement: case.requirement.clone(),
        source: case.source.clone(),
        details: total.details,
        kinds: total.kinds,
        memory: total.memory,
    }
}

/// The results so far.
struct Results<'a> {
    runner: &'a Runner<'a>,
    reports: Vec<CaseReport>,
    progress: Progress<'a>,
    /// The cases that failed with a call that did not end by itself.
    hangs: BTreeSet<String>,
    /// The first runs of cases that failed among others.
    first_runs: BTreeMap<String, CaseTotal>,
}

impl<'a> Results<'a> {
    fn start(runner: &'a Runner<'a>) -> Self {
        Self {
            runner,
            reports: Vec::new(),
            progress: Progress::start(runner.subject, runner.cases.len(), runner.is_quiet),
            hangs: BTreeSet::new(),
            first_runs: BTreeMap::new(),
        }
    }

    /// Begins a case, which may be decided without a run. Once the run is stopped, what a first run found counts.
    fn begin(&mut self, case: &Case) -> CaseTotal {
        let first_run = self.first_runs.remove(&case.id);
        let max_hangs = self.runner.max_hangs;
        let is_stopped = self.hangs.len() >= max_hangs;
        match (first_run, self.runner.not_run(case)) {
            (Some(first_run), _) if is_stopped => first_run,
            (_, None) if is_stopped => CaseTotal::start(Some(NotRun {
                state: CaseState::Skipped,
                reason: format!("stopped after {max_hangs} hangs"),
            })),
            (_, not_run) => CaseTotal::start(not_run),
        }
    }

    /// Ends a case that ran among others. If it failed, it runs again by itself, and that decides, so that no case fails
    /// because the machine was busy with the others. One that never ended does not, since that would take long.
    fn end_or_repeat<'q>(&mut self, case: &'q Case, total: CaseTotal, queue: &Queue<'q>) {
        if total.failure.is_none() || total.has_no_end() {
            self.end(case, total);
            return;
        }
        let is_expected = self.runner.expected_failures.get(&case.id).is_some();
        self.count_hang(case, total.has_hung && !is_expected);
        self.first_runs.insert(case.id.clone(), total);
        queue.repeat(case);
    }

    fn end(&mut self, case: &Case, total: CaseTotal) {
        let has_hung = total.has_hung;
        let report = self.runner.judged(case, total);
        self.count_hang(case, has_hung && report.state == CaseState::Failed);
        self.progress.add(&report);
        self.reports.push(report);
    }

    /// Counts a case once, by its last run.
    fn count_hang(&mut self, case: &Case, has_hung: bool) {
        if has_hung {
            self.hangs.insert(case.id.clone());
        } else {
            self.hangs.remove(&case.id);
        }
    }

    fn report(self) -> Report {
        self.runner.report(self.reports)
    }
}

/// What all runs of one case add up to.
struct CaseTotal {
    started: Instant,
    /// From the start to the end of the last run.
    elapsed: Duration,
    has_hung: bool,
    failure: Option<Failure>,
    not_run: Option<NotRun>,
    details: String,
    kinds: Vec<String>,
    memory: Option<u64>,
}

impl CaseTotal {
    fn start(not_run: Option<NotRun>) -> Self {
        Self {
            started: Instant::now(),
            elapsed: Duration::ZERO,
            has_hung: false,
            failure: None,
            not_run,
            details: String::new(),
            kinds: Vec::new(),
            memory: None,
        }
    }

    fn add(&mut self, offset: Option<usize>, verdict: Result<Verdict, String>) {
        self.elapsed = self.started.elapsed();
        let result = verdict.map_err(Failure::from).and_then(|verdict| {
            self.kinds.extend(verdict.kinds);
            self.details = verdict.details;
            self.has_hung |= verdict.has_hung;
            self.memory = self.memory.max(verdict.memory);
            let skipped = verdict.skipped.map(|reason| NotRun {
                state: CaseState::Skipped,
                reason,
            });
            self.not_run = self.not_run.take().or(skipped);
            verdict.result
        });
        if let Err(mut failure) = result {
            if let Some(offset) = offset {
                failure.message = format!("at byte {offset}: {}", failure.message);
            }
            self.failure = Some(failure);
        }
    }

    /// Returns `true` if the suite gave up waiting for a call.
    fn has_no_end(&self) -> bool {
        self.kinds.iter().any(|kind| kind == "hung")
    }

    /// Returns `true` if more runs of the case cannot change its result.
    fn is_decided(&self) -> bool {
        self.failure.is_some() || self.not_run.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::suite::Suite;

    #[test]
    fn a_subject_that_hangs_is_stopped_after_twenty_cases() {
        let hangs = |_: &Case, _, _: &SuiteContext| Ok(Verdict::hung("no answer".to_owned()));
        let suite = Suite::builtin().quiet();
        let report = suite.check_by(SubjectKind::Async, hangs);
        assert_eq!(report.count(CaseState::Failed), MAX_HANGS);
        assert!(report.to_string().contains("stopped after 20 hangs"));
    }

    #[test]
    fn a_case_that_fails_among_others_runs_again_by_itself() {
        let suite = Suite::builtin().quiet().jobs(3);
        let runs = Mutex::new(BTreeMap::new());
        let is_at_once = AtomicUsize::new(0);
        let all_began = std::sync::Barrier::new(3);
        let report = suite.check_on_threads(|case, _, _| {
            let nth = {
                let mut runs = runs.lock().unwrap();
                let nth = runs.entry(case.id.clone()).or_insert(0);
                *nth += 1;
                *nth
            };
            if nth == 1 && is_at_once.fetch_add(1, Ordering::SeqCst) < 3 {
                // This only returns if three cases run at a time.
                all_began.wait();
                return Err("too busy".to_owned());
            }
            Ok(Verdict::skipped("not judged here".to_owned()))
        });
        assert_eq!(report.count(CaseState::Failed), 0);
        let runs = runs.into_inner().unwrap();
        assert_eq!(runs.values().filter(|runs| **runs == 2).count(), 3);
    }
}
