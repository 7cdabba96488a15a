//! [`Progress`]: what a person sees while the suite runs, on standard error.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use crate::report::{CaseReport, CaseState};

/// How often a line is written where there is no terminal.
const INTERVAL: Duration = Duration::from_secs(10);

/// How often the line on a terminal is written again.
const REFRESH: Duration = Duration::from_millis(100);

/// Says how far a run is: on a terminal in one line that changes, elsewhere in a line every ten seconds.
pub(crate) struct Progress<'a> {
    subject: &'a str,
    total: usize,
    done: usize,
    failed: usize,
    slowest: (u64, String),
    last: Instant,
    is_quiet: bool,
    is_terminal: bool,
}

impl<'a> Progress<'a> {
    pub(crate) fn start(subject: &'a str, total: usize, is_quiet: bool) -> Self {
        Self {
            subject,
            total,
            done: 0,
            failed: 0,
            slowest: (0, String::new()),
            last: Instant::now(),
            is_quiet,
            is_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// Counts a case, and writes the line if it is time.
    pub(crate) fn add(&mut self, case: &CaseReport) {
        self.done += 1;
        self.failed += usize::from(case.state() == CaseState::Failed);
        if case.millis > self.slowest.0 {
            self.slowest = (case.millis, case.id().to_owned());
        }
        let interval = if self.is_terminal { REFRESH } else { INTERVAL };
        if !self.is_quiet && self.last.elapsed() >= interval {
            self.last = Instant::now();
            self.write(&self.line());
        }
    }

    fn line(&self) -> String {
        let Self {
            subject,
            total,
            done,
            failed,
            slowest: (millis, id),
            ..
        } = self;
        format!(
            "conformance: {subject}: {done} of {total} cases, {failed} failed; slowest {id} ({millis} ms)"
        )
    }

    fn write(&self, line: &str) {
        let mut stderr = std::io::stderr();
        // Nobody needs to know that the progress could not be shown.
        let _ = if self.is_terminal {
            write!(stderr, "\r\x1b[K{line}").and_then(|()| stderr.flush())
        } else {
            writeln!(stderr, "{line}")
        };
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if self.is_terminal && !self.is_quiet {
            self.write("");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Level;

    #[test]
    fn the_line_counts_cases_and_failures_and_names_the_slowest() {
        let mut progress = Progress::start("mine", 3, true);
        for (id, state, millis) in [
            ("a/one", CaseState::Passed, 5),
            ("a/two", CaseState::Failed, 70),
        ] {
            progress.add(&CaseReport {
                millis,
                ..CaseReport::new(id, Level::Must, state)
            });
        }
        let line = "conformance: mine: 2 of 3 cases, 1 failed; slowest a/two (70 ms)";
        assert_eq!(progress.line(), line);
    }
}
