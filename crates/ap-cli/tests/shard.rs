//! `--shard`: one input on several machines, every row on exactly one of them.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

use common::counting::{Answer, Counting, Request};
use common::{Home, KEY, VARIABLE};
use serde_json::Value;

const LIST: &str = "do_not_call";

fn not_found(request: &Request) -> Answer {
    let body = format!(
        r#"{{"specified_lists":["a"],"key":"{}","found":false}}"#,
        request.last_segment()
    );
    (404, "", body)
}

fn write(home: &Home, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = home.file(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// Returns the results by row, and asserts that no row has two.
fn by_row(text: &str) -> BTreeMap<u64, Value> {
    let mut found = BTreeMap::new();
    for line in text.lines() {
        let result: Value = serde_json::from_str(line).unwrap();
        let row = result["row"].as_u64().unwrap();
        assert!(found.insert(row, result).is_none(), "row {row} twice");
    }
    found
}

#[test]
fn every_row_is_in_exactly_one_shard_of_every_format() {
    const ROWS: u64 = 20;
    let server = Counting::new(not_found);
    let origin = server.as_suppressionlist();
    let home = Home::new();
    let rows = |row: fn(u64) -> String| (1..=ROWS).map(row).collect::<String>();
    // The line of a row, for each format.
    let inputs = [
        ("in.txt", rows(|row| format!("v{row}\n")), 0),
        (
            "in.csv",
            format!("id,v\n{}", rows(|row| format!("{row},v{row}\n"))),
            1,
        ),
        (
            "in.jsonl",
            rows(|row| format!("{{\"v\":\"v{row}\"}}\n\n")),
            0,
        ),
    ];
    for (name, text, lines_before) in inputs {
        let input = write(&home, name, text);
        // The last has more shards than rows.
        for shards in [3, 23] {
            if shards > ROWS && name != "in.txt" {
                continue;
            }
            let mut found = BTreeMap::new();
            for shard in 0..shards {
                let shard = format!("{shard}/{shards}");
                let column: &[&str] = match name {
                    "in.txt" => &[],
                    _ => &["--column", "v"],
                };
                let arguments = [&origin, "lists", "check", LIST, &input, "--shard", &shard];
                let ran = home.run(&[&arguments[..], column].concat());
                for (row, result) in by_row(ran.succeeds()) {
                    assert_eq!(result["value"], format!("v{row}"));
                    let line = match name {
                        "in.jsonl" => 2 * row - 1,
                        _ => row + lines_before,
                    };
                    assert_eq!(result["line"], line, "row {row} of {name}");
                    assert!(
                        found.insert(row, shard.clone()).is_none(),
                        "row {row} twice"
                    );
                }
            }
            assert_eq!(found.len() as u64, ROWS, "{name} in {shards} shards");
        }
    }
    assert_eq!(server.count() as u64, 4 * ROWS);
}

#[test]
fn a_shard_without_rows_is_complete() {
    let server = Counting::new(not_found);
    let home = Home::new();
    let input = write(&home, "in.txt", "a\nb\n");
    let output = home.file("out.csv");
    let origin = server.as_suppressionlist();
    let arguments = [&origin, "lists", "check", LIST, &input, "--shard", "2/3"];
    let ran = home.run(&[&arguments[..], &["-o", &output, "--format", "csv"]].concat());
    ran.succeeds();
    assert_eq!(std::fs::read_to_string(&output).unwrap().lines().count(), 1);
    assert_eq!(server.count(), 0);
}

#[test]
fn a_run_is_not_resumed_with_another_shard() {
    let server = Counting::new(|request| match request.number {
        3 => (401, "", common::BAD_KEY.to_owned()),
        _ => not_found(request),
    });
    let home = Home::new();
    let rows: String = (1..=40).map(|row| format!("v{row}\n")).collect();
    let input = write(&home, "in.txt", rows);
    let output = home.file("out.jsonl");
    let origin = server.as_suppressionlist();
    let arguments = [
        &origin,
        "lists",
        "check",
        LIST,
        &input,
        "-o",
        &output,
        "--concurrency=1",
    ];
    let run = |shard: &[&str]| home.run(&[&arguments[..], shard].concat());
    assert_eq!(run(&["--shard", "1/4"]).code, Some(3));
    for other in [
        &["--shard", "2/4"][..],
        &["--shard", "1/2"],
        &["--shard", "0/1"],
        &[],
    ] {
        run(other).fails(2, "is of a run with another shard");
    }
    run(&["--shard", "1/4"]).succeeds();
    let found = by_row(&std::fs::read_to_string(&output).unwrap());
    let expected: Vec<u64> = (1..=40).filter(|row| row % 4 == 2).collect();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), expected);
}

