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
    for case in suite
        .list()
        .filter(ap_conformance::CaseInfo::needs_own_process)
    {
        let result = (|| {
            let home = tempfile::tempdir().map_err(|error| error.to_string())?;
            let program = std::env::current_exe().map_err(|error| error.to_string())?;
            let command = case.command(&program, home.path());
            let Some(mut command) = command.map_err(|error| error.to_string())? else {
                // It stays skipped.
                return Ok(());
            };
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
            let output = command.output().map_err(|error| error.to_string())?;
            let json: serde_json::Value = serde_json::from_slice(&output.stdout)
                .map_err(|_| format!("it printed no report ({})", output.status))?;
            report.merge(case.id(), &json)
        })();
        if let Err(error) = result {
            report.fail(case.id(), &format!("in a process of its own: {error}"));
        }
    }
}
