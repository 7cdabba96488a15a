//! `cargo xtask soak`: bulk commands that are ended by `kill -9` at random moments and completed by the same command, and
//! bulk commands at full size, with the most memory that they took.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::output::verdict;
use crate::program::{Emulated, Ended, Program};

const LIST: &str = "do_not_call";
const FLOW: &str = "65e0b2000000000000000001";
const SOURCE: &str = "65e0a1000000000000000004";

/// The most memory that a bulk command may take.
const MAX_KIB: u64 = 64 << 10;

/// How many rows and events the runs have that are killed.
const ROWS: u64 = 20_000;
const LEADS: u64 = 400;
const EVENTS: u64 = 50_000;

/// The command's arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many runs are killed, of all commands together
    #[arg(long, value_name = "N", default_value_t = 200)]
    kills: u32,

    /// How many values the check at full size has
    #[arg(long, value_name = "N", default_value_t = 2_000_000)]
    values: u64,

    /// How many events the export at full size has
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    events: u64,

    /// Begin no run after so many minutes
    #[arg(long, value_name = "N", default_value_t = 60)]
    minutes: u64,

    /// The seed of the random moments [default: the time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// A command that is killed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    Check,
    CheckUnordered,
    Add,
    Submit,
    Export,
}

const WORKS: [Work; 5] = [
    Work::Check,
    Work::CheckUnordered,
    Work::Add,
    Work::Submit,
    Work::Export,
];

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    eprintln!("soak: building ap");
    let program = Program::build()?;
    let seed = options.seed.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(1, |now| now.as_secs())
    });
    eprintln!("soak: seed {seed}");
    let mut soak = Soak {
        program,
        random: seed | 1,
        deadline: Instant::now() + Duration::from_secs(60 * options.minutes),
        problems: Vec::new(),
    };
    soak.kills(options.kills)?;
    soak.full_size(options)?;
    Ok(verdict("soak", &soak.problems))
}

struct Soak {
    program: Program,
    random: u64,
    deadline: Instant,
    problems: Vec<String>,
}

impl Soak {
    /// Kills each command in turn, and completes it.
    fn kills(&mut self, kills: u32) -> Result<(), String> {
        if kills == 0 {
            return Ok(());
        }
        let emulated = self.program.emulate(EVENTS)?;
        let leads = self.program.emulate(0)?;
        self.write_lines(
            "values.txt",
            (0..ROWS).map(|row| (5_120_000_000 + row).to_string()),
        )?;
        let mut whole: HashMap<u8, Duration> = HashMap::new();
        let (mut killed, mut unknown) = (0, 0);
        for point in 0..kills {
            if self.is_late(&format!("{point} of {kills} kills")) {
                break;
            }
            let work = WORKS[point as usize % WORKS.len()];
            let emulated = if work == Work::Submit {
                &leads
            } else {
                &emulated
            };
            let length = match whole.get(&(work as u8)) {
                Some(length) => *length,
                None => {
                    self.begin(work, u64::MAX)?;
                    let ended = self.run(work, emulated, None)?.expect(&[0])?;
                    *whole.entry(work as u8).or_insert(ended.wall)
                }
            };
            self.begin(work, u64::from(point))?;
            let after = length.mul_f64(self.next_fraction() * 1.1);
            let ended = self.run(work, emulated, Some(after))?;
            killed += u32::from(ended.status.code().is_none());
            let ended = self.run(work, emulated, None)?.expect(&[0, 8]);
            let checked = ended.and_then(|_| self.check(work, emulated));
            match checked {
                Ok(more) => unknown += more,
                Err(problem) => {
                    let problem = format!("{}, killed after {after:?}: {problem}", work.name());
                    eprintln!("soak: {problem}");
                    self.problems.push(problem);
                }
            }
            if point % 20 == 19 {
                eprintln!("soak: {} of {kills} kills", point + 1);
            }
        }
        println!(
            "soak: {killed} runs were killed before their end, and every one was completed by the same command; \
             {unknown} leads were in flight and set apart"
        );
        Ok(())
    }

    /// Removes the files of the run before, and writes the leads of this one.
    fn begin(&self, work: Work, point: u64) -> Result<(), String> {
        for name in ["out.jsonl", "out.jsonl.journal"] {
            // The first run has none.
            let _ = std::fs::remove_file(self.program.file(name));
        }
        if work != Work::Submit {
            return Ok(());
        }
        let header = std::iter::once("email".to_owned());
        let lead = |row| format!("p{point}-{row}@example.com");
        self.write_lines("leads.csv", header.chain((0..LEADS).map(lead)))
    }

