//! Rows a second of `ap events export` and `ap lists check`, beside a Python tap and a bare loop over hyper: the same
//! calls to the same emulator, in the same run.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::table::{Cell, Table};
use super::targets::{Limit, Target};
use super::tools::{self, Tools, spread, version};
use crate::program::{Emulated, Program};
use crate::repo;

const TITLE: &str = "Bulk commands";
const EXPORT: &str = "`ap events export`";
const CHECK: &str = "`ap lists check`";
const TO_BARE: &str = "bare loop's pace to ours";
const TO_TAP: &str = "our pace to the tap's";
const PEAK: &str = "peak memory MiB";

const LIST: &str = "do_not_call";

/// How many calls each of ours has in flight.
const CONCURRENCY: usize = 8;

/// How often each pace is measured, in alternation.
const ROUNDS: usize = 3;

/// The script of the tap, and one with the standard library alone.
const TAP: &str = include_str!("bulk/tap.py");
const PLAIN: &str = include_str!("bulk/plain.py");

/// What the project promises of both commands.
pub(super) const TARGETS: [Target; 3] = [
    Target {
        what: "rows a second to those of a Python tap: `ap events export`, `ap lists check`",
        figures: &[(TITLE, EXPORT, TO_TAP), (TITLE, CHECK, TO_TAP)],
        digits: 1,
        limit: Limit::AtLeast(25.0),
    },
    Target {
        what: "rows a second of a bare loop over hyper to ours: the same",
        figures: &[(TITLE, EXPORT, TO_BARE), (TITLE, CHECK, TO_BARE)],
        digits: 2,
        limit: Limit::AtMost(1.5),
    },
    Target {
        what: "peak memory, MiB: the same",
        figures: &[(TITLE, EXPORT, PEAK), (TITLE, CHECK, PEAK)],
        digits: 1,
        limit: Limit::Below(64.0),
    },
];

/// The arguments of this part.
#[derive(Debug, clap::Args)]
pub(crate) struct BulkOptions {
    /// How many values the check of `bench bulk` has
    #[arg(long, value_name = "N", default_value_t = 2_000_000)]
    values: u64,

    /// How many events the export of `bench bulk` has
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    events: u64,
}

/// One subject in one stream.
struct Pace {
    name: String,
    rows: u64,
    per_second: f64,
    peak_kib: Option<u64>,
}

/// Measures both commands; quickly with a twentieth of the rows.
pub(super) fn run(
    tools: &Tools,
    options: &BulkOptions,
    is_quick: bool,
    tables: &mut Vec<Table>,
) -> Result<(), String> {
    let part = if is_quick { 20 } else { 1 };
    let (values, events) = (options.values / part, options.events / part);
    let bench = Bench {
        tools,
        program: Program::at(tools.program("ap"))?,
        python: Python::find(tools),
    };
    let emulated = bench.program.emulate(events)?;
    bench.write_values(values)?;
    let mut table = Table::new(
        TITLE,
        &format!(
            "Of the same calls to the same emulator, which has one thread, in the same run. Ours write a result file and \
             its journal; the check has {CONCURRENCY} calls in flight. The bare loop is hyper's connections, as many, \
             and writes nothing. The tap is made with Singer's SDK for Python and writes to `/dev/null`. Paces are the \
             median of {ROUNDS} rounds in alternation; the memory is that of one run over all rows."
        ),
        &["what", "rows", "rows a second", TO_BARE, TO_TAP, PEAK],
    );
    for (name, paces) in [
        (EXPORT, bench.export(&emulated, events)?),
        (CHECK, bench.check(&emulated, values)?),
    ] {
        let pace = |at: usize| paces.get(at).map(|pace| pace.per_second);
        let (ours, bare, tap) = (pace(0), pace(1), pace(2));
        for (index, pace) in paces.iter().enumerate() {
            let ratio = |one: Option<f64>, other: Option<f64>| {
                let ratio = one.zip(other).map(|(one, other)| one / other);
                ratio.filter(|_| index == 0)
            };
            table.rows.push(vec![
                Cell::Text(match index {
                    0 => name.to_owned(),
                    _ => format!(
                        "{}, {}",
                        if name == EXPORT { "events" } else { "values" },
                        pace.name
                    ),
                }),
                Cell::Number(pace.rows as f64, 0),
                Cell::Number(pace.per_second, 0),
                Cell::number(ratio(bare, ours), 2),
                Cell::number(ratio(ours, tap), 1),
                Cell::number(pace.peak_kib.map(|kib| kib as f64 / 1024.0), 1),
            ]);
        }
    }
    tables.push(table);
    Ok(())
}

