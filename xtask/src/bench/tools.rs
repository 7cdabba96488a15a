//! The programs that are measured and those that measure. What is not installed is skipped and reported.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};

use serde_json::Value;

use crate::repo;

/// The key of every call. No account has it.
pub(crate) const KEY: &str = "placeholder-key-of-the-benchmark";

/// Where the programs are, and what was skipped.
pub(crate) struct Tools {
    folder: PathBuf,
    has_valgrind: bool,
    /// `true` if builds from nothing are measured too.
    pub(crate) is_cold: bool,
    skipped: RefCell<Vec<String>>,
}

impl Tools {
    /// Builds the programs in release mode with the workspace's own profile.
    pub(crate) fn build(cold: bool) -> Result<Self, String> {
        let mut build = repo::cargo();
        build
            .args(["build", "--release", "--locked", "--quiet"])
            .args(["-p", "ap-bench", "-p", "activeprospect-cli"])
            .current_dir(repo::root());
        eprintln!("bench: building the programs to measure");
        let status = build.status();
        let status = status.map_err(|error| format!("cannot start cargo: {error}"))?;
        if !status.success() {
            return Err("the programs to measure do not build".to_owned());
        }
        let folder = repo::metadata()?.target_directory.join("release").into();
        let tools = Self {
            folder,
            has_valgrind: version("valgrind", "--version").is_some(),
            is_cold: cold,
            skipped: RefCell::default(),
        };
        if !tools.has_valgrind {
            tools.skip("instructions, because valgrind is not installed");
        }
        Ok(tools)
    }

    /// Records that something was skipped, and why.
    pub(crate) fn skip(&self, what: &str) {
        let mut skipped = self.skipped.borrow_mut();
        if !skipped.iter().any(|known| known == what) {
            skipped.push(what.to_owned());
        }
    }

    pub(crate) fn skipped(&self) -> Vec<String> {
        self.skipped.borrow().clone()
    }

    /// Returns the path of a program of this workspace.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Counts the instructions of a program in user space, if valgrind is installed.
    pub(crate) fn instructions(
        &self,
        program: &Path,
        arguments: &[String],
        input: &str,
    ) -> Result<Option<f64>, String> {
        let Some(mut command) = self.counted(program) else {
            return Ok(None);
        };
        let output = run(command.args(arguments), input)?;
        collected(&String::from_utf8_lossy(&output.stderr)).map(Some)
    }

    /// Returns the command that runs a program and counts its instructions, if valgrind is installed. What it writes to
    /// standard error has the [count](collected).
    pub(crate) fn counted(&self, program: &Path) -> Option<Command> {
        let mut command = Command::new("valgrind");
        command
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            // More than the largest number of workers.
            .arg("--max-threads=2000")
            .arg(program);
        self.has_valgrind.then_some(command)
    }

    /// Returns the instructions of one turn of a program's loop: the difference between `times` turns and twice as many,
    /// divided by `times`.
    pub(crate) fn instructions_each(
        &self,
        times: usize,
        mut count: impl FnMut(usize) -> Result<Option<f64>, String>,
    ) -> Result<Option<f64>, String> {
        let (once, twice) = (count(times)?, count(2 * times)?);
        Ok(once
            .zip(twice)
            .map(|(once, twice)| (twice - once) / times as f64))
    }

    /// Runs the benchmark's program and reads the JSON that it prints.
    pub(crate) fn json(&self, arguments: &[String], input: &str) -> Result<Value, String> {
        let output = run(
            Command::new(self.program("ap-bench")).args(arguments),
            input,
        )?;
        serde_json::from_slice(&output.stdout).map_err(|error| format!("ap-bench: {error}"))
    }