#[cfg(unix)]
#[test]
fn a_shard_that_is_killed_is_completed_by_the_same_command() {
    for at in [1, 4, 9] {
        let target: Arc<OnceLock<u32>> = Arc::default();
        let server = Counting::new({
            let target = Arc::clone(&target);
            move |request| {
                if request.number == at {
                    common::send_signal(*target.wait(), "KILL");
                }
                not_found(request)
            }
        });
        let home = Home::new();
        let rows: String = (1..=60).map(|row| format!("v{row}\n")).collect();
        let input = write(&home, "in.txt", rows);
        let output = home.file("out.jsonl");
        let origin = server.as_suppressionlist();
        let arguments = [
            &origin, "lists", "check", LIST, &input, "-o", &output, "--shard", "2/5",
        ];
        let mut command = home.ap(&arguments);
        command.env(VARIABLE, KEY);
        let mut child = common::spawn(command);
        target.set(child.id()).unwrap();
        assert_eq!(common::ending_signal(child.wait().unwrap()), Some(9));
        home.run(&arguments).succeeds();
        let found = by_row(&std::fs::read_to_string(&output).unwrap());
        let expected: Vec<u64> = (1..=60).filter(|row| row % 5 == 3).collect();
        assert_eq!(
            found.into_keys().collect::<Vec<_>>(),
            expected,
            "killed at {at}"
        );
    }
}

#[test]
fn an_input_that_changed_is_named_by_its_own_row() {
    let server = Counting::new(|request| match request.number {
        4 => (401, "", common::BAD_KEY.to_owned()),
        _ => not_found(request),
    });
    let home = Home::new();
    let rows: String = (1..=30).map(|row| format!("v{row}\n")).collect();
    let input = write(&home, "in.txt", &rows);
    let output = home.file("out.jsonl");
    let origin = server.as_suppressionlist();
    let arguments = [
        &origin,
        "lists",
        "check",
        LIST,
        &input,
        "-o",
        &output,
        "--shard",
        "0/3",
        "--concurrency=1",
        "--report=none",
    ];
    assert_eq!(home.run(&arguments).code, Some(3));
    write(&home, "in.txt", rows.replace("v4\n", "w4\n"));
    let ran = home.run(&arguments);
    ran.fails(2, "at or before row 7 it differs");
    // What another shard has is not compared.
    write(&home, "in.txt", rows.replace("v2\n", "w2\n"));
    home.run(&arguments).succeeds();
}

#[test]
fn leads_and_certificates_are_cut_in_the_same_way() {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let server = Counting::new({
        let seen = Arc::clone(&seen);
        move |request| {
            seen.lock().unwrap().push(request.body.clone());
            let body = r#"{"outcome":"success","verify":{"outcome":"success"}}"#;
            (200, "", body.to_owned())
        }
    });
    let home = Home::new();
    let origin = format!("--origin=lcx={}", server.url);
    let leads = write(
        &home,
        "leads.csv",
        "email\na1@b.example\na2@b.example\na3@b.example\n",
    );
    let ids = ["65e0b2000000000000000001", "65e0c3000000000000000001"];
    let arguments = [
        &origin, "leads", "submit", ids[0], ids[1], &leads, "--shard", "1/2",
    ];
    let found = by_row(home.run(&arguments).succeeds());
    assert_eq!(found.into_keys().collect::<Vec<_>>(), [2]);
    let sent = std::mem::take(&mut *seen.lock().unwrap());
    assert!(sent.len() == 1 && sent[0].contains("a2"), "{sent:?}");
    let origin = format!("--origin=trustedform={}", server.url);
    let certs: String = (1..=4).map(|cert| format!("{cert:040x}\n")).collect();
    let certs = write(&home, "certs.txt", certs);
    let arguments = [&origin, "certs", "verify", &certs, "--shard", "3/4"];
    let found = by_row(&home.run(&arguments).stdout);
    assert_eq!(found.into_keys().collect::<Vec<_>>(), [4]);
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[test]
fn a_shard_that_does_not_exist_is_refused_before_anything_is_read() {
    let home = Home::new();
    for (shard, message) in [
        ("8/8", "the 8 shards are 0/8 to 7/8"),
        ("-1/8", "write it as I/N"),
        ("/8", "write it as I/N"),
        ("0/0", "write it as I/N"),
    ] {
        let ran = home.run(&["lists", "check", LIST, "absent.txt", "--shard", shard]);
        ran.fails(2, message);
    }
}

#[test]
fn gnu_parallel_runs_the_shards() {
    let version = Command::new("parallel").arg("--version").output();
    let is_gnu = version.is_ok_and(|ran| ran.stdout.starts_with(b"GNU parallel"));
    if !is_gnu {
        eprintln!("skipped: there is no GNU parallel");
        return;
    }
    let server = Counting::new(not_found);
    let home = Home::new();
    let rows: String = (1..=50).map(|row| format!("v{row}\n")).collect();
    write(&home, "in.txt", rows);
    // As in docs/scale.md, with the program by its path, and the server of this test.
    let line = format!(
        "parallel -j 4 {} {} lists check {LIST} in.txt --shard {{}}/4 -o checked-{{}}.jsonl ::: 0 1 2 3",
        env!("CARGO_BIN_EXE_ap"),
        server.as_suppressionlist()
    );
    let mut command = Command::new("sh");
    command.args(["-c", &line]).current_dir(home.path());
    command.env("HOME", home.path()).env(VARIABLE, KEY);
    let ran = command.output().unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let results: String = (0..4)
        .map(|shard| std::fs::read_to_string(home.file(&format!("checked-{shard}.jsonl"))).unwrap())
        .collect();
    assert_eq!(
        by_row(&results).into_keys().collect::<Vec<_>>(),
        (1..=50).collect::<Vec<_>>()
    );
}
