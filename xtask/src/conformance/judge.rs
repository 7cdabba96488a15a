//! One run of the suite against a transport of this workspace.

use ap_conformance::{Report, Suite};

use super::options::Options;
use super::own_process::run_in_own_processes;
use super::subject::Subject;
use super::suite::with_expected_failures;

/// Runs the suite once against a transport of this workspace, with this name in its report.
pub(super) fn judge_one(
    options: &Options,
    suite: &Suite,
    subject: Subject,
    name: &str,
) -> Result<Report, String> {
    let mut suite = with_expected_failures(suite.clone(), subject, options)?.subject(name);
    if subject.hides_key_from_logs() {
        suite = suite.collect_logs();
    }
    if options.case.is_none() {
        suite = suite.without_large();
    }
    let mut report = subject.check(&suite)?;
    if options.case.is_none() {
        run_in_own_processes(&suite, subject, options, &mut report);
    }
    Ok(report)
}