    /// Counts the allocations of a call, and their bytes.
    pub(crate) fn allocations(
        &self,
        arguments: &[String],
        input: &str,
    ) -> Result<(f64, f64), String> {
        let mut command = Command::new(self.program("bench-allocations"));
        let output = run(command.args(arguments), input)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut numbers = text.split_whitespace().map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(count)), Some(Ok(bytes))) => Ok((count, bytes)),
            _ => Err(format!("bench-allocations printed {text:?}")),
        }
    }

    /// Describes the machine in general terms.
    pub(crate) fn machine(&self) -> String {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpu
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
            .map_or("an unknown processor", |(_, model)| model);
        let rust = version("rustc", "--version").unwrap_or_else(|| "rustc".to_owned());
        let valgrind = version("valgrind", "--version").unwrap_or_else(|| "no valgrind".to_owned());
        format!(
            "{cores} cores of {model}, {} on {}, {}, {valgrind}",
            std::env::consts::OS,
            std::env::consts::ARCH,
            rust.split(" (").next().unwrap_or_default()
        )
    }
}

/// Returns the instructions that valgrind reports.
pub(crate) fn collected(report: &str) -> Result<f64, String> {
    let count = report
        .lines()
        .find_map(|line| line.split_once("Collected :"))
        .and_then(|(_, count)| count.trim().parse().ok());
    count.ok_or_else(|| "valgrind did not count a program's instructions".to_owned())
}

/// Returns the first line of a program's version, if it is installed.
pub(crate) fn version(program: &str, flag: &str) -> Option<String> {
    let output = Command::new(program).arg(flag).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().next()?.trim().to_owned();
    (output.status.success() && !line.is_empty()).then_some(line)
}

/// Runs a program with an input. An exit code that is not 0 is an error.
pub(crate) fn run(command: &mut Command, input: &str) -> Result<Output, String> {
    run_to(command, input, Stdio::piped())
}

/// The same with another standard output.
pub(crate) fn run_to(command: &mut Command, input: &str, stdout: Stdio) -> Result<Output, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let failed = |error: std::io::Error| format!("cannot run {name}: {error}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that reads no input may have ended already.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(failed)?;
    if output.status.success() {
        return Ok(output);
    }
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = errors.lines().last().unwrap_or_default();
    Err(format!("{name} failed: {last}"))
}

/// Returns the processor time of all programs that were run and have ended, in seconds, if the system reports it.
pub(crate) fn children_cpu() -> Option<f64> {
    cpu_fields("self", [13, 14])
}

/// Returns the processor time of a program that runs, in seconds, if the system reports it.
pub(crate) fn cpu(process: u32) -> Option<f64> {
    cpu_fields(&process.to_string(), [11, 12])
}

/// Returns the sum of two times that the system reports of a process, in seconds.
fn cpu_fields(process: &str, fields: [usize; 2]) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let all: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| all.get(field)?.parse::<u64>().ok();
    let [user, system] = fields.map(ticks);
    // The unit in that file is always a hundredth of a second.
    Some((user? + system?) as f64 / 100.0)
}

/// The server of all calls, in a process of its own. It ends when this is dropped.
pub(crate) struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    pub(crate) http: String,
    pub(crate) https: String,
    pub(crate) root_pem: String,
}

impl Server {
    pub(crate) fn start(tools: &Tools) -> Result<Self, String> {
        Self::gathering(tools, 1)
    }

    /// Starts a server that answers nothing until it has this many connections.
    pub(crate) fn gathering(tools: &Tools, connections: usize) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("cannot run the server: {error}");
        let mut child = Command::new(tools.program("ap-bench"))
            .args(["serve", &connections.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let stdin = child.stdin.take();
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout)
                .read_line(&mut line)
                .map_err(failed)?;
        }
        let printed: Value =
            serde_json::from_str(&line).map_err(|error| format!("the server: {error}"))?;
        let text = |name: &str| printed[name].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            child,
            stdin,
            http: text("http"),
            https: text("https"),
            root_pem: text("root_pem"),
        })
    }

    /// Returns the origin for a scheme: `plain` or `TLS`.
    pub(crate) fn origin(&self, scheme: &str) -> &str {
        if scheme == "TLS" {
            &self.https
        } else {
            &self.http
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

/// Returns the median, the least and the greatest value.
pub(crate) fn spread(values: &[f64]) -> Option<(f64, f64, f64)> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = *sorted.get(sorted.len() / 2)?;
    Some((middle, *sorted.first()?, *sorted.last()?))
}
