//! Bulk commands: rows in, a result for each row out, whatever happens in between.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};

use crate::common;
use crate::common::bulk::{LIST, not_found, numbers, objects, peak_memory, write};
use crate::common::counting::Counting;
use crate::common::{Home, KEY, Ran, VARIABLE, emulator_origins, encoded_pair, join};
use ap_emulator::{Emulator, Fault, Product};
use serde_json::Value;

/// A value on the emulator's list.
const LISTED: &str = "robin@example.com";

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
fn results_in_a_file_that_is_named_as_csv_are_csv() {
    let home = Home::new();
    let input = write(&home, "in.txt", LISTED);
    let names = ["a.csv", "a.CSV", "a.jsonl", "a.txt"];
    for (name, is_csv) in names.into_iter().zip([true, true, false, false]) {
        let output = home.file(name);
        with_emulator(&["lists", "check", LIST, &input, "-o", &output], "").succeeds();
        let written = std::fs::read_to_string(&output).unwrap();
        assert_eq!(written.starts_with("row,line,"), is_csv, "{name}");
    }
    let output = home.file("b.csv");
    let arguments = [
        "lists", "check", LIST, &input, "-o", &output, "--format", "jsonl",
    ];
    with_emulator(&arguments, "").succeeds();
    assert!(std::fs::read_to_string(&output).unwrap().starts_with('{'));
}

#[test]
fn a_file_of_certificates_without_leads_is_refused_before_anything_is_sent() {
    let home = Home::new();
    let input = write(&home, "in.csv", "cert,mail\na,b\n");
    for (arguments, expected) in [
        (
            &["certs", "retain", &input][..],
            "no column that is known to have the email or the phone",
        ),
        (
            &["certs", "match", &input],
            "choose one with --email or --phone: cert, mail",
        ),
        (
            &["certs", "retain", "missing.cvs"],
            "missing.cvs cannot be read (no such file",
        ),
        (
            &["lists", "check", LIST, "missing.csv"],
            "(no such file or folder)",
        ),
        (
            &[
                "lists",
                "check",
                LIST,
                &input,
                "--column",
                "cert",
                "-o",
                "/missing/a.csv",
            ],
            "(no such file or folder)",
        ),
    ] {
        let ran = with_emulator(arguments, "");
        assert_eq!(ran.code, Some(2), "{ran:?}");
        ran.says(expected);
    }
}

