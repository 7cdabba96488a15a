//! `cargo xtask meltano`: the Singer tap under public tools: the checker of singer-tools, the tests that Singer's SDK has for
//! taps, and Meltano with the project of `docs/meltano` and target-jsonl, against the emulator.
//!
//! The tools are installed from PyPI into `target/meltano`, about 250 MB, so this is no part of `.ci/run`.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use ap_emulator::{Emulator, Product};
use serde_json::{Value, json};

use crate::output::print;
use crate::repo;

/// How many events the emulator begins with: three pages, the last of them short.
const EVENTS: u32 = 2_500;

/// Leads that are submitted between two runs, to this flow and source of the emulator.
const LEADS: &str = "email,phone_1,state\na@b.example,5125550101,TX\nb@b.example,5125550102,TX\n";
const FLOW: &str = "65e0b2000000000000000001";
const SOURCE: &str = "65e0a1000000000000000004";

/// The name under which the program is a tap.
const TAP: &str = "tap-activeprospect";

/// Gives the tap to the tests of Singer's SDK for Python.
const SDK_TESTS: &str = include_str!("meltano/test_tap.py");

/// Runs the command.
pub(crate) fn run() -> Result<ExitCode, String> {
    let tools = Tools::prepare()?;
    let emulator = Emulator::builder().events(EVENTS).start();
    let emulator = emulator.map_err(|error| error.to_string())?;
    let check = Check { tools, emulator };
    print(&check.singer()?)?;
    print(&check.sdk()?)?;
    print(&check.meltano()?)
}

/// The programs that the check runs.
struct Tools {
    folder: PathBuf,
    program: PathBuf,
}

impl Tools {
    /// Builds the program, links it as a tap, and installs the public tools if they are missing.
    fn prepare() -> Result<Self, String> {
        let target = repo::metadata()?.target_directory.into_std_path_buf();
        let mut build = repo::cargo();
        build.current_dir(repo::root());
        repo::output(build.args(["build", "--quiet", "--locked", "-p", "activeprospect-cli"]))?;
        let tools = Self {
            folder: target.join("meltano"),
            program: target.join("debug/ap"),
        };
        let bin = tools.folder.join("bin");
        std::fs::create_dir_all(&bin).map_err(|error| failed(&bin, &error))?;
        let tap = tools.tap();
        let _ = std::fs::remove_file(&tap);
        std::fs::hard_link(&tools.program, &tap).map_err(|error| failed(&tap, &error))?;
        tools.install("checker", "singer-check-tap", "singer-tools")?;
        tools.install("sdk", "pytest", "singer-sdk[testing]")?;
        tools.install("runner", "meltano", "meltano")?;
        Ok(tools)
    }

    fn tap(&self) -> PathBuf {
        self.folder.join("bin").join(TAP)
    }

    fn installed(&self, environment: &str, program: &str) -> PathBuf {
        self.folder.join(environment).join("bin").join(program)
    }

    /// Installs a package into an environment of its own, if its program is not there.
    fn install(&self, environment: &str, program: &str, package: &str) -> Result<(), String> {
        if self.installed(environment, program).exists() {
            return Ok(());
        }
        let folder = self.folder.join(environment);
        let not_installed = |error| {
            format!("{package} cannot be installed here, so that nothing was checked: {error}")
        };
        repo::output(Command::new("python3").args(["-m", "venv"]).arg(&folder))
            .map_err(not_installed)?;
        let mut pip = Command::new(folder.join("bin/python"));
        repo::output(pip.args(["-m", "pip", "install", "--quiet", package]))
            .map_err(not_installed)?;
        Ok(())
    }

    /// Returns a folder that is empty.
    fn empty_folder(&self, name: &str) -> Result<PathBuf, String> {
        let folder = self.folder.join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
        }
        std::fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
        Ok(folder)
    }
}

/// The tap against the emulator.
struct Check {
    tools: Tools,
    emulator: Emulator,
}

impl Check {
    fn url(&self) -> &str {
        self.emulator.url(Product::LeadConduit)
    }

