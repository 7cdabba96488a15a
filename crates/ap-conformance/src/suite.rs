//! [`Suite`]: which cases are run, in which order, and which of them may fail; [`check`] and
//! [`check_async`].

use std::fmt::Debug;
use std::path::Path;

use ap_client::transport::{AsyncTransport, Transport, TransportConfig, TransportError};

use crate::case::files;
use crate::case::{Case, CaseError};
use crate::case_info::CaseInfo;
use crate::context::SuiteContext;
use crate::expected_failures::{self, ExpectedFailure, ExpectedFailures, InvalidExpectedFailure};
use crate::report::Report;
use crate::run::Verdict;
use crate::runner::Runner;
use crate::skip::{ProcessKind, SubjectKind};
use crate::subject;
use crate::subject::program::Program;

/// Judges a blocking transport by every case.
///
/// `make` makes a transport from the settings of a case: the suite's root certificate, limits and a
/// proxy. It is [`Connect::connect`](ap_client::transport::Connect) or any other function or closure.
///
/// ```no_run
/// use ap_client::transport::Connect as _;
/// use ap_ureq::UreqTransport as MyTransport; // yours goes here
///
/// #[test]
/// fn conforms() {
///     ap_conformance::check(MyTransport::connect).assert();
/// }
/// ```
pub fn check<T, M>(make: M) -> Report
where
    T: Transport + Debug + 'static,
    M: Fn(&TransportConfig) -> Result<T, TransportError>,
{
    Suite::builtin().check(make)
}

/// Judges an async transport by every case, on the runtime that awaits this.
///
/// ```no_run
/// use ap_client::transport::Connect as _;
/// use ap_reqwest::ReqwestTransport as MyTransport; // yours goes here
///
/// #[tokio::test]
/// async fn conforms() {
///     ap_conformance::check_async(MyTransport::connect).await.assert();
/// }
/// ```
pub async fn check_async<T, M>(make: M) -> Report
where
    T: AsyncTransport + Debug + 'static,
    M: Fn(&TransportConfig) -> Result<T, TransportError>,
{
    Suite::builtin().check_async(make).await
}

/// A choice of cases, with the failures that are expected.
///
/// [`check`] and [`check_async`] run all cases and expect no failure.
#[derive(Clone, Debug)]
#[must_use = "a suite does nothing before it checks"]
pub struct Suite {
    subject: String,
    cases: Vec<Case>,
    expected_failures: ExpectedFailures,
    process_kind: ProcessKind,
    log: Option<fn() -> String>,
    memory_meter: Option<fn() -> Option<u64>>,
}

impl Suite {
    /// Returns all cases of this crate.
    pub fn builtin() -> Self {
        Self::of(files::builtin().to_vec())
    }

