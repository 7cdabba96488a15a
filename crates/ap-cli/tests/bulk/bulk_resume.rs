//! Bulk commands that are interrupted: the same command again completes the work, whatever ended it.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use crate::common;
use crate::common::bulk::{LIST, not_found, numbers, objects, write};
use crate::common::counting::{Answer, Counting, Request};
use crate::common::{BAD_KEY, Home, KEY, Ran, VARIABLE, emulator_origins, encoded_pair, join};
use ap_emulator::{Emulator, Product};
use serde_json::Value;

/// Asserts that a result file has each of the values once, and returns how many calls were not ok.
fn assert_each_once(path: &str, count: usize) -> usize {
    let results = objects(&std::fs::read_to_string(path).unwrap());
    let rows: BTreeSet<u64> = results.iter().map(|r| r["row"].as_u64().unwrap()).collect();
    assert_eq!(results.len(), count);
    assert_eq!(rows, (1..=count as u64).collect());
    for result in &results {
        assert_eq!(result["value"], format!("v{}", result["row"]));
    }
    results.iter().filter(|r| r["status"] != "ok").count()
}

#[test]
fn a_complete_run_is_not_taken_for_one_of_other_rows() {
    let emulator = Emulator::start().unwrap();
    let origins = emulator_origins(&emulator);
    let home = Home::new();
    for (name, first) in [("in.txt", "1\n2\n3\n"), ("in.csv", "phone\n1\n2\n3\n")] {
        let output = home.file(&format!("{name}.jsonl"));
        let input = write(&home, name, first);
        let arguments = join(&origins, &["lists", "check", LIST, &input, "-o", &output]);
        home.run_with_key(&arguments, &emulator.key()).succeeds();
        let results = std::fs::read(&output).unwrap();
        for (rows, says) in [
            (first.replace('3', "3\n4"), "row 4 is new"),
            (first.replace('2', "7"), "at or before row 3 it differs"),
            (
                first.replace("2\n3\n", "2\n"),
                "at or before row 3 it differs",
            ),
        ] {
            write(&home, name, rows);
            let ran = home.run_with_key(&arguments, &emulator.key());
            ran.fails(2, says);
            ran.says("name another file for -o");
            assert_eq!(std::fs::read(&output).unwrap(), results, "{name}: {says}");
        }
        write(&home, name, first);
        let ran = home.run_with_key(&arguments, &emulator.key());
        ran.says("nothing was sent");
    }
}

#[test]
fn a_rejected_key_ends_the_run_and_the_next_run_resumes_it() {
    let emulator = Emulator::start().unwrap();
    let origins = emulator_origins(&emulator);
    let home = Home::new();
    let input = write(&home, "in.txt", numbers(5));
    let output = home.file("out.jsonl");
    let arguments = join(&origins, &["lists", "check", LIST, &input, "-o", &output]);
    let ran = home.run(&arguments);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    ran.says("run the same command again to resume");
    let ran = home.run_with_key(&arguments, &emulator.key());
    ran.succeeds();
    assert_eq!(assert_each_once(&output, 5), 0);
    // Once more: nothing is left to do.
    let calls = emulator
        .state()
        .product(Product::SuppressionList)
        .acceptances;
    let ran = home.run_with_key(&arguments, &emulator.key());
    ran.succeeds();
    ran.says("5 rows: 5 ok; 5 of them in earlier runs; nothing was sent");
    assert_eq!(
        emulator
            .state()
            .product(Product::SuppressionList)
            .acceptances,
        calls
    );
}

#[test]
fn a_second_run_on_the_same_file_is_refused() {
    let home = Home::new();
    let other: OnceLock<Ran> = OnceLock::new();
    let other = Arc::new(other);
    let output = home.file("out.jsonl");
    let input = write(&home, "in.txt", numbers(3));
    let arguments: Arc<OnceLock<Vec<String>>> = Arc::default();
    let home = Arc::new(home);
    let server = Counting::new({
        let (other, arguments, home) = (
            Arc::clone(&other),
            Arc::clone(&arguments),
            Arc::clone(&home),
        );
        move |request| {
            other.get_or_init(|| {
                let arguments: Vec<_> = arguments.wait().iter().map(String::as_str).collect();
                home.run(&arguments)
            });
            not_found(request)
        }
    });
    let all = [
        &server.as_suppressionlist(),
        "lists",
        "check",
        "a",
        &input,
        "-o",
        &output,
    ];
    arguments.set(all.map(str::to_owned).to_vec()).unwrap();
    home.run(&all).succeeds();
    other.get().unwrap().fails(2, "another process is writing");
    assert_each_once(&output, 3);
}

