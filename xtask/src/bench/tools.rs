//! The programs that are measured and those that measure; what is not there is said, not guessed.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};

use serde_json::Value;

use crate::repo;

/// Where the programs are, and what was left out.
pub(crate) struct Tools {
    folder: PathBuf,
    has_valgrind: bool,
    /// Whether cold builds are to be measured.
    pub(crate) cold: bool,
    skipped: RefCell<Vec<String>>,
}

impl Tools {
    /// Builds the programs as anyone would.
    pub(crate) fn build(cold: bool) -> Result<Self, String> {
        let mut build = repo::cargo();
        build
            .args(["build", "--release", "--locked", "--quiet"])
            .args(["-p", "ap-bench", "-p", "activeprospect-cli"])
            .current_dir(repo::root());
        eprintln!("bench: building what is measured");
        let status = build.status();
        let status = status.map_err(|error| format!("cargo does not start: {error}"))?;
        if !status.success() {
            return Err("what is to be measured does not build".to_owned());
        }
        let folder = repo::metadata()?.target_directory.join("release").into();
        let tools = Self {
            folder,
            has_valgrind: version("valgrind", "--version").is_some(),
            cold,
            skipped: RefCell::default(),
        };
        if !tools.has_valgrind {
            tools.skip("instructions, because valgrind is not installed");
        }
        Ok(tools)
    }

    /// Says that something was left out, and why.
    pub(crate) fn skip(&self, what: &str) {
        let mut skipped = self.skipped.borrow_mut();
        if !skipped.iter().any(|known| known == what) {
            skipped.push(what.to_owned());
        }
    }

    pub(crate) fn skipped(&self) -> Vec<String> {
        self.skipped.borrow().clone()
    }

    /// One of the programs of this workspace.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The instructions that a program takes in user space, if they can be counted.
    pub(crate) fn instructions(
        &self,
        program: &Path,
        arguments: &[String],
        input: &str,
    ) -> Result<Option<f64>, String> {
        if !self.has_valgrind {
            return Ok(None);
        }
        let mut command = Command::new("valgrind");
        command
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            // As many workers as there may be, and some.
            .arg("--max-threads=2000")
            .arg(program)
            .args(arguments);
        let output = run(&mut command, input)?;
        let report = String::from_utf8_lossy(&output.stderr);
        let count = report
            .lines()
            .find_map(|line| line.split_once("Collected :"))
            .and_then(|(_, count)| count.trim().parse().ok());
        count
            .map(Some)
            .ok_or_else(|| format!("valgrind did not count {}", program.display()))
    }

    /// What one turn of a program's loop takes: the difference between so many turns and twice as many.
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

    /// What the program of the benchmark printed as JSON.
    pub(crate) fn json(&self, arguments: &[String], input: &str) -> Result<Value, String> {
        let output = run(
            Command::new(self.program("ap-bench")).args(arguments),
            input,
        )?;
        serde_json::from_slice(&output.stdout).map_err(|error| format!("ap-bench: {error}"))
    }

    /// What a program counted: allocations, and their bytes.
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

    /// The machine, in general terms.
    pub(crate) fn machine(&self) -> String {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpu
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
            .map_or("a processor that does not say its name", |(_, model)| model);
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

/// The first line of what a program says of its version, if it is installed.
pub(crate) fn version(program: &str, flag: &str) -> Option<String> {
    let output = Command::new(program).arg(flag).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().next()?.trim().to_owned();
    (output.status.success() && !line.is_empty()).then_some(line)
}

/// Runs a program with an input; that it fails is an error.
pub(crate) fn run(command: &mut Command, input: &str) -> Result<Output, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let failed = |error: std::io::Error| format!("{name} does not run: {error}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that wants no input may be over by now.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(failed)?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = said.lines().last().unwrap_or_default();
    Err(format!("{name} failed: {last}"))
}

/// The processor time of all programs that were run and are over, in seconds, where the system tells.
pub(crate) fn children_cpu() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(13)?.parse::<u64>().ok()? + fields.get(14)?.parse::<u64>().ok()?;
    // The unit of that file is fixed at a hundredth of a second.
    Some(ticks as f64 / 100.0)
}

/// The one server of all calls, in a process of its own, which ends with this value.
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

    /// One that answers nothing before it has so many connections.
    pub(crate) fn gathering(tools: &Tools, connections: usize) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("the server does not run: {error}");
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
        let said: Value =
            serde_json::from_str(&line).map_err(|error| format!("the server: {error}"))?;
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            child,
            stdin,
            http: text("http"),
            https: text("https"),
            root_pem: text("root_pem"),
        })
    }

    /// Where it is served, `plain` or over `TLS`.
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

/// The value in the middle, the least and the most.
pub(crate) fn spread(values: &[f64]) -> Option<(f64, f64, f64)> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = *sorted.get(sorted.len() / 2)?;
    Some((middle, *sorted.first()?, *sorted.last()?))
}