    /// Returns a program that has the emulator's key, to be run in a folder.
    fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut path = self.tools.folder.join("bin").into_os_string();
        if let Some(rest) = std::env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        let mut command = Command::new(program);
        command.current_dir(folder).env("PATH", path);
        command.env("ACTIVEPROSPECT_API_KEY", self.emulator.key());
        command.env("TAP_ACTIVEPROSPECT_ORIGIN", self.url());
        command
    }

    /// Writes the tap's configuration into a folder.
    fn config(&self, folder: &Path) -> Result<PathBuf, String> {
        let config = folder.join("config.json");
        write(&config, json!({"origin": self.url()}).to_string())?;
        Ok(config)
    }

    /// Gives the tap's messages to the checker of singer-tools, which validates each: of a run without a state, and of one
    /// that continues after the last state.
    fn singer(&self) -> Result<String, String> {
        let folder = self.tools.empty_folder("check")?;
        let config = self.config(&folder)?;
        let state = folder.join("state.json");
        let mut state_argument = None;
        let mut records = Vec::new();
        for run in ["first", "second"] {
            let mut tap = self.command(&self.tools.tap(), &folder);
            tap.arg("--config").arg(&config);
            if let Some(state) = &state_argument {
                tap.arg("--state").arg(state);
            }
            let messages = repo::output(&mut tap)?;
            let file = folder.join(format!("{run}.jsonl"));
            write(&file, &messages)?;
            let input = File::open(&file).map_err(|error| format!("cannot read {run}: {error}"))?;
            let checker = self.tools.installed("checker", "singer-check-tap");
            let report = repo::output(self.command(&checker, &folder).stdin(input))?;
            let count = report
                .lines()
                .find_map(|line| line.trim().strip_suffix(" record messages"));
            records.push(count.unwrap_or("no").to_owned());
            write(&state, messages.lines().last().unwrap_or_default())?;
            state_argument = Some(&state);
        }
        let expected = [EVENTS.to_string(), "0".to_owned()];
        match records == expected {
            true => Ok(format!(
                "singer-check-tap: {EVENTS} records are valid, and 0 come after the last state\n"
            )),
            false => Err(format!(
                "singer-check-tap found {records:?} records, not {expected:?}"
            )),
        }
    }

    /// Runs the tests of Singer's SDK on the tap's catalog and messages.
    fn sdk(&self) -> Result<String, String> {
        let folder = self.tools.empty_folder("sdk-tests")?;
        let config = self.config(&folder)?;
        let command = [
            self.tools.tap().as_os_str(),
            "--config".as_ref(),
            config.as_os_str(),
        ]
        .map(|part| part.to_string_lossy().into_owned());
        write(
            &folder.join("tap.json"),
            json!({ "command": command }).to_string(),
        )?;
        write(&folder.join("test_tap.py"), SDK_TESTS)?;
        let pytest = self.tools.installed("sdk", "pytest");
        let report = repo::output(self.command(&pytest, &folder).arg("-q"))?;
        let last = report.lines().last().unwrap_or_default();
        Ok(format!("the tests of Singer's SDK: {last}\n"))
    }

    /// Runs the project of `docs/meltano` three times: for everything, for nothing new, and for new events.
    fn meltano(&self) -> Result<String, String> {
        let folder = self.tools.empty_folder("project")?;
        let project = folder.join("meltano.yml");
        let text = repo::read(&repo::root().join("docs/meltano/meltano.yml"))?;
        write(&project, text)?;
        let meltano = |arguments: &[&str]| {
            let program = self.tools.installed("runner", "meltano");
            repo::output(self.command(&program, &folder).args(arguments))
        };
        let version = meltano(&["--version"])?;
        meltano(&["install"])?;
        let mut counts = Vec::new();
        for is_last in [false, false, true] {
            if is_last {
                self.submit(&folder)?;
            }
            meltano(&["run", TAP, "target-jsonl"])?;
            counts.push(ids(&repo::read(&folder.join("events.jsonl"))?)?.len());
        }
        let found = ids(&repo::read(&folder.join("events.jsonl"))?)?;
        let origin = format!("--origin=lcx={}", self.url());
        let mut export = self.command(&self.tools.program, &folder);
        let expected = ids(&repo::output(export.args([&origin, "events", "export"]))?)?;
        let [first, second, third] = counts[..] else {
            return Err("a run is missing".to_owned());
        };
        if found != expected || first != EVENTS as usize || second != first || third <= second {
            return Err(format!(
                "after three runs there were {counts:?} events, and then {} different ones of {}",
                found.iter().collect::<BTreeSet<_>>().len(),
                expected.len()
            ));
        }
        self.check_no_key(&folder)?;
        Ok(format!(
            "{}: {first} events in the first run, {} more in the second, {} more after new leads; none twice, \
             the same as `ap events export`; the key is in no file of the project\n",
            version.trim(),
            second - first,
            third - second
        ))
    }

    fn submit(&self, folder: &Path) -> Result<(), String> {
        let leads = folder.join("leads.csv");
        write(&leads, LEADS)?;
        let origin = format!("--origin=lcx={}", self.url());
        let mut submit = self.command(&self.tools.program, folder);
        submit
            .args([&origin, "leads", "submit", FLOW, SOURCE])
            .arg(&leads);
        repo::output(&mut submit).map(drop)
    }

    /// Fails if a file of the project has the key.
    fn check_no_key(&self, folder: &Path) -> Result<(), String> {
        let key = self.emulator.key();
        for file in repo::files(folder)? {
            let path = folder.join(&file);
            // A file of a link that leads nowhere has nothing.
            let bytes = std::fs::read(&path).unwrap_or_default();
            if String::from_utf8_lossy(&bytes).contains(&key) {
                return Err(format!("{} contains the key", file.display()));
            }
        }
        Ok(())
    }
}

/// Returns the ids of events, one event a line, in the order of the lines.
fn ids(lines: &str) -> Result<Vec<String>, String> {
    let id = |line: &str| {
        let event: Option<Value> = serde_json::from_str(line).ok();
        event.and_then(|event| event["id"].as_str().map(str::to_owned))
    };
    let ids: Option<Vec<_>> = lines.lines().map(id).collect();
    ids.ok_or_else(|| "a line is no event with an id".to_owned())
}

fn write(path: &Path, text: impl AsRef<[u8]>) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}