#[test]
fn other_rows_or_other_settings_do_not_resume_a_run() {
    let home = Home::new();
    let server = Counting::new(|request| match request.number {
        4 => (401, "", BAD_KEY.to_owned()),
        _ => not_found(request),
    });
    let origin = server.as_suppressionlist();
    let input = write(&home, "in.txt", numbers(6));
    let output = home.file("out.jsonl");
    let arguments = [
        &origin,
        "lists",
        "check",
        "a",
        &input,
        "-o",
        &output,
        "--concurrency",
        "1",
    ];
    assert_eq!(home.run(&arguments).code, Some(3));
    let before = std::fs::read(&output).unwrap();
    let mut other = arguments;
    other[3] = "b";
    home.run(&other).fails(2, "is of a run with another list");
    write(&home, "in.txt", numbers(6).replace("v2", "v9"));
    let ran = home.run(&arguments);
    assert_eq!(ran.code, Some(2));
    ran.says("is not what the earlier run read: at or before row 3 it differs");
    assert_eq!(std::fs::read(&output).unwrap(), before);
    assert_eq!(server.count(), 4);
    write(&home, "in.txt", numbers(6));
    home.run(&arguments).succeeds();
    assert_eq!(assert_each_once(&output, 6), 0);
}

#[cfg(unix)]
#[test]
fn a_key_that_is_reset_in_the_middle_costs_no_row() {
    let emulator = Emulator::start().unwrap();
    let origins = emulator_origins(&emulator);
    let home = Home::new();
    home.store(format!("{}\n", emulator.key()).as_bytes(), 0o600);
    let command = home.ap(&join(&origins, &["lists", "check", LIST]));
    let mut child = common::spawn(command);
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut results = String::new();
    input.write_all(numbers(5).as_bytes()).unwrap();
    for _ in 0..5 {
        output.read_line(&mut results).unwrap();
    }
    let new_key = emulator.reset();
    emulator.login(Product::SuppressionList);
    home.store(format!("{new_key}\n").as_bytes(), 0o600);
    input.write_all(numbers(5).as_bytes()).unwrap();
    drop(input);
    output.read_to_string(&mut results).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let results = objects(&results);
    assert_eq!(results.len(), 10);
    assert!(
        results.iter().all(|result| result["status"] == "ok"),
        "{results:?}"
    );
}

/// A run that the server ends with `kill -9`.
struct Doomed {
    process: OnceLock<u32>,
    requests: AtomicUsize,
    /// At which of its requests.
    at: usize,
    /// Before the answer is sent, or while it is.
    is_before: bool,
}

impl Doomed {
    fn receive(self: &Arc<Self>) {
        if self.requests.fetch_add(1, Ordering::SeqCst) + 1 == self.at {
            let doomed = Arc::clone(self);
            let kill = move || common::send_signal(*doomed.process.wait(), "KILL");
            match self.is_before {
                true => kill(),
                false => drop(std::thread::spawn(kill)),
            }
        }
    }
}

/// Numbers from a seed, each below a limit.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 as usize % limit
    }
}

const FLOW: &str = "5fd4371e940df5a34a3888b2";

/// How many events a page has.
const PAGE: usize = 10;

/// A command with its input, and the server's answer.
struct Work {
    command: &'static [&'static str],
    product: &'static str,
    input: fn() -> String,
    answer: fn(&Request) -> Answer,
}

const ROWS: usize = 150;

