//! [`Suite`]: which cases are run, in which order, and which of them may fail; [`check`] and
//! [`check_async`].

use std::fmt::Debug;
use std::path::Path;

use ap_client::transport::{AsyncTransport, Transport, TransportConfig, TransportError};

use crate::case::files;
use crate::case::{Capability, Case, CaseError, Profile};
use crate::case_info::CaseInfo;
use crate::choice::ChoiceError;
use crate::context::SuiteContext;
use crate::expected_failures::{self, ExpectedFailure, ExpectedFailures};
use crate::log_collector;
use crate::report::Report;
use crate::run::Verdict;
use crate::runner::{MAX_HANGS, Runner};
use crate::skip::{Exceptions, ProcessKind, SubjectKind};
use crate::subject;
use crate::subject::program::Program;
use crate::subject::round_trip::RoundTripProgram;

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
    M: Fn(&TransportConfig) -> Result<T, TransportError> + Sync,
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
///
/// ```
/// use ap_client::transport::Connect as _;
/// use ap_conformance::{Capability, Suite};
/// use ap_ureq::UreqTransport as MyTransport; // yours goes here
///
/// let suite = Suite::builtin()
///     .subject("my-transport")
///     .filter("authorization/")?
///     .without(Capability::Proxy, "it is for servers that are reached directly")?
///     .quiet();
/// suite.check(MyTransport::connect).assert();
/// # Ok::<(), ap_conformance::ChoiceError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a suite does nothing before it checks"]
pub struct Suite {
    subject: String,
    cases: Vec<Case>,
    exceptions: Exceptions,
    expected_failures: ExpectedFailures,
    process_kind: ProcessKind,
    jobs: usize,
    max_hangs: usize,
    log: Option<fn() -> String>,
    memory_meter: Option<fn() -> Option<u64>>,
    trace: bool,
    is_quiet: bool,
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
    /// [`CaseError`] if a file cannot be read or is not in the format of `docs/conformance/writing-cases.md`.
    ///
    /// ```
    /// use ap_conformance::Suite;
    ///
    /// let folder = tempfile::tempdir()?;
    /// std::fs::write(folder.path().join("mine.json"), r#"{
    ///     "description": "What our own server does.",
    ///     "cases": [{
    ///         "id": "mine/empty",
    ///         "title": "An empty list",
    ///         "requirement": "A client returns a body as it came.",
    ///         "source": "RFC 9110 section 6.4",
    ///         "level": "MUST",
    ///         "listeners": {"target": {"script": ["read", {"respond": {"status": 200, "body": "[]"}}]}},
    ///         "calls": [{"path": "/flows", "expect": {"outcome": "response", "body": "[]"}}]
    ///     }]
    /// }"#)?;
    /// let suite = Suite::from_folder(folder.path())?;
    /// assert_eq!(suite.list().next().unwrap().id(), "mine/empty");
    /// # use ap_client::transport::Connect as _;
    /// # suite.quiet().check(ap_ureq::UreqTransport::connect).assert();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_folder(folder: &Path) -> Result<Self, CaseError> {
        files::read_folder(folder).map(Self::of)
    }

    fn of(cases: Vec<Case>) -> Self {
        Self {
            subject: "subject".to_owned(),
            cases,
            exceptions: Exceptions::default(),
            expected_failures: ExpectedFailures::default(),
            process_kind: ProcessKind::default(),
            jobs: 1,
            max_hangs: MAX_HANGS,
            log: None,
            memory_meter: None,
            trace: false,
            is_quiet: false,
        }
    }

    /// Sets the subject's name in the report.
    pub fn subject(mut self, name: &str) -> Self {
        name.clone_into(&mut self.subject);
        self
    }

    /// Keeps only the cases of a profile.
    ///
    /// ```
    /// use ap_conformance::{Profile, Suite};
    ///
    /// let suite = Suite::builtin().profile(Profile::KeySafety);
    /// assert!(suite.list().any(|case| case.id() == "authorization/exact"));
    /// assert!(!suite.list().any(|case| case.id() == "framing/byte-by-byte"));
    /// ```
    pub fn profile(mut self, profile: Profile) -> Self {
        self.cases.retain(|case| profile.contains(case.profile));
        self
    }

    /// Keeps only the cases that need this capability.
    pub fn capability(mut self, capability: Capability) -> Self {
        self.cases.retain(|case| case.needs.contains(&capability));
        self
    }

    /// Keeps only the cases whose id contains this text.
    ///
    /// # Errors
    ///
    /// [`ChoiceError`] if no case matches, or if all that match were left out before.
    pub fn filter(self, text: &str) -> Result<Self, ChoiceError> {
        self.keep(text, |id| id.contains(text))
    }

    /// Keeps only the case with this id.
    ///
    /// # Errors
    ///
    /// [`ChoiceError`] if there is none, or if it was left out before.
    pub fn only(self, id: &str) -> Result<Self, ChoiceError> {
        self.keep(id, |one| one == id)
    }

    /// Keeps only the cases with these ids.
    ///
    /// # Errors
    ///
    /// [`ChoiceError`] for the first id that no case has, or whose case was left out before.
    pub fn only_these(mut self, ids: &[impl AsRef<str>]) -> Result<Self, ChoiceError> {
        let is_known = |id: &&str| self.cases.iter().any(|case| case.id == **id);
        if let Some(unknown) = ids.iter().map(AsRef::as_ref).find(|id| !is_known(id)) {
            return Err(self.unknown_case(unknown, |id| id == unknown));
        }
        self.cases
            .retain(|case| ids.iter().any(|id| id.as_ref() == case.id));
        Ok(self)
    }

    fn keep(mut self, text: &str, matches: impl Fn(&str) -> bool) -> Result<Self, ChoiceError> {
        if !self.cases.iter().any(|case| matches(&case.id)) {
            return Err(self.unknown_case(text, matches));
        }
        self.cases.retain(|case| matches(&case.id));
        Ok(self)
    }

    /// Says that there is no such case, or that it was left out before.
    fn unknown_case(&self, text: &str, matches: impl Fn(&str) -> bool) -> ChoiceError {
        if files::builtin().iter().any(|case| matches(&case.id)) {
            return ChoiceError::LeftOut(text.to_owned());
        }
        ChoiceError::unknown_case(text, self.cases.iter().map(|case| case.id.as_str()))
    }

    /// Declares that the subject does not offer a capability, with the reason.
    ///
    /// Cases that need it are not run. The report counts them as not applicable.
    ///
    /// ```
    /// use ap_conformance::{Capability, Suite};
    ///
    /// let suite = Suite::builtin()
    ///     .without(Capability::Proxy, "it is for servers that are reached directly")?
    ///     .without(Capability::ConnectionReuse, "it opens a connection for each request")?;
    /// # Ok::<(), ap_conformance::ChoiceError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ChoiceError::NoReason`] if the reason is empty.
    pub fn without(mut self, capability: Capability, reason: &str) -> Result<Self, ChoiceError> {
        ChoiceError::check_reason(capability.name(), reason)?;
        self.exceptions
            .without
            .push((capability, reason.to_owned()));
        Ok(self)
    }

    /// Leaves out the cases whose id starts with this text, with the reason. `body/` leaves out a group.
    ///
    /// They are not run. The report shows them as skipped, with the reason.
    ///
    /// ```
    /// let suite = ap_conformance::Suite::builtin().skip("body/", "judged elsewhere")?;
    /// # Ok::<(), ap_conformance::ChoiceError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ChoiceError`] if no id starts with the text, or if the reason is empty.
    pub fn skip(mut self, start: &str, reason: &str) -> Result<Self, ChoiceError> {
        ChoiceError::check_reason(start, reason)?;
        let mut cases = files::builtin().iter().chain(&self.cases);
        if !cases.any(|case| case.id.starts_with(start)) {
            return Err(self.unknown_case(start, |_| false));
        }
        let entry = (start.to_owned(), reason.to_owned());
        self.exceptions.skipped.push(entry);
        Ok(self)
    }

    /// Expects a case to fail, with the reason why this subject cannot keep the rule.
    ///
    /// The case still runs. If it fails, the report shows it as skipped, with the reason. If it passes,
    /// the report shows it as failed, so that you remove the expected failure.
    ///
    /// # Errors
    ///
    /// [`ChoiceError`] if there is no such case, or no reason.
    ///
    /// ```
    /// let suite = ap_conformance::Suite::builtin()
    ///     .expected_failure("framing/short-body-fin", "the library does not compare the length")?;
    /// # Ok::<(), ap_conformance::ChoiceError>(())
    /// ```
    pub fn expected_failure(self, id: &str, reason: &str) -> Result<Self, ChoiceError> {
        self.expect_failure(ExpectedFailure {
            id: id.to_owned(),
            reason: reason.to_owned(),
            result: None,
            may_pass: false,
        })
    }

    fn expect_failure(mut self, entry: ExpectedFailure) -> Result<Self, ChoiceError> {
        let mut cases = files::builtin().iter().chain(&self.cases);
        if !cases.any(|case| case.id == entry.id) {
            return Err(self.unknown_case(&entry.id, |_| false));
        }
        self.expected_failures.add(entry)?;
        Ok(self)
    }

    /// Expects every case of a JSON list to fail: `[{"id": …, "reason": …}]`.
    ///
    /// Each is added as by [`expected_failure`](Self::expected_failure). With `"result": TEXT`, only a failure whose result
    /// contains the text is the expected one, and any other fails the case. An entry with `"may_pass": true` depends on
    /// timing: it may also pass.
    ///
    /// # Errors
    ///
    /// [`ChoiceError`] for the first entry that is not valid.
    ///
    /// ```
    /// let list = r#"[{
    ///     "id": "framing/short-body-fin",
    ///     "reason": "the library does not compare the length",
    ///     "result": "saw response"
    /// }]"#;
    /// let suite = ap_conformance::Suite::builtin().expected_failures(list)?;
    /// # Ok::<(), ap_conformance::ChoiceError>(())
    /// ```
    pub fn expected_failures(self, list: &str) -> Result<Self, ChoiceError> {
        let mut entries = expected_failures::parse(list)?.into_iter();
        entries.try_fold(self, Self::expect_failure)
    }

    /// Keeps only the cases for which the function returns `true`, and runs them however many hang.
    #[cfg(test)]
    pub(crate) fn retain(mut self, keep: impl Fn(&Case) -> bool) -> Self {
        self.is_quiet = true;
        self.max_hangs = usize::MAX;
        self.cases.retain(keep);
        self
    }

    /// Changes the order of the cases. The same seed gives the same order.
    pub fn shuffled(mut self, seed: u64) -> Self {
        // A linear congruential generator, with Knuth's constants for 64 bits.
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
    /// that it runs, as [`run_in_own_processes`](Self::run_in_own_processes) starts it.
    pub fn with_environment(mut self) -> Self {
        self.process_kind.has_environment = true;
        self
    }

    /// Collects everything that libraries log by the crate `log`, at the level `trace`, and searches it for keys.
    ///
    /// A library that uses `tracing` logs there too if the feature `log` of `tracing` is on. Only for a program
    /// without a logger of its own, which would give its lines to [`log`](Self::log) instead. The report says if no
    /// log was searched.
    pub fn collect_logs(mut self) -> Self {
        if log_collector::collect() {
            self.log = Some(log_collector::take);
        }
        self
    }

    /// Sets a function that returns what was logged since its last call, for a logger of your own.
    ///
    /// The suite calls it after every call, and searches the text for keys.
    pub fn log(mut self, log: fn() -> String) -> Self {
        self.log = Some(log);
        self
    }

    /// Shows the whole conversation of every case in its [`details`](crate::CaseReport::details), with times, also if it
    /// passed.
    pub fn trace(mut self) -> Self {
        self.trace = true;
        self
    }

    /// Writes nothing while it runs.
    ///
    /// By default, a run says on standard error how far it is: on a terminal in one line that changes, elsewhere in
    /// a line every ten seconds.
    pub fn quiet(mut self) -> Self {
        self.is_quiet = true;
        self
    }

    /// Runs so many cases at a time, because most of their time is waiting. By default, one.
    ///
    /// A case that fails among others runs again by itself, and that decides. With a [`log`](Self::log), which does not
    /// say which case a line belongs to, and in programs, cases always run one after another.
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.jobs = jobs;
        self
    }

    /// Sets a function that returns the most memory that this process has had so far, in bytes, such as
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

    /// Returns `true` if [`skip`](Self::skip) leaves out the case.
    pub(crate) fn skips(&self, id: &str) -> bool {
        self.exceptions.skips(id).is_some()
    }

    /// Judges a blocking transport.
    pub fn check<T, M>(&self, make: M) -> Report
    where
        T: Transport + Debug + 'static,
        M: Fn(&TransportConfig) -> Result<T, TransportError> + Sync,
    {
        self.check_on_threads(|case, offset, context| {
            subject::run_blocking(case, offset, context, &make)
        })
    }

    /// Judges a blocking transport by a function that runs a case once.
    pub(crate) fn check_on_threads(
        &self,
        run_once: impl Fn(&Case, Option<usize>, &SuiteContext) -> Result<Verdict, String> + Sync,
    ) -> Report {
        self.runner(SubjectKind::Blocking)
            .run_on_threads(self.context(), run_once)
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
    /// The program speaks the protocol of `docs/conformance/other-languages.md`. If it ends, hangs or breaks the
    /// protocol, the current case fails, and the program is started again for the next case.
    pub fn check_program(&self, command: &str) -> Report {
        let mut program = Program::new(command);
        self.check_by(SubjectKind::Program, |case, offset, context| {
            program.run(case, offset, context)
        })
    }

    /// Judges a program that makes round trips, by the shell command that starts it.
    ///
    /// This is the minimal form of the protocol of `docs/conformance/other-languages.md`: one line of JSON for each
    /// request, one for its response. The keys are put on by this crate, so the program is judged as a transport.
    pub fn check_transport_program(&self, command: &str) -> Report {
        let program = RoundTripProgram::new(command);
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
            exceptions: &self.exceptions,
            expected_failures: &self.expected_failures,
            is_quiet: self.is_quiet,
            jobs: if self.log.is_some() { 1 } else { self.jobs },
            max_hangs: self.max_hangs,
            searches_logs: self.log.is_some(),
        }
    }

    fn context(&self) -> Result<SuiteContext, String> {
        SuiteContext::new(self.log, self.memory_meter, self.trace)
    }
}
