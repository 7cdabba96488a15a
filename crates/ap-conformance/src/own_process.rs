//! The process of its own in which a case runs: its environment variables, and its hosts file.

use std::error::Error;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::case_info::CaseInfo;
use crate::report::Report;
use crate::suite::Suite;

/// The variable that says to a program that the suite started it for one case.
const IS_CHILD: &str = "AP_CONFORMANCE_CHILD";

/// Puts a file over the hosts file, which only this process and its children see, and becomes the program.
const WITH_HOSTS: &str = r#"mount --bind "$0" /etc/hosts && exec "$@""#;

/// The arguments of `unshare` for file systems of its own. They need no rights where user namespaces are allowed.
const OWN_FILE_SYSTEMS: [&str; 3] = ["--user", "--map-root-user", "--mount"];

impl Suite {
    /// Runs the cases that need a process of their own, and puts their results into the report.
    ///
    /// Each process is this program again, with the environment variables of the case and no others. `add_arguments`
    /// says by the arguments which case it is. That process runs the case
    /// [`with_environment`](Self::with_environment), and prints the report of it by
    /// [`to_detailed_json`](Report::to_detailed_json), and nothing else, on standard output.
    ///
    /// ```no_run
    /// use ap_client::transport::Connect as _;
    /// use ap_conformance::Suite;
    /// use ap_ureq::UreqTransport as MyTransport; // yours goes here
    ///
    /// fn main() -> Result<(), ap_conformance::ChoiceError> {
    ///     let suite = Suite::builtin().collect_logs();
    ///     if let Some(id) = std::env::args().nth(1) {
    ///         // The process of one case.
    ///         let one = suite.only(&id)?.with_environment().quiet();
    ///         println!("{}", one.check(MyTransport::connect).to_detailed_json());
    ///         return Ok(());
    ///     }
    ///     let mut report = suite.check(MyTransport::connect);
    ///     suite.run_in_own_processes(&mut report, |command, case| {
    ///         command.arg(case.id());
    ///     });
    ///     report.assert();
    ///     Ok(())
    /// }
    /// ```
    ///
    /// A case with a hosts file of its own stays skipped where user namespaces are missing.
    pub fn run_in_own_processes(
        &self,
        report: &mut Report,
        add_arguments: impl Fn(&mut Command, CaseInfo<'_>),
    ) {
        if std::env::var_os(IS_CHILD).is_some() {
            // A program that ignores the arguments would start itself without end.
            return;
        }
        for case in self.list().filter(CaseInfo::needs_own_process) {
            if self.skips(case.id()) || !report.is_skipped(case.id()) {
                continue;
            }
            if let Err(error) = run_in_own_process(case, report, &add_arguments) {
                report.fail(case.id(), &format!("in a process of its own: {error}"));
            }
        }
    }
}

fn run_in_own_process(
    case: CaseInfo<'_>,
    report: &mut Report,
    add_arguments: &impl Fn(&mut Command, CaseInfo<'_>),
) -> Result<(), Box<dyn Error>> {
    let home = tempfile::tempdir()?;
    let Some(mut command) = case.command(&std::env::current_exe()?, home.path())? else {
        // It stays skipped.
        return Ok(());
    };
    add_arguments(&mut command, case);
    let output = command.env(IS_CHILD, "1").output()?;
    let json = serde_json::from_slice(&output.stdout).map_err(|_| {
        format!(
            "it did not print the report of the case as JSON, and nothing else ({})",
            output.status
        )
    })?;
    Ok(report.merge(case.id(), &json)?)
}

impl CaseInfo<'_> {
    /// Returns a command that starts a program for this case, with the case's environment variables and no others.
    ///
    /// `home` is an empty folder. Returns `None` if the case needs a hosts file of its own, and this machine cannot give
    /// it one.
    ///
    /// # Errors
    ///
    /// The error of writing to the folder.
    pub fn command(&self, program: &Path, home: &Path) -> io::Result<Option<Command>> {
        let mut command = match self.hosts() {
            None => Command::new(program),
            Some(_) if !has_own_file_systems() => return Ok(None),
            Some(hosts) => {
                let path = home.join("hosts");
                std::fs::write(&path, hosts)?;
                let mut command = Command::new("unshare");
                command.args(OWN_FILE_SYSTEMS);
                command.args(["--", "sh", "-c", WITH_HOSTS]);
                command.arg(path).arg(program);
                command
            }
        };
        let path = std::env::var_os("PATH");
        command
            .env_clear()
            .envs(self.environment(&home.to_string_lossy()));
        if let (Some(path), Some(_)) = (path, self.hosts()) {
            // `unshare`, `sh` and `mount` are found by it.
            command.env("PATH", path);
        }
        Ok(Some(command))
    }
}

fn has_own_file_systems() -> bool {
    let tried = Command::new("unshare")
        .args(OWN_FILE_SYSTEMS)
        .args(["--", "mount", "--bind", "/etc/hosts", "/etc/hosts"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}