struct Bench<'a> {
    tools: &'a Tools,
    program: Program,
    python: Option<Python>,
}

impl Bench<'_> {
    /// Writes the input of the check: the values that the bare loop checks.
    fn write_values(&self, values: u64) -> Result<(), String> {
        let failed = |error| format!("cannot write the values: {error}");
        let file = File::create(self.program.file("values.txt")).map_err(failed)?;
        let mut file = BufWriter::new(file);
        for row in 0..values {
            writeln!(file, "{}", 5_120_000_000 + row).map_err(failed)?;
        }
        file.flush().map_err(failed)
    }

    /// Returns the paces of ours, of the bare loop, and of the tap.
    fn export(&self, emulated: &Emulated, events: u64) -> Result<Vec<Pace>, String> {
        let arguments = ["events", "export", "-o", "events.jsonl"];
        let bare = ["export".to_owned(), emulated.lcx.clone()];
        let mut paces = self.alternate(
            || self.ours(emulated, &arguments, "events.jsonl", events),
            || self.bare(emulated, &bare),
        )?;
        paces.extend(self.python(emulated, "events", &emulated.lcx, events / 20)?);
        Ok(paces)
    }

    /// Returns the paces of ours, of the bare loop, and of the tap.
    fn check(&self, emulated: &Emulated, values: u64) -> Result<Vec<Pace>, String> {
        let concurrency = format!("--concurrency={CONCURRENCY}");
        let check = |input| {
            [
                "lists",
                "check",
                LIST,
                input,
                "-o",
                "checked.jsonl",
                &concurrency,
            ]
        };
        // Rounds over a tenth, and one over all for the memory.
        let rows = values / 10;
        let start = std::fs::read_to_string(self.program.file("values.txt"));
        let start: String = start
            .map_err(|error| format!("cannot read the values: {error}"))?
            .split_inclusive('\n')
            .take(usize::try_from(rows).unwrap_or(usize::MAX))
            .collect();
        let written = std::fs::write(self.program.file("some.txt"), start);
        written.map_err(|error| format!("cannot write the values: {error}"))?;
        let bare = [
            "check",
            &emulated.suppressionlist,
            LIST,
            &rows.to_string(),
            &CONCURRENCY.to_string(),
        ]
        .map(str::to_owned);
        let mut paces = self.alternate(
            || self.ours(emulated, &check("some.txt"), "checked.jsonl", rows),
            || self.bare(emulated, &bare),
        )?;
        eprintln!("bench: checking {values} values");
        let whole = self.ours(emulated, &check("values.txt"), "checked.jsonl", values)?;
        if let Some(ours) = paces.first_mut() {
            ours.rows = whole.rows;
            ours.peak_kib = whole.peak_kib;
        }
        let url = &emulated.suppressionlist;
        paces.extend(self.python(emulated, "values", url, values / 100)?);
        Ok(paces)
    }

    /// Returns the median of each, from rounds in alternation.
    fn alternate(
        &self,
        ours: impl Fn() -> Result<Pace, String>,
        bare: impl Fn() -> Result<Pace, String>,
    ) -> Result<Vec<Pace>, String> {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            first.push(ours()?);
            second.push(bare()?);
        }
        Ok([first, second].into_iter().filter_map(median).collect())
    }

    fn ours(
        &self,
        emulated: &Emulated,
        arguments: &[&str],
        output: &str,
        rows: u64,
    ) -> Result<Pace, String> {
        for name in [output.to_owned(), format!("{output}.journal")] {
            // The first run has none.
            let _ = std::fs::remove_file(self.program.file(&name));
        }
        let arguments = [arguments, &["--report", "json"]].concat();
        let command = self.program.command(emulated, &arguments);
        let ended = self.program.run(command, None)?.expect(&[0])?;
        // A run that takes long says before it how far it is.
        let report = ended.stderr.lines().last().unwrap_or_default();
        let report: Value =
            serde_json::from_str(report).map_err(|error| format!("the report of ap: {error}"))?;
        if report["ok"] != json!(rows) {
            return Err(format!("ap did not do {rows} rows: {report}"));
        }
        Ok(Pace {
            name: "ours".to_owned(),
            rows,
            per_second: rows as f64 / ended.wall.as_secs_f64(),
            peak_kib: ended.peak_kib,
        })
    }

    fn bare(&self, emulated: &Emulated, arguments: &[String]) -> Result<Pace, String> {
        let printed = self.tools.json(arguments, &emulated.key)?;
        measured("a bare loop over hyper", &printed)
    }

    /// Returns the pace of the tap, or that of the plain script if there is no tap.
    fn python(
        &self,
        emulated: &Emulated,
        stream: &str,
        url: &str,
        limit: u64,
    ) -> Result<Option<Pace>, String> {
        let Some(python) = &self.python else {
            return Ok(None);
        };
        eprintln!("bench: {limit} {stream} by a Python tap");
        let config = json!({
            "stream": stream, "url": url, "key": emulated.key, "limit": limit, "list": LIST,
            "file": self.program.file("values.txt"),
        });
        let mut command = Command::new(&python.program);
        command.args(["-c", python.script]);
        let output = tools::run_to(&mut command, &format!("{config}\n"), Stdio::null())?;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let report = stderr.lines().last().unwrap_or_default();
        let report: Value =
            serde_json::from_str(report).map_err(|error| format!("the tap: {error}"))?;
        let version = report["version"].as_str().unwrap_or_default();
        measured(&format!("{} {version}", python.name), &report).map(Some)
    }
}

