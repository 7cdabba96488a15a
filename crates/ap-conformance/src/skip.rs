//! Which cases are not judged, and why.

use crate::case::{Capability, Case};
use crate::memory;
use crate::report::CaseState;

/// The kinds of subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SubjectKind {
    Blocking,
    Async,
    Program,
}

impl SubjectKind {
    /// Returns why a subject of this kind cannot offer a capability, if it cannot.
    fn lacks(self, capability: Capability) -> Option<&'static str> {
        match (self, capability) {
            (Self::Blocking, Capability::Cancellation) => Some("a blocking call cannot be dropped"),
            (Self::Program, Capability::Cancellation) => Some("the protocol cannot drop a call"),
            (Self::Program, Capability::ConcurrentCalls) => {
                Some("the protocol makes one call after another")
            }
            _ => None,
        }
    }
}

/// What this process can run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ProcessKind {
    /// It was started with the environment variables of its one case.
    pub has_environment: bool,
    /// It leaves the cases that move many bytes to processes of their own.
    pub leaves_large_cases: bool,
}

/// What the subject is declared not to offer, and the cases that it leaves out, each with a reason.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exceptions {
    pub without: Vec<(Capability, String)>,
    /// The starts of ids.
    pub skipped: Vec<(String, String)>,
}

impl Exceptions {
    /// Returns why a case is skipped, if it is.
    pub(crate) fn skips(&self, id: &str) -> Option<&str> {
        let mut skipped = self.skipped.iter();
        let (_, reason) = skipped.find(|(start, _)| id.starts_with(start.as_str()))?;
        Some(reason)
    }
}

/// A case that is not run.
pub(crate) struct NotRun {
    pub state: CaseState,
    pub reason: String,
}

/// Returns why a case is not run, if it is not.
pub(crate) fn not_run(
    case: &Case,
    subject: SubjectKind,
    process: ProcessKind,
    exceptions: &Exceptions,
) -> Option<NotRun> {
    if let Some(reason) = exceptions.skips(&case.id) {
        return Some(skipped(reason));
    }
    let declared = |capability: Capability| {
        let mut without = exceptions.without.iter();
        without
            .find(|(one, _)| *one == capability)
            .map(|(_, reason)| reason.as_str())
    };
    let lacks = |capability: &Capability| {
        let reason = declared(*capability).or_else(|| subject.lacks(*capability))?;
        Some(NotRun {
            state: CaseState::NotApplicable,
            reason: format!("needs {capability}: {reason}"),
        })
    };
    if let Some(not_run) = case.needs.iter().find_map(lacks) {
        return Some(not_run);
    }
    if case.needs_environment() && !process.has_environment {
        return Some(skipped(
            "needs an environment of its own, so a process of its own, see `Suite::run_in_own_processes`",
        ));
    }
    if process.leaves_large_cases && memory::is_large(case) {
        return Some(skipped(
            "moves many bytes, so its memory is measured in a process of its own",
        ));
    }
    None
}

fn skipped(reason: &str) -> NotRun {
    NotRun {
        state: CaseState::Skipped,
        reason: reason.to_owned(),
    }
}