const WORKS: [Work; 5] = [
    Work {
        command: &["lists", "check", "a", "in.csv"],
        product: "suppressionlist",
        input: values,
        answer: not_found,
    },
    Work {
        command: &["lists", "check", "a", "in.csv", "--unordered"],
        product: "suppressionlist",
        input: values,
        answer: not_found,
    },
    Work {
        command: &["lists", "add", "a", "in.csv", "--concurrency=3"],
        product: "suppressionlist",
        input: values,
        answer: |_| (200, "", r#"{"accepted":1,"rejected":0}"#.to_owned()),
    },
    Work {
        command: &["leads", "submit", FLOW, FLOW, "in.csv", "--with-key"],
        product: "lcx",
        input: values,
        answer: |_| (201, "", r#"{"outcome":"success"}"#.to_owned()),
    },
    Work {
        command: &["events", "export"],
        product: "lcx",
        input: String::new,
        answer: page,
    },
];

fn values() -> String {
    format!("value\n{}", numbers(ROWS))
}

/// Answers with events of which `row` is the number.
fn page(request: &Request) -> Answer {
    let after = request.line.split_once("after_id=").map_or(0, |(_, rest)| {
        let end = rest.find(['&', ' ']).unwrap();
        usize::from_str_radix(&rest[..end], 16).unwrap()
    });
    let events = (after + 1..=ROWS).take(PAGE);
    let events = events.map(|row| format!(r#"{{"id":"{row:024x}","row":{row},"status":"ok"}}"#));
    (
        200,
        "",
        format!("[{}]", events.collect::<Vec<_>>().join(",")),
    )
}

impl Work {
    /// Returns the command, with standard output.
    fn printing(&self, home: &Home, url: &str) -> Command {
        let input = write(home, "in.csv", (self.input)());
        let origin = format!("--origin={}={url}", self.product);
        let command = self.command.iter().map(|argument| match *argument {
            "in.csv" => input.as_str(),
            argument => argument,
        });
        let arguments: Vec<_> = std::iter::once(origin.as_str()).chain(command).collect();
        home.ap(&arguments)
    }

    /// Returns the command, with a result file.
    fn run(&self, home: &Home, url: &str) -> Command {
        let mut command = self.printing(home, url);
        command.args(["-o", &home.file("out.jsonl")]);
        command
    }

    /// Asserts that each row is in the result file once, and returns how many of them are unknown.
    fn assert_complete(&self, home: &Home, context: &str) -> usize {
        let results = objects(&std::fs::read_to_string(home.file("out.jsonl")).unwrap());
        let mut rows: Vec<_> = results.iter().map(|r| r["row"].as_u64().unwrap()).collect();
        let is_any_order = self.command.contains(&"--unordered") || self.command[0] == "leads";
        if is_any_order {
            rows.sort_unstable();
        }
        assert_eq!(rows, (1..=ROWS as u64).collect::<Vec<_>>(), "{context}");
        let is_known = |result: &&Value| result["status"] == "ok";
        let unknown = results.iter().filter(|result| !is_known(result));
        let unknown: Vec<_> = unknown.collect();
        assert!(
            unknown.is_empty() || self.command[0] == "leads",
            "{context} {unknown:?}"
        );
        assert!(
            unknown
                .iter()
                .all(|result| result["error"]["kind"] == "interrupted")
        );
        unknown.len()
    }
}

#[cfg(unix)]
#[test]
fn after_twelve_kills_at_random_moments_every_row_has_one_result() {
    const KILLS: usize = 12;
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seed = seed.unwrap().as_nanos() as u64 | 1;
    for work in &WORKS {
        let context = format!("{:?}, seed {seed}", work.command);
        println!("{context}");
        let mut random = Random(seed);
        let current: Arc<Mutex<Option<Arc<Doomed>>>> = Arc::default();
        // Leads must not be received twice.
        let leads: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
        let server = Counting::new({
            let (current, leads, answer) = (Arc::clone(&current), Arc::clone(&leads), work.answer);
            move |request| {
                if !request.body.is_empty() {
                    *leads
                        .lock()
                        .unwrap()
                        .entry(request.body.clone())
                        .or_default() += 1;
                }
                let doomed = current.lock().unwrap().clone();
                if let Some(doomed) = doomed {
                    doomed.receive();
                }
                answer(request)
            }
        });
        let home = Home::new();
        let most = if work.command[0] == "events" { 2 } else { 9 };
        let mut killed = 0;
        for _ in 0..KILLS {
            let doomed = Arc::new(Doomed {
                process: OnceLock::new(),
                requests: AtomicUsize::new(0),
                at: 1 + random.below(most),
                // While an answer is sent, a short run may end first.
                is_before: killed == 0 || random.below(2) == 0,
            });
            *current.lock().unwrap() = Some(Arc::clone(&doomed));
            let mut command = work.run(&home, &server.url);
            command.env(VARIABLE, KEY);
            let mut child = common::spawn(command);
            doomed.process.set(child.id()).unwrap();
            let status = child.wait().unwrap();
            killed += usize::from(common::ending_signal(status) == Some(9));
        }
        *current.lock().unwrap() = None;
        assert!(killed > 0, "{context}");
        let ran = work
            .run(&home, &server.url)
            .env(VARIABLE, KEY)
            .output()
            .unwrap();
        let unknown = work.assert_complete(&home, &context);
        let expected = if unknown == 0 { 0 } else { 8 };
        assert_eq!(ran.status.code(), Some(expected), "{context} {ran:?}");
        // No more than were in flight at each kill.
        assert!(unknown <= killed * 8, "{context}");
        if work.command[0] == "leads" {
            let leads = leads.lock().unwrap();
            assert!(leads.values().all(|times| *times == 1), "{context}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_key_that_is_reset_in_the_middle_of_any_command_costs_no_row() {
    const NEW_KEY: &str = "another-key-of-the-tests-7x";
    for work in &WORKS {
        let home = Arc::new(Home::new());
        home.store(format!("{KEY}\n").as_bytes(), 0o600);
        let is_reset = Arc::new(AtomicBool::new(false));
        let server = Counting::new({
            let (home, is_reset, answer) = (Arc::clone(&home), Arc::clone(&is_reset), work.answer);
            move |request| {
                if request.number == 7 {
                    home.store(format!("{NEW_KEY}\n").as_bytes(), 0o600);
                    is_reset.store(true, Ordering::SeqCst);
                }
                let is_new = request.authorization.ends_with(&encoded_pair(NEW_KEY));
                match is_reset.load(Ordering::SeqCst) {
                    true if !is_new => (401, "", BAD_KEY.to_owned()),
                    _ => answer(request),
                }
            }
        });
        let ran = work.run(&home, &server.url).output().unwrap();
        assert_eq!(ran.status.code(), Some(0), "{:?} {ran:?}", work.command);
        assert_eq!(work.assert_complete(&home, "reset"), 0);
    }
}

/// Returns a command that runs another one with files of at most so many blocks, as on a disk that is full.
#[cfg(unix)]
fn with_small_disk(command: &Command, blocks: usize) -> Command {
    let mut shell = Command::new("sh");
    // Without the signal, a write beyond the limit fails as on a full disk.
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    shell.args(["-c", &script]).arg(command.get_program());
    shell.args(command.get_args()).env_clear();
    let variables = command.get_envs();
    shell.envs(variables.filter_map(|(name, value)| Some((name, value?))));
    shell
}

#[cfg(unix)]
#[test]
fn after_a_full_disk_the_same_command_completes_the_work() {
    for work in &WORKS {
        let server = Counting::new(work.answer);
        let home = Home::new();
        let mut failed = 0;
        for blocks in [1, 2, 4, 6] {
            let mut command = work.run(&home, &server.url);
            command.env(VARIABLE, KEY);
            let ran = with_small_disk(&command, blocks).output().unwrap();
            if ran.status.code() == Some(1) {
                failed += 1;
                let stderr = String::from_utf8_lossy(&ran.stderr);
                assert!(stderr.contains("cannot be written"), "{stderr}");
                assert!(stderr.contains("run the same command again"), "{stderr}");
            }
        }
        assert!(failed > 1, "{:?}", work.command);
        let ran = work
            .run(&home, &server.url)
            .env(VARIABLE, KEY)
            .output()
            .unwrap();
        assert!(matches!(ran.status.code(), Some(0 | 8)), "{ran:?}");
        work.assert_complete(&home, "full disk");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_standard_output_that_is_full_is_a_failure() {
    for work in &WORKS {
        let server = Counting::new(work.answer);
        let home = Home::new();
        let full = std::fs::File::options().write(true).open("/dev/full");
        let mut command = work.printing(&home, &server.url);
        command.env(VARIABLE, KEY).stdout(full.unwrap());
        let ran = command.output().unwrap();
        assert_eq!(ran.status.code(), Some(1), "{ran:?}");
        let stderr = String::from_utf8_lossy(&ran.stderr);
        assert!(
            stderr.contains("standard output cannot be written"),
            "{stderr}"
        );
    }
}