    fn write_lines(&self, name: &str, lines: impl Iterator<Item = String>) -> Result<(), String> {
        let failed = |error| format!("cannot write {name}: {error}");
        let file = File::create(self.program.file(name)).map_err(failed)?;
        let mut file = BufWriter::new(file);
        for line in lines {
            writeln!(file, "{line}").map_err(failed)?;
        }
        file.flush().map_err(failed)
    }

    fn run(
        &self,
        work: Work,
        emulated: &Emulated,
        kill_after: Option<Duration>,
    ) -> Result<Ended, String> {
        let arguments = [work.arguments(), &["-o", "out.jsonl"]].concat();
        let command = self.program.command(emulated, &arguments);
        self.program.run(command, kill_after)
    }

    /// Checks that each row has one result, and returns how many of them are unknown.
    fn check(&self, work: Work, emulated: &Emulated) -> Result<u64, String> {
        let path = self.program.file("out.jsonl");
        if work == Work::Export {
            return check_events(&path, EVENTS).map(|()| 0);
        }
        let (rows, is_ordered) = match work {
            Work::Submit => (LEADS, false),
            _ => (ROWS, work != Work::CheckUnordered),
        };
        let unknown = check_rows(&path, rows, is_ordered)?;
        if work != Work::Submit {
            return match unknown {
                0 => Ok(0),
                _ => Err(format!("{unknown} rows are unknown")),
            };
        }
        self.check_leads(emulated)?;
        Ok(unknown)
    }

    /// Checks that the server received no lead twice.
    fn check_leads(&self, emulated: &Emulated) -> Result<(), String> {
        let rule = r#"{"lhv":"type","op":"is equal to","rhv":"source"}"#;
        let arguments = [
            "events",
            "export",
            "--rule",
            rule,
            "-o",
            "seen.jsonl",
            "--since-last",
        ];
        let command = self.program.command(emulated, &arguments);
        self.program.run(command, None)?.expect(&[0])?;
        let mut seen: HashMap<String, u32> = HashMap::new();
        each_line(&self.program.file("seen.jsonl"), |event| {
            let email = &event["vars"]["lead"]["email"];
            let email = email.get("normal").unwrap_or(email);
            *seen.entry(email.to_string()).or_default() += 1;
            Ok(())
        })?;
        match seen.iter().find(|(_, times)| **times > 1) {
            Some((email, times)) => Err(format!("the lead {email} was received {times} times")),
            None if seen.is_empty() => Err("no lead was received".to_owned()),
            None => Ok(()),
        }
    }

    /// Exports and checks at full size.
    fn full_size(&mut self, options: &Options) -> Result<(), String> {
        let (events, values) = (options.events, options.values);
        let emulated = self.program.emulate(events)?;
        if events > 0 && !self.is_late("the export at full size") {
            self.begin(Work::Export, 0)?;
            let ended = self.run(Work::Export, &emulated, None)?.expect(&[0])?;
            self.report("events exported", events, &ended);
            let checked = check_events(&self.program.file("out.jsonl"), events);
            self.problems.extend(checked.err());
        }
        if values > 0 && !self.is_late("the check at full size") {
            self.begin(Work::Check, 0)?;
            let lines = (0..values).map(|row| (5_120_000_000 + row).to_string());
            self.write_lines("values.txt", lines)?;
            let ended = self.run(Work::Check, &emulated, None)?.expect(&[0])?;
            self.report("values checked", values, &ended);
            let checked = check_rows(&self.program.file("out.jsonl"), values, true);
            self.problems.extend(checked.err());
        }
        Ok(())
    }

    fn report(&mut self, what: &str, rows: u64, ended: &Ended) {
        let seconds = ended.wall.as_secs_f64();
        let pace = rows as f64 / seconds.max(0.001);
        let peak = ended.peak_kib.map_or_else(
            || "unknown".to_owned(),
            |kib| format!("{:.1} MiB", kib as f64 / 1024.0),
        );
        println!("soak: {rows} {what} in {seconds:.1} s, {pace:.0}/s; peak memory {peak}");
        if ended.peak_kib.is_some_and(|kib| kib >= MAX_KIB) {
            self.problems.push(format!(
                "{rows} {what} took {peak}, which is not below 64 MiB"
            ));
        }
    }

    /// Returns `true`, and notes it, if the time is over before something was done.
    fn is_late(&mut self, what: &str) -> bool {
        let is_late = Instant::now() >= self.deadline;
        if is_late {
            self.problems.push(format!("the time was over: {what}"));
        }
        is_late
    }

    /// Returns a number from 0 to 1 from the seed.
    fn next_fraction(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1_u64 << 53) as f64
    }
}