    /// Reads the case files (`*.json`) of a folder.
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
            expected_failures: ExpectedFailures::default(),
            process_kind: ProcessKind::default(),
            log: None,
            memory_meter: None,
        }
    }

    /// Sets the subject's name in the report.
    pub fn subject(mut self, name: &str) -> Self {
        name.clone_into(&mut self.subject);
        self
    }

    /// Keeps only the cases whose id contains this text.
    ///
    /// # Errors
    ///
    /// [`UnknownCase`] if there is none.
    pub fn filter(mut self, text: &str) -> Result<Self, UnknownCase> {
        self.cases.retain(|case| case.id.contains(text));
        if self.cases.is_empty() {
            Err(UnknownCase(text.to_owned()))
        } else {
            Ok(self)
        }
    }

    /// Keeps only the case with this id.
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

    /// Expects a case to fail, with the reason why this subject cannot keep the rule.
    ///
    /// The case still runs. If it fails, the report shows it as skipped, with the reason. If it passes,
    /// the report shows it as failed, so that you remove the expected failure.
    ///
    /// # Errors
    ///
    /// [`InvalidExpectedFailure`] if there is no such case, or no reason.
    pub fn expected_failure(self, id: &str, reason: &str) -> Result<Self, InvalidExpectedFailure> {
        self.expect_failure(ExpectedFailure {
            id: id.to_owned(),
            reason: reason.to_owned(),
            may_pass: false,
        })
    }

    fn expect_failure(mut self, entry: ExpectedFailure) -> Result<Self, InvalidExpectedFailure> {
        let mut cases = files::builtin().iter().chain(&self.cases);
        if !cases.any(|case| case.id == entry.id) {
            return Err(InvalidExpectedFailure::UnknownCase(entry.id));
        }
        self.expected_failures.add(entry)?;
        Ok(self)
    }

    /// Expects every case of a JSON list to fail: `[{"id": …, "reason": …}]`.
    ///
    /// Each is added as by [`expected_failure`](Self::expected_failure). An entry with `"may_pass": true` depends
    /// on timing: it may also pass.
    ///
    /// # Errors
    ///
    /// [`InvalidExpectedFailure`] for the first entry that is not valid.
    pub fn expected_failures(self, list: &str) -> Result<Self, InvalidExpectedFailure> {
        let mut entries = expected_failures::parse(list)?.into_iter();
        entries.try_fold(self, Self::expect_failure)
    }

    /// Keeps only the cases for which the function returns `true`.
    #[cfg(test)]
    pub(crate) fn retain(mut self, keep: impl Fn(&Case) -> bool) -> Self {
        self.cases.retain(keep);
        self
    }

    /// Changes the order of the cases. The same seed gives the same order.
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

    /// Also runs the cases that need environment variables.
    ///
    /// Only for a process that was started with the [variables](CaseInfo::environment) of the one case
    /// that it runs.
    pub fn with_environment(mut self) -> Self {
        self.process_kind.has_environment = true;
        self
    }

    /// Sets a function that returns what was logged since its last call.
    ///
    /// The suite calls it after every call, and searches the text for keys.
    pub fn log(mut self, log: fn() -> String) -> Self {
        self.log = Some(log);
        self
    }

    /// Sets a function that returns the most memory that this process has had so far, such as
    /// [`peak_memory`](crate::peak_memory).
    ///
    /// Only for a process that runs one case, because the peak of one case hides that of the next.
    pub fn memory_meter(mut self, meter: fn() -> Option<u64>) -> Self {
        self.memory_meter = Some(meter);
        self
    }

    /// Skips the cases that move many bytes, so that other processes can run them and measure memory.
    pub fn without_large(mut self) -> Self {
        self.process_kind.leaves_large_cases = true;
        self
    }

    /// Returns the cases, in order.
    pub fn list(&self) -> impl Iterator<Item = CaseInfo<'_>> {
        self.cases.iter().map(CaseInfo::of)
    }

    /// Judges a blocking transport.
    pub fn check<T, M>(&self, make: M) -> Report
    where
        T: Transport + Debug + 'static,
        M: Fn(&TransportConfig) -> Result<T, TransportError>,
    {
        self.check_by(SubjectKind::Blocking, |case, offset, context| {
            subject::run_blocking(case, offset, context, &make)
        })
    }

    /// Judges an async transport, on the runtime that awaits this.
    pub async fn check_async<T, M>(&self, make: M) -> Report
    where
        T: AsyncTransport + Debug + 'static,
        M: Fn(&TransportConfig) -> Result<T, TransportError>,
    {
        self.runner(SubjectKind::Async)
            .run_async(self.context(), &make)
            .await
    }

    /// Judges a program by the shell command that starts it.
    ///
    /// The program speaks the protocol of `docs/conformance.md`. If it ends, hangs or breaks the
    /// protocol, the current case fails, and the program is started again for the next case.
    pub fn check_program(&self, command: &str) -> Report {
        let mut program = Program::new(command);
        self.check_by(SubjectKind::Program, |case, offset, context| {
            program.run(case, offset, context)
        })
    }

    /// Judges a subject by a function that runs a case once.
    pub(crate) fn check_by(
        &self,
        kind: SubjectKind,
        run_once: impl FnMut(&Case, Option<usize>, &SuiteContext) -> Result<Verdict, String>,
    ) -> Report {
        self.runner(kind).run(self.context(), run_once)
    }

    fn runner(&self, subject_kind: SubjectKind) -> Runner<'_> {
        Runner {
            subject: &self.subject,
            subject_kind,
            process_kind: self.process_kind,
            cases: &self.cases,
            expected_failures: &self.expected_failures,
        }
    }

    fn context(&self) -> Result<SuiteContext, String> {
        SuiteContext::new(self.log, self.memory_meter)
    }
}

/// A filter that matches no case.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no case has {0:?} in its id; `Suite::list` and `--list` show all ids")]
pub struct UnknownCase(String);
