//! Which cases are skipped, and why.

use crate::case::{Case, Need};
use crate::memory;

/// The kinds of subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SubjectKind {
    Blocking,
    Async,
    Program,
}

/// What this process can run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ProcessKind {
    /// It was started with the environment variables of its one case.
    pub has_environment: bool,
    /// It leaves the cases that move many bytes to processes of their own.
    pub leaves_large_cases: bool,
}

/// Returns why a case is skipped, if it is.
pub(crate) fn skip_reason(
    case: &Case,
    subject: SubjectKind,
    process: ProcessKind,
) -> Option<&'static str> {
    if case.needs.contains(&Need::Async) {
        match subject {
            SubjectKind::Async => {}
            SubjectKind::Blocking => return Some("drops a future, but a blocking call has none"),
            SubjectKind::Program => return Some("drops a future, but the protocol has none"),
        }
    }
    if subject == SubjectKind::Program && case.calls.iter().any(|call| call.times > 1) {
        return Some("makes calls at the same time, but the protocol makes one after another");
    }
    if case.needs.contains(&Need::Env) && !process.has_environment {
        return Some(
            "needs environment variables, so a process of its own; `cargo xtask conformance` starts one",
        );
    }
    if process.leaves_large_cases && memory::is_large(case) {
        return Some("moves many bytes, so its memory is measured in a process of its own");
    }
    None
}
