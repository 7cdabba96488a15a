//! Bulk commands and a server that fails, refuses or asks to wait: no row is lost, and none is sent after the end.

#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::common;
use crate::common::bulk::{Target, killing_at, not_found, numbers, objects, start, write};
use crate::common::counting::{Answer, Counting};
use crate::common::{Home, KEY, VARIABLE};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

const FLOW: &str = "5fd4371e940df5a34a3888b2";

/// A failure of the server after which a call is made again soon.
fn unavailable() -> Answer {
    (503, "Retry-After: 0\r\n", String::new())
}

fn accepted() -> Answer {
    (201, "", r#"{"outcome":"success"}"#.to_owned())
}

fn statuses(text: &str) -> Vec<String> {
    let status = |result: &Value| result["status"].as_str().unwrap().to_owned();
    objects(text).iter().map(status).collect()
}

fn leads(rows: usize) -> String {
    format!("email\n{}", numbers(rows))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// Runs a check while the server stops answering after ten calls, then again when it is back.
fn survive_outage(option: &str) {
    const ROWS: usize = 40;
    let is_back = Arc::new(AtomicBool::new(false));
    let server = Counting::new({
        let is_back = Arc::clone(&is_back);
        move |request| match request.number > 10 && !is_back.load(Ordering::SeqCst) {
            true => unavailable(),
            false => not_found(request),
        }
    });
    let home = Home::new();
    let (input, output) = (
        write(&home, "in.txt", numbers(ROWS)),
        home.file("out.jsonl"),
    );
    let origin = server.as_suppressionlist();
    let arguments = [
        &origin, "lists", "check", "a", &input, "-o", &output, option,
    ];
    let ran = home.run(&arguments);
    assert_eq!(ran.code, Some(7), "{ran:?}");
    ran.says("run the same command again to resume");
    let before = statuses(&read(&output));
    assert!(before.len() <= 10, "{before:?}");
    assert!(before.iter().all(|status| status == "ok"), "{before:?}");
    is_back.store(true, Ordering::SeqCst);
    home.run(&arguments).succeeds();
    let results = objects(&read(&output));
    let mut rows: Vec<_> = results.iter().map(|r| r["row"].as_u64().unwrap()).collect();
    rows.sort_unstable();
    assert_eq!(rows, (1..=ROWS as u64).collect::<Vec<_>>());
}

#[test]
fn an_outage_fails_no_row_with_one_call_at_a_time() {
    survive_outage("--concurrency=1");
}

#[test]
fn an_outage_fails_no_row_with_results_in_any_order() {
    survive_outage("--unordered");
}

/// Runs a check of rows of which those that begin with `p` never get an answer. Returns their statuses in the order of the
/// rows, the exit code, and how many calls there were.
fn check_with_silence(rows: &[&str], option: &str) -> (Vec<String>, Option<i32>, usize) {
    let server = Counting::new(|request| match request.last_segment().starts_with('p') {
        true => unavailable(),
        false => not_found(request),
    });
    let origin = server.as_suppressionlist();
    let arguments = [&origin, "lists", "check", "a", option];
    let ran = Home::new().run_with(&arguments, rows.join("\n"));
    (statuses(&ran.stdout), ran.code, server.count())
}

fn expected(rows: &[&str]) -> Vec<&'static str> {
    let status = |row: &&str| match row.starts_with('p') {
        true => "failed",
        false => "ok",
    };
    rows.iter().map(status).collect()
}

#[test]
fn rows_fail_alone_with_several_calls_at_a_time_too() {
    let rows = [
        "p1", "v2", "p3", "v4", "v5", "v6", "p7", "v8", "v9", "v10", "p11", "p12",
    ];
    let (found, code, _) = check_with_silence(&rows, "--concurrency=4");
    assert_eq!(found, expected(&rows));
    assert_eq!(code, Some(8));
}

#[test]
fn a_row_fails_if_the_server_answers_others_and_not_this_one() {
    for (rows, most_calls) in [
        // Three attempts before the server has answered anything, then one.
        (&["p1", "v2"][..], 3 + 1 + 1),
        // Six attempts, the row before once more, and a last attempt.
        (&["v1", "p2", "v3"], 1 + 6 + 1 + 1 + 1),
        (&["v1", "p2"], 1 + 6 + 1 + 1),
        (&["v1", "p2", "p3", "p4", "p5"], 1 + 4 * (6 + 1 + 1)),
    ] {
        let (found, code, calls) = check_with_silence(rows, "--concurrency=1");
        assert_eq!(found, expected(rows), "{rows:?}");
        assert_eq!(code, Some(8), "{rows:?}");
        assert!(calls <= most_calls, "{rows:?}: {calls} calls");
    }
}

#[test]
fn a_row_that_is_the_only_one_left_fails_too() {
    let server = Counting::new(|request| match (request.last_segment(), request.number) {
        ("p3", 3) => (401, "", common::BAD_KEY.to_owned()),
        ("p3", _) => unavailable(),
        _ => not_found(request),
    });
    let home = Home::new();
    let (input, output) = (
        write(&home, "in.txt", "v1\nv2\np3\n"),
        home.file("out.jsonl"),
    );
    let origin = server.as_suppressionlist();
    let arguments = [
        &origin,
        "lists",
        "check",
        "a",
        &input,
        "-o",
        &output,
        "--concurrency=1",
    ];
    assert_eq!(home.run(&arguments).code, Some(3));
    assert_eq!(home.run(&arguments).code, Some(8));
    assert_eq!(statuses(&read(&output)), ["ok", "ok", "failed"]);
    let calls = server.count();
    home.run(&arguments).says("nothing was sent");
    assert_eq!(server.count(), calls);
}

#[test]
fn leads_that_the_server_refuses_until_the_end_are_left_for_the_next_run() {
    let is_back = Arc::new(AtomicBool::new(false));
    let server = Counting::new({
        let is_back = Arc::clone(&is_back);
        move |request| match request.number > 1 && !is_back.load(Ordering::SeqCst) {
            true => (429, "Retry-After: 0\r\n", String::new()),
            false => accepted(),
        }
    });
    let home = Home::new();
    let (input, output) = (write(&home, "in.csv", leads(2)), home.file("out.jsonl"));
    let origin = format!("--origin=lcx={}", server.url);
    let arguments = [
        &origin,
        "leads",
        "submit",
        FLOW,
        FLOW,
        &input,
        "-o",
        &output,
        "--concurrency=1",
    ];
    assert_eq!(home.run(&arguments).code, Some(7));
    assert_eq!(statuses(&read(&output)), ["ok"]);
    is_back.store(true, Ordering::SeqCst);
    home.run(&arguments).succeeds();
    assert_eq!(statuses(&read(&output)), ["ok", "ok"]);
    assert_eq!(server.count(), 1 + 6 + 1);
}

#[test]
fn no_lead_is_sent_after_the_reader_of_the_results_has_gone() {
    const ROWS: usize = 300;
    let gone: Arc<OnceLock<()>> = Arc::default();
    let server = Counting::new({
        let gone = Arc::clone(&gone);
        move |request| {
            if request.number > 1 {
                gone.wait();
            }
            accepted()
        }
    });
    let home = Home::new();
    let input = write(&home, "in.csv", leads(ROWS));
    let origin = format!("--origin=lcx={}", server.url);
    let mut command = home.ap(&[&origin, "leads", "submit", FLOW, FLOW, &input]);
    command.env(VARIABLE, KEY);
    let mut child = common::spawn(command);
    // Then the pipe is closed.
    assert!(common::first_line(&mut child).starts_with("{\"row\""));
    gone.set(()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    // Those in flight, and those that began before the first of them had an answer.
    assert!(server.count() <= 2 * 8 + 1, "{}", server.count());
}

#[test]
fn leads_that_wait_for_the_rate_are_not_sent_after_the_end() {
    let server = Counting::new(|_| (404, "", "{}".to_owned()));
    let home = Home::new();
    let input = write(&home, "in.csv", leads(8));
    let origin = format!("--origin=lcx={}", server.url);
    let ran = home.run(&[
        &origin, "leads", "submit", FLOW, FLOW, &input, "--rate", "0.05",
    ]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert_eq!(server.count(), 1);
}

#[test]
fn a_lead_that_waits_as_the_server_asks_is_not_sent_after_the_end() {
    let server = Counting::new(|request| match request.number {
        1 => (429, "Retry-After: 60\r\n", String::new()),
        _ => (404, "", "{}".to_owned()),
    });
    let home = Home::new();
    let input = write(&home, "in.csv", leads(2));
    let origin = format!("--origin=lcx={}", server.url);
    let ran = home.run(&[
        &origin,
        "leads",
        "submit",
        FLOW,
        FLOW,
        &input,
        "--concurrency=2",
    ]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert_eq!(server.count(), 2);
}

#[cfg(unix)]
#[test]
fn after_a_kill_leads_that_waited_for_the_rate_are_not_in_doubt() {
    let (server, target) = killing_at(1, |_| accepted());
    let home = Home::new();
    let (input, output) = (write(&home, "in.csv", leads(8)), home.file("out.jsonl"));
    let origin = format!("--origin=lcx={}", server.url);
    let arguments = [
        &origin, "leads", "submit", FLOW, FLOW, &input, "-o", &output,
    ];
    let slowly = [&arguments[..], &["--rate=0.05"]].concat();
    let status = start(home.ap(&slowly), &target).wait().unwrap();
    assert_eq!(common::ending_signal(status), Some(9));
    assert_eq!(home.run(&arguments).code, Some(8));
    let found = statuses(&read(&output));
    let unknown = found.iter().filter(|status| *status == "unknown").count();
    assert_eq!((found.len(), unknown), (8, 1), "{found:?}");
    assert_eq!(server.count(), 8);
}

#[cfg(unix)]
#[test]
fn after_a_kill_a_lead_that_was_refused_and_waited_is_sent_again() {
    let target = Target::default();
    let server = Counting::new(|request| match request.number {
        1 => (429, "Retry-After: 60\r\n", String::new()),
        _ => accepted(),
    });
    let home = Home::new();
    let (input, output) = (write(&home, "in.csv", leads(1)), home.file("out.jsonl"));
    let origin = format!("--origin=lcx={}", server.url);
    let arguments = [
        &origin, "leads", "submit", FLOW, FLOW, &input, "-o", &output,
    ];
    let mut child = start(home.ap(&arguments), &target);
    let journal = format!("{output}.journal");
    let has_refusal =
        || std::fs::read_to_string(&journal).is_ok_and(|text| text.contains("not_sent"));
    while !has_refusal() {
        assert!(child.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    home.run(&arguments).succeeds();
    assert_eq!(statuses(&read(&output)), ["ok"]);
    assert_eq!(server.count(), 2);
}

#[test]
fn a_date_to_wait_for_is_kept_although_the_answer_has_no_date_of_its_own() {
    let server = Counting::new(|request| match request.number {
        1 => {
            let at = Timestamp::now() + SignedDuration::from_secs(3);
            let at = at.strftime("%A, %d-%b-%y %H:%M:%S GMT");
            let header = format!("Retry-After: {at}\r\n");
            (503, Box::leak(header.into_boxed_str()), String::new())
        }
        _ => not_found(request),
    });
    let origin = server.as_suppressionlist();
    let arguments = [&origin, "lists", "check", "a", "--report=json"];
    let ran = Home::new().run_with(&arguments, numbers(1));
    ran.succeeds();
    let report: Value = serde_json::from_str(&ran.stderr).unwrap();
    // The date has no parts of a second. Without it, the wait would be at most half a second.
    assert!(report["seconds"].as_f64().unwrap() >= 1.9, "{report}");
    assert_eq!(server.count(), 2);
}
