//! `ap events`: exports that can be interrupted, lists and counts.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use crate::common;
use crate::common::bulk::{killing_at, start};
use crate::common::counting::Counting;
use crate::common::event_pages::{id, page, parameter};
use crate::common::{BAD_KEY, Home, KEY, VARIABLE};
use serde_json::Value;

fn origin(server: &Counting) -> String {
    format!("--origin=lcx={}", server.url)
}

fn ids(text: &str) -> Vec<String> {
    let id = |line| {
        serde_json::from_str::<Value>(line).unwrap()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    text.lines().map(id).collect()
}

#[test]
fn every_event_is_exported_as_it_was_sent() {
    let server = Counting::new(|request| {
        assert_eq!(
            parameter(request, "start"),
            Some("2026-11-01T00%3A00%3A00Z")
        );
        assert_eq!(parameter(request, "sort"), Some("asc"));
        page(request, 25)
    });
    let origin = origin(&server);
    let ran = Home::new().run(&[
        &origin,
        "events",
        "export",
        "--from",
        "2026-11-01",
        "--report",
        "json",
    ]);
    let expected: Vec<_> = (1..=25).map(id).collect();
    assert_eq!(ids(ran.succeeds()), expected);
    assert!(
        ran.stdout.contains(r#""ms":1.50,"unknown":{"b":1,"a":2}"#),
        "{}",
        ran.stdout
    );
    let report: Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!(report["rows"], 25);
}

#[test]
fn a_server_that_repeats_its_pages_ends_the_export_and_no_event_is_written_twice() {
    // The same page again, and an earlier one.
    for earlier in [0, 1] {
        let server = Counting::new(move |request| {
            let mut asked = request.clone();
            if request.number > 2 {
                let begin = id(10 * (2 - earlier) - 10);
                asked.line = format!("GET /events?after_id={begin} HTTP/1.1");
            }
            page(&asked, 1000)
        });
        let (origin, home) = (origin(&server), Home::new());
        let file = home.file("events.jsonl");
        let arguments = [&origin, "events", "export", "-o", &file, "--report", "none"];
        for _ in 0..2 {
            home.run(&arguments)
                .fails(1, "does not come after the one before");
            let expected: Vec<_> = (1..=20).map(id).collect();
            assert_eq!(ids(&std::fs::read_to_string(&file).unwrap()), expected);
        }
    }
}

#[test]
fn as_csv_an_event_has_the_usual_members() {
    let server = Counting::new(|request| page(request, 2));
    let ran = Home::new().run(&[&origin(&server), "events", "export", "--format", "csv"]);
    let lines: Vec<_> = ran.succeeds().lines().collect();
    assert!(lines[0].starts_with("id,type,outcome,"), "{}", lines[0]);
    assert_eq!(lines[1], format!("{},source,,,,,,,,,\"a,b\",", id(1)));
    assert_eq!(lines.len(), 3);
}

#[cfg(unix)]
#[test]
fn an_export_that_is_killed_is_completed_by_the_same_command() {
    for at in 1..=6 {
        let (server, target) = killing_at(at, |request| page(request, 45));
        let home = Home::new();
        let output = home.file("events.jsonl");
        let origin = origin(&server);
        let arguments = [&origin, "events", "export", "-o", &output];
        let mut child = start(home.ap(&arguments), &target);
        assert_eq!(common::ending_signal(child.wait().unwrap()), Some(9));
        home.run(&arguments).succeeds();
        let expected: Vec<_> = (1..=45).map(id).collect();
        assert_eq!(
            ids(&std::fs::read_to_string(&output).unwrap()),
            expected,
            "killed at {at}"
        );
        // What was on the disk is not called for again: five pages, the empty one, the one of the kill, and up to
        // three before, which may wait for the encoder, in it, and for the writer.
        assert!((7..=10).contains(&server.count()), "{}", server.count());
    }
}

#[test]
fn events_since_the_last_export_are_added_to_the_file() {
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(12));
    let server = Counting::new({
        let count = Arc::clone(&count);
        move |request| page(request, count.load(std::sync::atomic::Ordering::SeqCst))
    });
    let home = Home::new();
    let output = home.file("events.jsonl");
    let origin = origin(&server);
    let arguments = [&origin, "events", "export", "-o", &output, "--since-last"];
    home.run(&arguments).succeeds();
    count.store(15, std::sync::atomic::Ordering::SeqCst);
    let calls = server.count();
    let ran = home.run(&arguments[..5]);
    ran.succeeds();
    ran.says("12 events: 12 ok; 12 of them in earlier runs; nothing was sent");
    ran.says("add --since-last");
    assert_eq!(server.count(), calls);
    let ran = home.run(&arguments);
    ran.succeeds();
    ran.says("15 events: 15 ok; 12 of them in earlier runs");
    let expected: Vec<_> = (1..=15).map(id).collect();
    assert_eq!(ids(&std::fs::read_to_string(&output).unwrap()), expected);
}

#[test]
fn a_rejected_key_in_the_middle_ends_the_export_and_it_can_be_resumed() {
    let server = Counting::new(|request| match request.number {
        3 => (401, "", BAD_KEY.to_owned()),
        _ => page(request, 35),
    });
    let home = Home::new();
    let output = home.file("events.jsonl");
    let origin = origin(&server);
    let arguments = [&origin, "events", "export", "-o", &output];
    let ran = home.run(&arguments);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(ids(&std::fs::read_to_string(&output).unwrap()).len(), 20);
    home.run(&arguments).succeeds();
    assert_eq!(ids(&std::fs::read_to_string(&output).unwrap()).len(), 35);
}

#[test]
fn a_closed_pipe_ends_the_export() {
    let server = Counting::new(|request| page(request, 200_000));
    let home = Home::new();
    let mut command = home.ap(&[&origin(&server), "events", "export"]);
    command.env(VARIABLE, KEY);
    let mut child = common::spawn(command);
    common::first_line(&mut child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn events_are_shown_and_counted() {
    let server = Counting::new(|request| match request.line.as_str() {
        line if line.starts_with("GET /events/stats?") => {
            assert!(line.contains("group_by=vars.source.name"), "{line}");
            let row = r#"{"vars.source.name":"Site","source-success":7}"#;
            (200, "", format!("[{row}]"))
        }
        line if line.starts_with("GET /events?") => {
            assert_eq!(parameter(request, "sort"), Some("desc"));
            page(request, 2)
        }
        _ => (
            200,
            "",
            format!(
                r#"{{"id":"{}","type":"source","access_token":"abcdefgh"}}"#,
                id(1)
            ),
        ),
    });
    let origin = origin(&server);
    let home = Home::new();
    let ran = home.run(&[&origin, "events", "list"]);
    assert!(ran.succeeds().contains(&id(2)), "{ran:?}");
    let ran = home.run(&[&origin, "events", "get", &id(1), "--json"]);
    let event: Value = serde_json::from_str(ran.succeeds()).unwrap();
    assert_eq!(event["access_token"], "[redacted]");
    let arguments = [
        "events",
        "stats",
        "--column",
        "source-success",
        "--group-by",
        "vars.source.name",
    ];
    let ran = home.run(&[&[origin.as_str()], &arguments[..]].concat());
    let lines: Vec<_> = ran.succeeds().lines().collect();
    assert!(
        lines[1].contains("Site") && lines[1].ends_with('7'),
        "{ran:?}"
    );
}

#[test]
fn a_wrong_time_is_refused() {
    let ran = Home::new().run(&["events", "export", "--from", "yesterday"]);
    ran.fails(2, "write a time such as 2026-11-01");
    let home = Home::new();
    let config = home.file("config.json");
    let time = "2026-11-01T08:30:00";
    for name in ["start_date", "end_date"] {
        std::fs::write(&config, format!(r#"{{"{name}":"{time}"}}"#)).unwrap();
        home.run(&[
            "events", "export", "--format", "singer", "--config", &config,
        ])
        .fails(2, "with its offset from UTC, such as 2026-11-01T08:30:00Z");
    }
    for command in ["list", "stats", "export"] {
        for option in ["--from", "--to"] {
            home.run(&["events", command, option, time])
                .fails(2, "with its offset from UTC, such as 2026-11-01T08:30:00Z");
        }
    }
    Home::new()
        .run(&[
            "events",
            "export",
            "--from",
            "2026-11-02",
            "--to",
            "2026-11-01",
        ])
        .fails(2, "the start of the events is after their end");
}
