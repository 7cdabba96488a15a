//! Bulk commands and signals: the first one lets the calls in flight end, the second one ends the program at once.

#![allow(clippy::unwrap_used)]
#![cfg(unix)]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStderr};
use std::sync::{Arc, Mutex};

use crate::common;
use crate::common::bulk::{not_found, numbers, objects, write};
use crate::common::counting::{Answer, Counting, Request};
use crate::common::door::Door;
use crate::common::event_pages::{PAGE, page};
use crate::common::{Home, KEY, VARIABLE, ending_signal, send_signal};
use serde_json::Value;

const FLOW: &str = "5fd4371e940df5a34a3888b2";

/// How many calls there are at a time.
const IN_FLIGHT: usize = 8;

const ROWS: usize = 40;

/// A bulk command, and a server whose answers wait at a door.
struct Work {
    command: &'static [&'static str],
    product: &'static str,
    row: fn(usize) -> String,
    answer: fn(&Request) -> Answer,
}

const WORKS: [Work; 5] = [
    Work {
        command: &["leads", "submit", FLOW, FLOW, "in.csv"],
        product: "lcx",
        row: email,
        answer: |_| (201, "", r#"{"outcome":"success"}"#.to_owned()),
    },
    Work {
        command: &["lists", "check", "a", "in.csv", "--column=email"],
        product: "suppressionlist",
        row: email,
        answer: not_found,
    },
    Work {
        command: &[
            "lists",
            "add",
            "a",
            "in.csv",
            "--column=email",
            "--unordered",
        ],
        product: "suppressionlist",
        row: email,
        answer: |_| (200, "", r#"{"accepted":1,"rejected":0}"#.to_owned()),
    },
    Work {
        command: &["lists", "remove", "a", "in.csv", "--column=email", "--yes"],
        product: "suppressionlist",
        row: email,
        answer: |_| (200, "", r#"{"deleted":1}"#.to_owned()),
    },
    Work {
        command: &["certs", "retain", "in.csv"],
        product: "trustedform",
        row: email,
        answer: |_| (200, "", r#"{"outcome":"success"}"#.to_owned()),
    },
];

/// Returns a row that every command can send.
fn email(row: usize) -> String {
    format!("v{row}@b.example,{row:040x}\n")
}

impl Work {
    /// Starts the server, whose answers wait at a door, and which counts how often each row was received.
    fn server(&self, door: &Door) -> (Counting, Arc<Mutex<BTreeMap<String, usize>>>) {
        let received: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
        let server = Counting::new({
            let (door, received, answer) = (door.clone(), Arc::clone(&received), self.answer);
            move |request| {
                let row = format!("{} {}", request.line, request.body);
                *received.lock().unwrap().entry(row).or_default() += 1;
                door.pass();
                answer(request)
            }
        });
        (server, received)
    }

    /// Returns the arguments of the command over so many rows, with a result file.
    fn arguments(&self, home: &Home, server: &Counting, rows: usize) -> Vec<String> {
        let rows: String = (1..=rows).map(self.row).collect();
        let input = write(home, "in.csv", format!("email,cert\n{rows}"));
        let command = self.command.iter().map(|argument| match *argument {
            "in.csv" => input.clone(),
            argument => argument.to_owned(),
        });
        let origin = format!("--origin={}={}", self.product, server.url);
        let output = ["-o".to_owned(), home.file("out.jsonl")];
        std::iter::once(origin)
            .chain(command)
            .chain(output)
            .collect()
    }
}

/// Starts a command with a key.
fn start(home: &Home, arguments: &[String], more: &[&str]) -> (Child, BufReader<ChildStderr>) {
    let arguments = arguments.iter().map(String::as_str);
    let arguments: Vec<_> = arguments.chain(more.iter().copied()).collect();
    let mut command = home.ap(&arguments);
    command.env(VARIABLE, KEY);
    let mut child = common::spawn(command);
    let stderr = BufReader::new(child.stderr.take().unwrap());
    (child, stderr)
}

/// Runs it again, to its end, and returns the exit code.
fn run_again(home: &Home, arguments: &[String]) -> Option<i32> {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    home.run(&arguments).code
}

fn line(stderr: &mut BufReader<ChildStderr>) -> String {
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    line
}

fn rest(mut stderr: BufReader<ChildStderr>) -> String {
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    rest
}

fn results(home: &Home) -> Vec<Value> {
    objects(&std::fs::read_to_string(home.file("out.jsonl")).unwrap())
}

/// Returns the rows that have a status, in their order.
fn rows_with(results: &[Value], status: &str) -> Vec<u64> {
    let those = results.iter().filter(|result| result["status"] == status);
    let mut rows: Vec<_> = those
        .map(|result| result["row"].as_u64().unwrap())
        .collect();
    rows.sort_unstable();
    rows
}

#[test]
fn after_one_signal_the_rows_in_flight_get_their_results_and_no_other_row_is_sent() {
    for (work, (signal, number)) in WORKS.iter().zip([("INT", 2), ("TERM", 15)].iter().cycle()) {
        let (home, door) = (Home::new(), Door::default());
        let (server, received) = work.server(&door);
        let arguments = work.arguments(&home, &server, ROWS);
        let (mut child, mut stderr) = start(&home, &arguments, &["--report=json"]);
        door.wait_for(IN_FLIGHT);
        send_signal(child.id(), signal);
        assert!(line(&mut stderr).starts_with("ap: stopping after the calls in flight; "));
        door.open();
        assert_eq!(ending_signal(child.wait().unwrap()), Some(*number));
        let report: Value = serde_json::from_str(&line(&mut stderr)).unwrap();
        assert_eq!(
            (&report["ok"], &report["complete"]),
            (&IN_FLIGHT.into(), &false.into())
        );
        assert_eq!(
            rest(stderr),
            "ap: interrupted\n     run the same command again to resume\n"
        );
        assert_eq!(server.count(), IN_FLIGHT, "{:?}", work.command);
        let in_flight: Vec<_> = (1..=IN_FLIGHT as u64).collect();
        assert_eq!(rows_with(&results(&home), "ok"), in_flight);
        // The rest is sent by the next run, and nothing twice.
        assert_eq!(run_again(&home, &arguments), Some(0));
        let all: Vec<_> = (1..=ROWS as u64).collect();
        assert_eq!(rows_with(&results(&home), "ok"), all, "{:?}", work.command);
        assert_eq!(server.count(), ROWS);
        assert_eq!(received.lock().unwrap().len(), ROWS);
    }
}

#[test]
fn a_second_signal_ends_the_program_at_once() {
    for work in &WORKS {
        let (home, door) = (Home::new(), Door::default());
        let (server, _) = work.server(&door);
        let arguments = work.arguments(&home, &server, ROWS);
        let (mut child, mut stderr) = start(&home, &arguments, &[]);
        door.wait_for(IN_FLIGHT);
        send_signal(child.id(), "INT");
        assert!(line(&mut stderr).contains("press Ctrl-C again"));
        send_signal(child.id(), "INT");
        // The server has not answered yet.
        assert_eq!(ending_signal(child.wait().unwrap()), Some(2));
        assert_eq!(
            rest(stderr),
            "ap: interrupted\n     run the same command again to resume\n"
        );
        door.open();
        let unknown = match work.command[0] {
            "leads" => IN_FLIGHT,
            _ => 0,
        };
        let code = if unknown == 0 { 0 } else { 8 };
        assert_eq!(run_again(&home, &arguments), Some(code));
        let results = results(&home);
        assert_eq!(results.len(), ROWS, "{:?}", work.command);
        let expected: Vec<_> = (1..=unknown as u64).collect();
        assert_eq!(rows_with(&results, "unknown"), expected);
    }
}

#[test]
fn a_call_that_gets_no_answer_is_waited_for_until_its_own_deadline() {
    for (work, unknown) in [(&WORKS[0], IN_FLIGHT), (&WORKS[1], 0)] {
        let (home, door) = (Home::new(), Door::default());
        let (server, _) = work.server(&door);
        let arguments = work.arguments(&home, &server, ROWS);
        let (mut child, mut stderr) = start(&home, &arguments, &["--timeout=10"]);
        door.wait_for(IN_FLIGHT);
        send_signal(child.id(), "INT");
        assert!(line(&mut stderr).contains("stopping after"));
        assert_eq!(ending_signal(child.wait().unwrap()), Some(2));
        assert_eq!(server.count(), IN_FLIGHT);
        assert!(rest(stderr).ends_with("run the same command again to resume\n"));
        assert_eq!(results(&home).len(), unknown, "{:?}", work.command);
        assert_eq!(rows_with(&results(&home), "unknown").len(), unknown);
        door.open();
        run_again(&home, &arguments);
        assert_eq!(results(&home).len(), ROWS);
    }
}

#[test]
fn rows_that_wait_are_not_in_flight_and_are_left_for_the_next_run() {
    // As the server asks, and for the rate.
    for (is_refused, option) in [(true, "--concurrency=1"), (false, "--rate=0.05")] {
        let work = &WORKS[0];
        let home = Home::new();
        let server = Counting::new(move |request| match is_refused && request.number == 1 {
            true => (429, "Retry-After: 60\r\n", String::new()),
            false => (work.answer)(request),
        });
        let arguments = work.arguments(&home, &server, ROWS);
        let (mut child, mut stderr) = start(&home, &arguments, &[option]);
        // What the journal has, and no time, says that nothing is in flight any more.
        let journal = format!("{}.journal", home.file("out.jsonl"));
        let awaited = if is_refused { "not_sent" } else { r#""ok":1"# };
        let has = || std::fs::read_to_string(&journal).is_ok_and(|text| text.contains(awaited));
        while !has() {
            assert!(child.try_wait().unwrap().is_none());
            std::thread::yield_now();
        }
        send_signal(child.id(), "TERM");
        assert!(line(&mut stderr).contains("stopping after"));
        assert_eq!(ending_signal(child.wait().unwrap()), Some(15));
        assert_eq!(run_again(&home, &arguments), Some(0));
        assert_eq!(rows_with(&results(&home), "ok").len(), ROWS);
        assert_eq!(server.count(), ROWS + usize::from(is_refused));
    }
}

#[test]
fn a_run_that_waits_for_its_input_ends() {
    let server = Counting::new(not_found);
    let home = Home::new();
    let mut command = home.ap(&[&server.as_suppressionlist(), "lists", "check", "a"]);
    command.env(VARIABLE, KEY);
    let mut child = common::spawn(command);
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, numbers(1).as_bytes()).unwrap();
    assert!(common::first_line(&mut child).starts_with(r#"{"row":1,"#));
    send_signal(child.id(), "TERM");
    assert_eq!(ending_signal(child.wait().unwrap()), Some(15));
    let stderr = common::rest_of_stderr(&mut child);
    assert!(stderr.contains("ap: 1 rows: 1 ok; "), "{stderr}");
    assert!(stderr.ends_with("ap: interrupted\n"), "{stderr}");
    drop(stdin);
}

#[test]
fn a_signal_while_the_last_rows_are_in_flight_leaves_nothing_to_do() {
    for work in &WORKS {
        let (home, door) = (Home::new(), Door::default());
        let (server, _) = work.server(&door);
        let arguments = work.arguments(&home, &server, IN_FLIGHT - 1);
        let (mut child, mut stderr) = start(&home, &arguments, &["--report=json"]);
        door.wait_for(IN_FLIGHT - 1);
        send_signal(child.id(), "INT");
        assert!(line(&mut stderr).contains("stopping after"));
        door.open();
        assert_eq!(ending_signal(child.wait().unwrap()), Some(2));
        let report: Value = serde_json::from_str(&line(&mut stderr)).unwrap();
        assert_eq!(report["complete"], true, "{:?}", work.command);
        assert_eq!(
            rest(stderr),
            "ap: interrupted\n     nothing is left to do\n"
        );
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        home.run(&arguments).says("nothing was sent");
        assert_eq!(server.count(), IN_FLIGHT - 1);
    }
}

#[test]
fn a_failure_after_a_signal_is_said_too() {
    let work = &WORKS[1];
    let (home, door) = (Home::new(), Door::default());
    let server = Counting::new({
        let door = door.clone();
        move |_| {
            door.pass();
            (401, "", common::BAD_KEY.to_owned())
        }
    });
    let arguments = work.arguments(&home, &server, ROWS);
    let (mut child, mut stderr) = start(&home, &arguments, &["--report=none"]);
    door.wait_for(IN_FLIGHT);
    send_signal(child.id(), "INT");
    assert!(line(&mut stderr).contains("stopping after"));
    door.open();
    assert_eq!(ending_signal(child.wait().unwrap()), Some(2));
    let said = rest(stderr);
    assert!(said.contains("rejected the API key"), "{said}");
    assert!(said.ends_with("ap: interrupted\n     run the same command again to resume\n"));
}

#[test]
fn an_export_ends_after_the_page_that_has_arrived() {
    const EVENTS: usize = 3 * PAGE;
    for options in [&["--output"][..], &["--format=singer"]] {
        let (home, door) = (Home::new(), Door::default());
        let server = Counting::new({
            let door = door.clone();
            move |request| {
                if request.number == 2 {
                    door.pass();
                }
                page(request, EVENTS)
            }
        });
        let is_file = options == ["--output"];
        let output = home.file("out.jsonl");
        let origin = format!("--origin=lcx={}", server.url);
        let mut arguments = vec![origin, "events".to_owned(), "export".to_owned()];
        arguments.extend(options.iter().map(|option| (*option).to_owned()));
        if is_file {
            arguments.push(output.clone());
        }
        let (mut child, stderr) = start(&home, &arguments, &[]);
        // The first page has arrived if the second one is asked for, and the second one never does.
        door.wait_for(1);
        send_signal(child.id(), "TERM");
        let mut printed = String::new();
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_to_string(&mut printed).unwrap();
        assert_eq!(ending_signal(child.wait().unwrap()), Some(15));
        let said = rest(stderr);
        assert!(said.contains("ap: 10 events: 10 ok; "), "{said}");
        let of_run = match is_file {
            true => std::fs::read_to_string(&output).unwrap(),
            false => printed,
        };
        let records = of_run.matches(r#""type":"source""#).count();
        assert_eq!(records, PAGE, "{of_run}");
        if is_file {
            assert!(said.ends_with("run the same command again to resume\n"));
            assert_eq!(run_again(&home, &arguments), Some(0));
            let all = std::fs::read_to_string(&output).unwrap();
            assert_eq!(all.lines().count(), EVENTS);
        } else {
            let last = objects(&of_run).pop().unwrap();
            assert_eq!(last["type"], "STATE");
        }
        door.open();
    }
}