impl Work {
    const fn name(self) -> &'static str {
        match self {
            Self::Check => "lists check",
            Self::CheckUnordered => "lists check --unordered",
            Self::Add => "lists add",
            Self::Submit => "leads submit",
            Self::Export => "events export",
        }
    }

    const fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Check => &["lists", "check", LIST, "values.txt"],
            Self::CheckUnordered => &["lists", "check", LIST, "values.txt", "--unordered"],
            Self::Add => &["lists", "add", LIST, "values.txt"],
            Self::Submit => &["leads", "submit", FLOW, SOURCE, "leads.csv"],
            Self::Export => &["events", "export"],
        }
    }
}

/// Calls a function with each line of a file.
fn each_line(
    path: &Path,
    mut check: impl FnMut(&Value) -> Result<(), String>,
) -> Result<(), String> {
    let failed = |error| format!("cannot read {}: {error}", path.display());
    for line in BufReader::new(File::open(path).map_err(failed)?).lines() {
        let line = line.map_err(failed)?;
        let value = serde_json::from_str(&line);
        check(&value.map_err(|error| format!("a line of the results: {error}"))?)?;
    }
    Ok(())
}

/// Checks that every row has one result, and returns how many of them are unknown.
fn check_rows(path: &Path, rows: u64, is_ordered: bool) -> Result<u64, String> {
    let mut is_there = vec![false; usize::try_from(rows).unwrap_or_default()];
    let (mut unknown, mut last) = (0, 0);
    each_line(path, |result| {
        let row = result["row"].as_u64().unwrap_or_default();
        let place = row.checked_sub(1).and_then(|at| usize::try_from(at).ok());
        match place.and_then(|at| is_there.get_mut(at)) {
            Some(is_there) if !*is_there => *is_there = true,
            _ => return Err(format!("row {row} is there twice, or is none")),
        }
        if is_ordered && row < last {
            return Err(format!("row {row} comes after row {last}"));
        }
        last = row;
        match (result["status"].as_str(), result["error"]["kind"].as_str()) {
            (Some("ok"), _) => {}
            (Some("unknown"), Some("interrupted")) => unknown += 1,
            _ => return Err(format!("row {row} failed: {result}")),
        }
        Ok(())
    })?;
    match is_there.iter().position(|is_there| !is_there) {
        Some(at) => Err(format!("row {} has no result", at + 1)),
        None => Ok(unknown),
    }
}

/// Checks that there are so many events, each with a greater id than the one before.
fn check_events(path: &Path, events: u64) -> Result<(), String> {
    let (mut count, mut last) = (0, String::new());
    each_line(path, |event| {
        let id = event["id"].as_str().unwrap_or_default();
        if id <= last.as_str() {
            return Err(format!("the event {id} comes after {last}"));
        }
        last = id.to_owned();
        count += 1;
        Ok(())
    })?;
    if count == events {
        return Ok(());
    }
    Err(format!("there are {count} events, not {events}"))
}

#[cfg(test)]
mod tests {
    use super::{check_events, check_rows};

    fn file(lines: &[&str]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), lines.join("\n")).unwrap();
        file
    }

    #[test]
    fn a_row_that_is_missing_twice_there_failed_or_out_of_order_is_found() {
        const ONE: &str = r#"{"row":1,"status":"ok"}"#;
        const TWO: &str = r#"{"row":2,"status":"ok"}"#;
        const DOUBT: &str = r#"{"row":2,"status":"unknown","error":{"kind":"interrupted"}}"#;
        const FAILED: &str = r#"{"row":2,"status":"failed","error":{"kind":"status"}}"#;
        const NONE: &str = r#"{"row":3,"status":"ok"}"#;
        for (lines, is_ordered, expected) in [
            (&[ONE, TWO][..], true, Some(0)),
            (&[ONE, DOUBT], true, Some(1)),
            (&[TWO, ONE], false, Some(0)),
            (&[TWO, ONE], true, None),
            (&[ONE], true, None),
            (&[ONE, TWO, TWO], false, None),
            (&[ONE, TWO, NONE], true, None),
            (&[ONE, FAILED], true, None),
        ] {
            let checked = check_rows(file(lines).path(), 2, is_ordered);
            assert_eq!(checked.ok(), expected, "{lines:?} {is_ordered}");
        }
    }

    #[test]
    fn an_event_that_is_missing_or_out_of_order_is_found() {
        let [one, two] = [r#"{"id":"a1"}"#, r#"{"id":"a2"}"#];
        for (lines, is_right) in [
            (&[one, two][..], true),
            (&[one], false),
            (&[two, one], false),
            (&[one, one], false),
        ] {
            let checked = check_events(file(lines).path(), 2);
            assert_eq!(checked.is_ok(), is_right, "{lines:?}");
        }
    }
}
