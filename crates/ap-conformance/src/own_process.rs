//! The process of its own in which a case runs: its environment variables, and its hosts file.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::case_info::CaseInfo;

/// Puts a file over the hosts file, which only this process and its children see, and becomes the program.
const WITH_HOSTS: &str = r#"mount --bind "$0" /etc/hosts && exec "$@""#;

/// The arguments of `unshare` for file systems of its own. They need no rights where user namespaces are allowed.
const OWN_FILE_SYSTEMS: [&str; 3] = ["--user", "--map-root-user", "--mount"];

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