/// Python with Singer's SDK, or without it.
struct Python {
    program: PathBuf,
    name: &'static str,
    script: &'static str,
}

impl Python {
    /// Installs the SDK into a folder of its own below `target`, unless it is there. Without it, the script with the
    /// standard library alone takes its place.
    fn find(tools: &Tools) -> Option<Self> {
        let Some(_) = version("python3", "--version") else {
            tools.skip("a Python tap, because Python is not installed");
            return None;
        };
        let folder = repo::root().join("target/bench-python");
        let program = folder.join("bin/python");
        let has_sdk = || {
            let mut import = Command::new(&program);
            import.args(["-c", "import singer_sdk"]);
            repo::output(&mut import).is_ok()
        };
        let install = || {
            eprintln!("bench: installing Singer's SDK for Python");
            let mut venv = Command::new("python3");
            venv.args(["-m", "venv"]).arg(&folder);
            let mut pip = Command::new(&program);
            pip.args(["-m", "pip", "install", "--quiet", "singer-sdk"]);
            repo::output(&mut venv).is_ok() && repo::output(&mut pip).is_ok()
        };
        if has_sdk() || install() && has_sdk() {
            return Some(Self {
                program,
                name: "a tap with Singer's SDK",
                script: TAP,
            });
        }
        tools.skip(
            "Singer's SDK for Python, which could not be installed: a plain script takes its place",
        );
        Some(Self {
            program: "python3".into(),
            name: "a script, Python",
            script: PLAIN,
        })
    }
}

fn measured(name: &str, report: &Value) -> Result<Pace, String> {
    let number = |member: &str| report[member].as_f64();
    let (rows, seconds) = number("rows")
        .zip(number("seconds"))
        .ok_or_else(|| format!("{name} did not say what it measured"))?;
    Ok(Pace {
        name: name.to_owned(),
        rows: rows as u64,
        per_second: rows / seconds,
        peak_kib: report["peak_bytes"].as_u64().map(|bytes| bytes / 1024),
    })
}

/// Returns the pace in the middle, with the most memory of all.
fn median(mut paces: Vec<Pace>) -> Option<Pace> {
    let all: Vec<f64> = paces.iter().map(|pace| pace.per_second).collect();
    let (middle, ..) = spread(&all)?;
    let peak_kib = paces.iter().filter_map(|pace| pace.peak_kib).max();
    let last = paces.pop()?;
    Some(Pace {
        per_second: middle,
        peak_kib,
        ..last
    })
}
