//! Bulk commands: rows in, a result for each row out, whatever happens in between.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::sync::{Arc, OnceLock};

use ap_emulator::{Emulator, Fault, Product};
use common::counting::{Answer, Counting, Request};
use common::{BAD_KEY, Home, KEY, Ran, VARIABLE, emulator_origins, encoded_pair, join};
use serde_json::Value;

/// A list of the emulator, and a value on it.
const LIST: &str = "do_not_call";
const LISTED: &str = "robin@example.com";

fn not_found(request: &Request) -> Answer {
    let body = format!(
        r#"{{"specified_lists":["a"],"key":"{}","found":false}}"#,
        request.last_segment()
    );
    (404, "", body)
}

fn objects(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn write(home: &Home, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = home.file(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn numbers(count: usize) -> String {
    (1..=count).map(|number| format!("v{number}\n")).collect()
}

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

fn with_emulator(arguments: &[&str], input: &str) -> Ran {
    let emulator = Emulator::start().unwrap();
    let origins = emulator_origins(&emulator);
    let home = Home::new();
    let mut command = home.ap(&join(&origins, arguments));
    command.env(VARIABLE, emulator.key());
    Ran::of(common::with_input(command, input), &emulator.key())
}

#[test]
fn each_value_gets_a_result_in_the_order_of_the_rows() {
    let ran = with_emulator(
        &["lists", "check", LIST, "--report", "json"],
        &format!("{LISTED}\nnobody\n\n{LISTED}\n"),
    );
    let results = objects(ran.succeeds());
    let described: Vec<_> = results
        .iter()
        .map(|r| {
            format!(
                "{} {} {} {} {}",
                r["row"], r["line"], r["value"], r["status"], r["found"]
            )
        })
        .collect();
    let expected = [
        (1, 1, LISTED, true),
        (2, 2, "nobody", false),
        (3, 4, LISTED, true),
    ];
    let expected = expected
        .map(|(row, line, value, found)| format!("{row} {line} \"{value}\" \"ok\" {found}"));
    assert_eq!(described, expected);
    let report: Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!(report["rows"], 3);
    assert_eq!(report["ok"], 3);
    assert_eq!(report["complete"], true);
}

#[test]
fn a_csv_file_goes_in_and_comes_out() {
    let home = Home::new();
    let input = write(
        &home,
        "in.csv",
        format!("id,Phone\r\n1,{LISTED}\r\n2,\"a,b\"\r\n"),
    );
    let ran = with_emulator(
        &[
            "lists", "check", LIST, &input, "--column", "phone", "--format", "csv",
        ],
        "",
    );
    let lines: Vec<_> = ran.succeeds().lines().collect();
    assert_eq!(
        lines[0],
        "row,line,value,status,found,added_at,error_kind,error_column,error"
    );
    assert!(
        lines[1].starts_with(&format!("1,2,{LISTED},ok,true,20")),
        "{}",
        lines[1]
    );
    assert_eq!(lines[2], "2,3,\"a,b\",ok,false,,,,");
}

#[test]
fn the_md5_of_a_value_can_be_sent_instead() {
    let ran = with_emulator(&["lists", "check", LIST, "--md5"], LISTED);
    let results = objects(ran.succeeds());
    assert_eq!(results[0]["found"], true);
    assert_eq!(results[0]["value"], LISTED);
}

#[test]
fn a_broken_row_is_named_by_line_and_column_and_the_others_are_done() {
    let home = Home::new();
    let input = write(
        &home,
        "in.csv",
        b"id,phone\n1,robin@example.com\n2,\xff\n3,x,y\n4,x\n",
    );
    let ran = with_emulator(&["lists", "check", LIST, &input, "--column", "phone"], "");
    let results = objects(&ran.stdout);
    let status: Vec<_> = results
        .iter()
        .map(|r| r["status"].as_str().unwrap())
        .collect();
    assert_eq!(status, ["ok", "failed", "failed", "ok"]);
    assert_eq!(results[1]["line"], 3);
    assert_eq!(results[1]["error"]["column"], "phone");
    assert_eq!(results[1]["error"]["kind"], "input");
    assert_eq!(results[2]["line"], 4);
    assert_eq!(ran.code, Some(8));
    ran.says("ap: 2 of 4 rows have no success");
}

#[test]
fn an_input_that_cannot_be_used_is_refused_before_anything_is_sent() {
    let home = Home::new();
    let folder = home.path().to_str().unwrap().to_owned();
    let csv = write(&home, "a.csv", "email,phone\nx,y\n");
    let empty = write(&home, "empty.txt", "");
    let utf16 = write(&home, "utf16.txt", b"\xff\xfea\0\n\0");
    let server = Counting::new(not_found);
    let origin = server.as_suppressionlist();
    for (arguments, expected) in [
        (vec![csv.as_str()], "has 2 columns"),
        (vec![&csv, "--column", "emial"], "did you mean `email`?"),
        (
            vec![&csv, "--input-format", "lines", "--column", "x"],
            "has plain lines, without columns",
        ),
        (vec![&folder], "is a directory"),
        (vec![&empty], "is empty"),
        (vec![&utf16], "is UTF-16"),
        (vec!["/nowhere/at/all"], "cannot be read"),
        (vec![], "standard input is empty"),
        (
            vec![&csv, "--column", "1", "-o", &folder],
            "is not a regular file",
        ),
        (
            vec![&csv, "--column", "1", "-o", &empty, "--rate", "0"],
            "the value of --rate",
        ),
        (
            vec![&csv, "--concurrency", "0"],
            "the value of --concurrency",
        ),
    ] {
        let arguments = [vec![origin.as_str(), "lists", "check", "a"], arguments].concat();
        home.run(&arguments).fails(2, expected);
    }
    assert_eq!(server.count(), 0);
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
    ran.says("5 rows: 5 ok; 5 of them in earlier runs");
    assert_eq!(
        emulator
            .state()
            .product(Product::SuppressionList)
            .acceptances,
        calls
    );
}

#[test]
fn a_server_that_is_not_there_ends_the_run() {
    let home = Home::new();
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let origin = format!("--origin=suppressionlist=http://127.0.0.1:{port}");
    let ran = home.run_with(&[&origin, "lists", "check", "a"], "x\ny\n");
    assert_eq!(ran.code, Some(6), "{ran:?}");
    assert_eq!(ran.stdout, "");
}

#[test]
fn no_such_list_ends_the_run() {
    let server = Counting::new(|_| (404, "", r#"{"error":"not found"}"#.to_owned()));
    let ran = Home::new().run_with(
        &[&server.as_suppressionlist(), "lists", "check", "a"],
        "x\ny\n",
    );
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert_eq!(ran.stdout, "");
}

#[test]
fn failures_that_pass_are_tried_again_and_retry_after_is_kept() {
    let server = Counting::new(|request| match request.number {
        1 => (429, "Retry-After: 1\r\n", String::new()),
        2 => (503, "", String::new()),
        _ => not_found(request),
    });
    let arguments = [
        "lists",
        "check",
        "a",
        "--concurrency",
        "1",
        "--report",
        "json",
    ];
    let origin = server.as_suppressionlist();
    let ran = Home::new().run_with(&[&[origin.as_str()], &arguments[..]].concat(), numbers(3));
    assert_eq!(objects(ran.succeeds()).len(), 3);
    let report: Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!(report["repeated_calls"], 2);
    assert!(report["seconds"].as_f64().unwrap() >= 1.0);
    assert_eq!(server.count(), 5);
}

#[test]
fn a_row_that_alone_fails_at_the_server_is_set_apart() {
    let server = Counting::new(|request| match request.last_segment() {
        "v2" => (400, "", "{}".to_owned()),
        _ => not_found(request),
    });
    let ran = Home::new().run_with(
        &[&server.as_suppressionlist(), "lists", "check", "a"],
        numbers(3),
    );
    assert_eq!(ran.code, Some(8));
    let results = objects(&ran.stdout);
    assert_eq!(results[1]["status"], "failed");
    assert_eq!(results[1]["error"]["http_status"], 400);
    assert_eq!(results[2]["status"], "ok");
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let server = Counting::new(not_found);
    let home = Home::new();
    let input = write(&home, "in.txt", numbers(3000));
    let mut command = home.ap(&[&server.as_suppressionlist(), "lists", "check", "a", &input]);
    let mut child = common::spawn({
        command.env(VARIABLE, KEY);
        command
    });
    let first = common::first_line(&mut child);
    assert!(first.starts_with(r#"{"row":1,"#), "{first}");
    let status = child.wait().unwrap();
    assert_eq!(
        status.code(),
        Some(0),
        "{}",
        common::rest_of_stderr(&mut child)
    );
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

/// The process that a server ends.
type Target = Arc<OnceLock<u32>>;

/// Runs a command that the server ends with `kill -9` at its n-th request.
#[cfg(unix)]
fn run_and_kill(command: std::process::Command, target: &Target) {
    let mut child = common::spawn(command);
    target.set(child.id()).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(common::ending_signal(status), Some(9));
}

#[cfg(unix)]
#[test]
fn a_run_that_is_killed_is_completed_by_the_same_command() {
    const ROWS: usize = 60;
    for (at, order) in [
        (1, ""),
        (2, ""),
        (13, "--unordered"),
        (30, ""),
        (31, "--unordered"),
        (60, ""),
    ] {
        let target = Target::default();
        let killer = Arc::clone(&target);
        let server = Counting::new(move |request| {
            if request.number == at {
                common::send_signal(*killer.wait(), "KILL");
            }
            not_found(request)
        });
        let home = Home::new();
        let input = write(&home, "in.txt", numbers(ROWS));
        let output = home.file("out.jsonl");
        let origin = server.as_suppressionlist();
        let mut arguments = vec![
            origin.as_str(),
            "lists",
            "check",
            "a",
            &input,
            "-o",
            &output,
        ];
        arguments.extend(Some(order).filter(|order| !order.is_empty()));
        let mut command = home.ap(&arguments);
        command.env(VARIABLE, KEY);
        run_and_kill(command, &target);
        home.run(&arguments).succeeds();
        assert_eq!(assert_each_once(&output, ROWS), 0);
        if order.is_empty() {
            let results = objects(&std::fs::read_to_string(&output).unwrap());
            assert!(results.is_sorted_by_key(|result| result["row"].as_u64()));
        }
    }
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
    ran.says("is not what the run that is resumed read: at or before row 3 it differs");
    assert_eq!(std::fs::read(&output).unwrap(), before);
    assert_eq!(server.count(), 4);
    write(&home, "in.txt", numbers(6));
    home.run(&arguments).succeeds();
    assert_eq!(assert_each_once(&output, 6), 0);
}

/// Returns the peak memory of a run over that many rows, in KiB, as it is at its last call.
#[cfg(target_os = "linux")]
fn peak_memory(rows: usize) -> u64 {
    let target = Target::default();
    let peak: Arc<OnceLock<String>> = Arc::default();
    let server = Counting::new({
        let (target, peak) = (Arc::clone(&target), Arc::clone(&peak));
        move |request| {
            if request.number == rows {
                let status = format!("/proc/{}/status", target.wait());
                peak.set(std::fs::read_to_string(status).unwrap()).unwrap();
            }
            not_found(request)
        }
    });
    let home = Home::new();
    let input = write(&home, "in.txt", numbers(rows));
    let output = home.file("out.jsonl");
    let mut command = home.ap(&[
        &server.as_suppressionlist(),
        "lists",
        "check",
        "a",
        &input,
        "-o",
        &output,
    ]);
    command.env(VARIABLE, KEY);
    let mut child = common::spawn(command);
    target.set(child.id()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let status = peak.get().unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_rows() {
    let (few, many) = (peak_memory(1_000), peak_memory(10_000));
    assert!(
        many < few + 4096,
        "{few} KiB for 1,000 rows, {many} KiB for 10,000"
    );
}

#[test]
fn the_key_is_sent_and_never_written() {
    let server = Counting::new(|request| {
        assert_eq!(
            request.authorization,
            format!("Basic {}", encoded_pair(KEY))
        );
        not_found(request)
    });
    let home = Home::new();
    let output = home.file("out.jsonl");
    // A value that is the key: it is not sent, and not written either.
    let input = format!("v1\n{KEY}\n");
    let ran = home.run_with(
        &[
            "-v",
            &server.as_suppressionlist(),
            "lists",
            "check",
            "a",
            "-o",
            &output,
        ],
        input,
    );
    assert_eq!(ran.code, Some(8), "{ran:?}");
    ran.says("> authorization: Basic [redacted]");
    common::assert_absent(&std::fs::read_to_string(&output).unwrap(), KEY);
    common::assert_absent(
        &std::fs::read_to_string(format!("{output}.journal")).unwrap(),
        KEY,
    );
    assert_eq!(server.count(), 1);
}

#[test]
fn faults_of_the_emulator_cost_no_row() {
    let emulator = Emulator::start().unwrap();
    for fault in [Fault::unavailable, Fault::cut] {
        emulator.fault(fault(Product::SuppressionList));
    }
    let origins = emulator_origins(&emulator);
    let home = Home::new();
    let mut command = home.ap(&join(&origins, &["lists", "check", LIST]));
    command.env(VARIABLE, emulator.key());
    let ran = Ran::of(common::with_input(command, numbers(20)), &emulator.key());
    assert_eq!(objects(ran.succeeds()).len(), 20);
}
