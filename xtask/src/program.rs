//! The program `ap` in release mode, an emulator of its own, and runs against it that are measured.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::repo;

/// How often the memory of a run is read.
const SAMPLE: Duration = Duration::from_millis(10);

/// The program, and a folder for its files that is removed in the end.
pub(crate) struct Program {
    path: PathBuf,
    folder: TempDir,
}

/// An emulator in a process of its own. It ends when this is dropped.
pub(crate) struct Emulated {
    child: Child,
    pub(crate) key: String,
    pub(crate) lcx: String,
    pub(crate) suppressionlist: String,
}

/// How a run ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stderr: String,
    pub(crate) wall: Duration,
    /// The most memory, as it was read last, if the system says.
    pub(crate) peak_kib: Option<u64>,
}

impl Program {
    /// Builds the program.
    pub(crate) fn build() -> Result<Self, String> {
        let mut build = repo::cargo();
        build
            .args(["build", "--release", "--locked", "--quiet"])
            .args(["-p", "activeprospect-cli"])
            .current_dir(repo::root());
        repo::output(&mut build)?;
        let folder: PathBuf = repo::metadata()?.target_directory.join("release").into();
        Self::at(folder.join("ap"))
    }

    /// Uses a program that was built.
    pub(crate) fn at(path: PathBuf) -> Result<Self, String> {
        let folder = TempDir::new();
        let folder = folder.map_err(|error| format!("cannot make a folder: {error}"))?;
        Ok(Self { path, folder })
    }

    /// Returns the path of a file in the program's folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts an emulator with this many invented events.
    pub(crate) fn emulate(&self, events: u64) -> Result<Emulated, String> {
        let mut child = Command::new(&self.path)
            .args(["emulate", "--events", &events.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start the emulator: {error}"))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            let read = BufReader::new(stdout).read_line(&mut line);
            read.map_err(|error| format!("the emulator: {error}"))?;
        }
        let started: Value =
            serde_json::from_str(&line).map_err(|error| format!("the emulator: {error}"))?;
        let text = |name: &str| started[name].as_str().unwrap_or_default().to_owned();
        Ok(Emulated {
            child,
            key: text("key"),
            lcx: text("lcx"),
            suppressionlist: text("suppressionlist"),
        })
    }

    /// Returns the program with arguments, in its folder and against an emulator.
    pub(crate) fn command(&self, emulated: &Emulated, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command
            .arg(format!("--origin=lcx={}", emulated.lcx))
            .arg(format!(
                "--origin=suppressionlist={}",
                emulated.suppressionlist
            ))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("ACTIVEPROSPECT_API_KEY", &emulated.key);
        command
    }

    /// Runs a command to its end, or ends it by a signal after a time.
    pub(crate) fn run(
        &self,
        mut command: Command,
        kill_after: Option<Duration>,
    ) -> Result<Ended, String> {
        let failed = |error: std::io::Error| format!("cannot run ap: {error}");
        let log = self.file("stderr.txt");
        command
            .stdin(Stdio::null())
            .stderr(File::create(&log).map_err(failed)?);
        let start = Instant::now();
        let mut child = command.spawn().map_err(failed)?;
        let mut peak_kib = None;
        let status = loop {
            peak_kib = peak(child.id()).or(peak_kib);
            if let Some(status) = child.try_wait().map_err(failed)? {
                break status;
            }
            let left = kill_after.map(|after| after.saturating_sub(start.elapsed()));
            if left.is_some_and(|left| left.is_zero()) {
                child.kill().map_err(failed)?;
                break child.wait().map_err(failed)?;
            }
            std::thread::sleep(left.map_or(SAMPLE, |left| left.min(SAMPLE)));
        };
        Ok(Ended {
            status,
            wall: start.elapsed(),
            stderr: repo::read(&log)?,
            peak_kib,
        })
    }
}

impl Ended {
    /// Returns the run if its exit code is one of these.
    pub(crate) fn expect(self, codes: &[i32]) -> Result<Self, String> {
        match self.status.code() {
            Some(code) if codes.contains(&code) => Ok(self),
            _ => Err(format!(
                "ap ended with {}: {}",
                self.status,
                self.stderr.trim()
            )),
        }
    }
}

impl Drop for Emulated {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the most memory that a process had until now, in KiB, if it lives and the system says.
fn peak(process: u32) -> Option<u64> {
    memory(process, "VmHWM:")
}

/// Returns the memory of a process that is in use, in KiB, if it lives and the system says.
pub(crate) fn resident(process: u32) -> Option<u64> {
    memory(process, "VmRSS:")
}

fn memory(process: u32, name: &str) -> Option<u64> {
    let status = Path::new("/proc").join(process.to_string()).join("status");
    let status = std::fs::read_to_string(status).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
