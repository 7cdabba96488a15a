//! Cases that need a process of their own: this command again, with one case.

use ap_conformance::{Report, Suite};

use super::options::Options;
use super::subject::Subject;

/// Runs each case that needs it in a process of its own, with the environment variables of that case and no others.
pub(super) fn run_in_own_processes(
    suite: &Suite,
    subject: Subject,
    options: &Options,
    report: &mut Report,
) {
    suite.run_in_own_processes(report, |command, case| {
        command.args(["conformance", subject.name(), "--case", case.id()]);
        if let Some(folder) = &options.cases {
            command.arg("--cases").arg(folder);
        }
        if options.trace.is_some() {
            command.args(["--trace", case.id()]);
        }
        for (name, values) in [("--without", &options.without), ("--skip", &options.skip)] {
            command.args(values.iter().flat_map(|value| [name, value]));
        }
    });
}