#[test]
fn a_preview_names_only_the_first_rows_that_cannot_be_sent() {
    for (count, named, says) in [
        (3, 3, "they are named above"),
        (500, 20, "the first 20 of them are named above"),
    ] {
        let input = "not-an-id,a@example.com\n".repeat(count);
        let input = format!("cert,email\n{input}");
        let arguments = ["certs", "retain", "--input-format", "csv", "--dry-run"];
        let ran = with_emulator(&arguments, &input);
        assert_eq!(ran.code, Some(8), "{ran:?}");
        ran.says(&format!("{count} rows cannot be sent"));
        ran.says(says);
        assert_eq!(ran.stderr.matches("ap: row ").count(), named);
    }
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
    ran.says("ap: 2 of 4 rows did not succeed");
    ran.says("; the first is row 2, line 3: it is not UTF-8");
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

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_rows() {
    let peak_of = |rows| peak_memory("in.txt", numbers(rows).as_bytes(), rows, &[], 0);
    let (few, many) = (peak_of(1_000), peak_of(10_000));
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

/// Calls at a time, as a server sees them: how many there are, and the most that there were.
#[derive(Default)]
struct InFlight {
    now: AtomicUsize,
    most: AtomicUsize,
}

#[test]
fn as_many_calls_are_in_flight_as_chosen_and_no_more() {
    const ROWS: usize = 60;
    for concurrency in [1, 5] {
        let in_flight: Arc<InFlight> = Arc::default();
        // Nothing is answered before there are so many.
        let all = Arc::new(Barrier::new(concurrency));
        let server = Counting::new({
            let (in_flight, all) = (Arc::clone(&in_flight), Arc::clone(&all));
            move |request| {
                let now = in_flight.now.fetch_add(1, Ordering::SeqCst) + 1;
                in_flight.most.fetch_max(now, Ordering::SeqCst);
                all.wait();
                in_flight.now.fetch_sub(1, Ordering::SeqCst);
                not_found(request)
            }
        });
        let origin = server.as_suppressionlist();
        let option = format!("--concurrency={concurrency}");
        let arguments = [&origin, "lists", "check", "a", &option];
        let ran = Home::new().run_with(&arguments, numbers(ROWS));
        assert_eq!(objects(ran.succeeds()).len(), ROWS);
        assert_eq!(in_flight.most.load(Ordering::SeqCst), concurrency);
    }
}

#[test]
fn results_keep_the_order_of_the_rows_or_come_as_they_are_there() {
    for (option, is_ordered) in [("--format=jsonl", true), ("--unordered", false)] {
        // The first row is answered after the second one.
        let second = Arc::new(Barrier::new(2));
        let server = Counting::new({
            let second = Arc::clone(&second);
            move |request| {
                match request.last_segment() {
                    "v1" | "v3" => drop(second.wait()),
                    _ => {}
                }
                not_found(request)
            }
        });
        let origin = server.as_suppressionlist();
        let arguments = [&origin, "lists", "check", "a", "--concurrency=2", option];
        let ran = Home::new().run_with(&arguments, numbers(4));
        let results = objects(ran.succeeds());
        let rows: Vec<_> = results.iter().map(|r| r["row"].as_u64().unwrap()).collect();
        assert_eq!(rows.is_sorted(), is_ordered, "{rows:?}");
        assert_eq!(rows.len(), 4);
    }
}

#[test]
fn no_more_calls_are_made_in_a_second_than_chosen() {
    let server = Counting::new(not_found);
    let origin = server.as_suppressionlist();
    let arguments = [&origin, "lists", "check", "a", "--rate=50", "--report=json"];
    let ran = Home::new().run_with(&arguments, numbers(31));
    assert_eq!(objects(ran.succeeds()).len(), 31);
    let report: Value = serde_json::from_str(&ran.stderr).unwrap();
    // 30 waits of 20 ms, less what may be caught up.
    assert!(report["seconds"].as_f64().unwrap() >= 0.58, "{report}");
}

const FLOW: &str = "5fd4371e940df5a34a3888b2";

/// Submits leads to a server that keeps what it receives.
fn submit(arguments: &[&str], input: &str) -> (Ran, Vec<Value>) {
    let received: Arc<Mutex<Vec<Value>>> = Arc::default();
    let server = Counting::new({
        let received = Arc::clone(&received);
        move |request| {
            let lead = serde_json::from_str(&request.body).unwrap();
            received.lock().unwrap().push(lead);
            (201, "", r#"{"outcome":"success"}"#.to_owned())
        }
    });
    let origin = format!("--origin=lcx={}", server.url);
    let start = [&origin, "leads", "submit", FLOW, FLOW];
    let ran = Home::new().run_with(&[&start, arguments].concat(), input);
    let received = received.lock().unwrap().clone();
    (ran, received)
}

#[test]
fn columns_are_sent_as_other_fields_or_left_out() {
    let map = [
        "--map",
        "e-mail=email",
        "--map",
        "2=phone_1",
        "--map",
        "Note=",
    ];
    for (format, input) in [
        (
            "csv",
            "E-Mail,Mobile,Note,state\na@example.com,5125550100,x,TX\n",
        ),
        (
            "jsonl",
            r#"{"E-Mail":"a@example.com","Mobile":5125550100,"Note":"x","state":"TX"}"#,
        ),
    ] {
        let (ran, received) = submit(&[&["--input-format", format], &map[..]].concat(), input);
        ran.succeeds();
        ran.says("without -o, the same command sends all rows again");
        let expected =
            serde_json::json!({"email": "a@example.com", "phone_1": "5125550100", "state": "TX"});
        assert_eq!(received, [expected]);
    }
}
