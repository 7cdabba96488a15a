//! `--shard`: one input on several machines, every row on exactly one of them.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, Mutex};

use crate::common;
use crate::common::bulk::{LIST, killing_at, not_found, start, write};
use crate::common::counting::Counting;
use crate::common::{Home, KEY, VARIABLE};
use serde_json::Value;

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
        let (server, target) = killing_at(at, not_found);
        let home = Home::new();
        let rows: String = (1..=60).map(|row| format!("v{row}\n")).collect();
        let input = write(&home, "in.txt", rows);
        let output = home.file("out.jsonl");
        let origin = server.as_suppressionlist();
        let arguments = [
            &origin, "lists", "check", LIST, &input, "-o", &output, "--shard", "2/5",
        ];
        let mut child = start(home.ap(&arguments), &target);
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

/// Runs a line of a document in a shell, where `ap` calls a server of this test.
#[cfg(unix)]
fn run_recipe(home: &Home, server: &Counting, line: &str, variables: &[(&str, &str)]) {
    use std::os::unix::fs::PermissionsExt as _;

    let script = format!(
        "#!/bin/sh\nexec '{}' {} \"$@\"\n",
        env!("CARGO_BIN_EXE_ap"),
        server.as_suppressionlist()
    );
    let program = write(home, "ap", script);
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", home.path().display());
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(home.path());
    shell
        .env("PATH", path)
        .env("HOME", home.path())
        .env(VARIABLE, KEY);
    let ran = shell.envs(variables.iter().copied()).output().unwrap();
    let stderr = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{line}: {stderr}");
}

/// Returns the results of the shards that the recipes write.
#[cfg(unix)]
fn results(home: &Home, shards: u32) -> BTreeMap<u64, Value> {
    let read = |shard| {
        let file = home.file(&format!("checked-{shard}.jsonl"));
        std::fs::read_to_string(file).unwrap()
    };
    by_row(&(0..shards).map(read).collect::<String>())
}

#[cfg(unix)]
fn document() -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/scale.md");
    std::fs::read_to_string(file).unwrap()
}

#[cfg(unix)]
#[test]
fn the_recipe_for_gnu_parallel_runs_every_shard() {
    let version = Command::new("parallel").arg("--version").output();
    let is_gnu = version.is_ok_and(|ran| ran.stdout.starts_with(b"GNU parallel"));
    if !is_gnu {
        let is_needed = std::env::var_os("ACTIVEPROSPECT_TESTS_NEED_PARALLEL").is_some();
        assert!(!is_needed, "there is no GNU parallel");
        ap_tests::skipped("there is no GNU parallel");
        return;
    }
    let server = Counting::new(not_found);
    let home = Home::new();
    let rows: String = (1..=50).map(|row| format!("v{row}\n")).collect();
    write(&home, "numbers.txt", rows);
    let document = document();
    let is_recipe = |line: &&str| line.starts_with("parallel ");
    let recipe = document.lines().find(is_recipe).unwrap();
    run_recipe(&home, &server, recipe, &[]);
    assert!(results(&home, 8).into_keys().eq(1..=50));
}

#[cfg(unix)]
#[test]
fn the_recipe_for_kubernetes_runs_a_shard_and_a_failed_row_is_no_failure() {
    let server = Counting::new(not_found);
    let home = Home::new();
    // The last row is not UTF-8.
    let rows: String = (1..=19).map(|row| format!("v{row}\n")).collect();
    write(&home, "numbers.txt", [rows.as_bytes(), b"\xff\n"].concat());
    let document = document();
    let recipe = document.split("- >\n").nth(1).unwrap();
    let recipe = recipe.split("env:").next().unwrap();
    let recipe = recipe.split_whitespace().collect::<Vec<_>>().join(" ");
    let recipe = recipe.replace("/data", home.path().to_str().unwrap());
    for index in 0..8 {
        let index = index.to_string();
        run_recipe(&home, &server, &recipe, &[("JOB_COMPLETION_INDEX", &index)]);
    }
    let found = results(&home, 8);
    assert!(found.keys().copied().eq(1..=20));
    let failed = found.values().filter(|result| result["status"] == "failed");
    assert_eq!(failed.count(), 1);
}
