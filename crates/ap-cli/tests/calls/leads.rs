//! `ap leads`: each lead is submitted at most once, whatever happens.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::common;
use crate::common::Home;
use crate::common::bulk::{Target, objects, start};
use crate::common::counting::{Answer, Counting, Request};
use serde_json::Value;

const FLOW: &str = "5fd4371e940df5a34a3888b2";
const SOURCE: &str = "5fd4371e940df5a34a3888b3";

fn accepted() -> Answer {
    let body = r#"{"outcome":"success","lead":{"id":"5fd4371e940df5a34a3888b4"},"price":1.5}"#;
    (201, "", body.to_owned())
}

fn email(request: &Request) -> String {
    let lead: Value = serde_json::from_str(&request.body).unwrap();
    lead["email"].as_str().unwrap().to_owned()
}

fn csv(rows: usize) -> String {
    let rows: String = (1..=rows)
        .map(|row| format!("p{row}@example.com,\n"))
        .collect();
    format!("email,phone_1\n{rows}")
}

fn arguments<'a>(origin: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    [&[origin, "leads", "submit", FLOW, SOURCE], rest].concat()
}

fn origin(server: &Counting) -> String {
    format!("--origin=lcx={}", server.url)
}

#[test]
fn each_row_is_a_lead_and_gets_a_verdict() {
    let server = Counting::new(|request| {
        assert_eq!(
            request.line,
            format!("POST /flows/{FLOW}/sources/{SOURCE}/submit HTTP/1.1")
        );
        assert_eq!(request.authorization, "");
        match email(request).as_str() {
            "p2@example.com" => {
                let body = r#"{"outcome":"failure","reason":"duplicate"}"#;
                (201, "", body.to_owned())
            }
            _ => {
                assert!(!request.body.contains("phone_1"));
                accepted()
            }
        }
    });
    let origin = origin(&server);
    let ran = Home::new().run_with(&arguments(&origin, &["--input-format", "csv"]), csv(3));
    assert_eq!(ran.code, Some(8), "{ran:?}");
    let mut results = objects(&ran.stdout);
    results.sort_by_key(|result| result["row"].as_u64());
    assert_eq!(results[0]["lead"], "5fd4371e940df5a34a3888b4");
    assert_eq!(results[0]["price"], 1.5);
    assert_eq!(results[1]["status"], "failed");
    assert_eq!(results[1]["outcome"], "failure");
    assert_eq!(results[1]["reason"], "duplicate");
    assert_eq!(server.count(), 3);
}

#[test]
fn a_lead_that_may_have_been_accepted_is_not_sent_again() {
    let server = Counting::new(|request| match (email(request).as_str(), request.number) {
        ("p2@example.com", _) => (502, "", String::new()),
        // Refused, so that it was not accepted.
        ("p3@example.com", 3) => (429, "Retry-After: 0\r\n", String::new()),
        _ => accepted(),
    });
    let origin = origin(&server);
    let options = ["--input-format", "csv", "--concurrency", "1"];
    let ran = Home::new().run_with(&arguments(&origin, &options), csv(3));
    assert_eq!(ran.code, Some(8), "{ran:?}");
    let results = objects(&ran.stdout);
    let status: Vec<_> = results
        .iter()
        .map(|result| result["status"].as_str().unwrap())
        .collect();
    assert_eq!(status, ["ok", "unknown", "ok"]);
    assert_eq!(server.count(), 4);
}

#[test]
fn a_server_that_answers_no_lead_any_more_ends_the_run() {
    let server = Counting::new(|request| match request.number {
        1 => accepted(),
        _ => (502, "", String::new()),
    });
    let origin = origin(&server);
    let options = ["--input-format", "csv", "--concurrency", "1"];
    let ran = Home::new().run_with(&arguments(&origin, &options), csv(9));
    assert_eq!(ran.code, Some(7), "{ran:?}");
    assert_eq!(server.count(), 4);
    assert_eq!(objects(&ran.stdout).len(), 4);
}

/// Runs until the server kills the program, then again. Returns how often each lead was received, and the results.
#[cfg(unix)]
fn kill_and_resume(at: usize, rows: usize) -> (BTreeMap<String, usize>, Vec<Value>) {
    let target = Target::default();
    let received: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
    let server = Counting::new({
        let (target, received) = (Arc::clone(&target), Arc::clone(&received));
        move |request| {
            *received.lock().unwrap().entry(email(request)).or_default() += 1;
            if request.number == at {
                common::send_signal(*target.wait(), "KILL");
            }
            accepted()
        }
    });
    let home = Home::new();
    let input = home.file("leads.csv");
    std::fs::write(&input, csv(rows)).unwrap();
    let output = home.file("out.jsonl");
    let origin = origin(&server);
    let arguments = arguments(&origin, &[&input, "-o", &output]);
    let mut child = start(home.ap(&arguments), &target);
    assert_eq!(common::ending_signal(child.wait().unwrap()), Some(9));
    let ran = home.run(&arguments);
    let results = objects(&std::fs::read_to_string(&output).unwrap());
    let is_all_ok = results.iter().all(|result| result["status"] == "ok");
    assert_eq!(ran.code, Some(if is_all_ok { 0 } else { 8 }), "{ran:?}");
    let received = received.lock().unwrap().clone();
    (received, results)
}

#[cfg(unix)]
#[test]
fn after_a_kill_no_lead_is_lost_and_none_is_sent_twice() {
    const ROWS: usize = 30;
    for at in [1, 2, 9, 20, 30] {
        let (received, results) = kill_and_resume(at, ROWS);
        assert!(received.values().all(|times| *times == 1), "{received:?}");
        let mut rows: Vec<_> = results.iter().map(|r| r["row"].as_u64().unwrap()).collect();
        rows.sort_unstable();
        assert_eq!(
            rows,
            (1..=ROWS as u64).collect::<Vec<_>>(),
            "killed at {at}"
        );
        // Those in flight when the program was killed are for a person.
        let unknown = results
            .iter()
            .filter(|result| result["status"] == "unknown");
        let unknown: Vec<_> = unknown.collect();
        assert!(
            !unknown.is_empty() && unknown.len() <= 8,
            "{}",
            unknown.len()
        );
        assert!(
            unknown
                .iter()
                .all(|result| result["error"]["kind"] == "interrupted")
        );
    }
}

#[test]
fn a_source_that_is_not_there_ends_the_run() {
    let server = Counting::new(|_| (404, "", "{}".to_owned()));
    let origin = origin(&server);
    let ran = Home::new().run_with(
        &arguments(&origin, &["--input-format", "csv", "--concurrency", "1"]),
        csv(3),
    );
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert_eq!(server.count(), 1);
}

#[test]
fn leads_are_found_by_words() {
    let server = Counting::new(|request| {
        assert!(
            request.line.starts_with("GET /search/leads?query=smith"),
            "{}",
            request.line
        );
        let hit = r#"{"lead_id":"5fd4371e940df5a34a3888b4","first_name":"Robin","email":"r@example.com"}"#;
        (200, "", format!(r#"{{"hits":[{hit}],"total":1}}"#))
    });
    let origin = origin(&server);
    let home = Home::new();
    let ran = home.run(&[&origin, "leads", "search", "smith"]);
    assert!(ran.succeeds().contains("Robin"), "{ran:?}");
    let ran = home.run(&[&origin, "leads", "search", "smith", "--json"]);
    let found: Value = serde_json::from_str(ran.succeeds()).unwrap();
    assert_eq!(found["total"], 1);
}
