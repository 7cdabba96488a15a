//! Runs the examples and checks what they print. Each of them starts its own emulator, if it needs one.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;
use std::process::Command;

/// What each example prints. `…` stands for any text within a line.
const EXAMPLES: [(&str, &[&str]); 9] = [
    ("export_events", &["wrote …events.jsonl"]),
    (
        "submit_lead",
        &[
            "accepted, price Some(…)",
            r#"not accepted: Some("An e-mail address is needed")"#,
        ],
    ),
    (
        "retain_certificate",
        &[
            "retained",
            "retained, but: Some(…)",
            "not retained: Some(…)",
        ],
    ),
    (
        "check_phone_number",
        &[
            "5125550100: do not call, since …",
            "5125550199: you may call",
        ],
    ),
    (
        "deploy_flow",
        &[r#"deployed "Roof repair, all forms" with … steps"#],
    ),
    (
        "list_flows",
        &[
            "LeadConduit answered 429 Too Many Requests; wait 5 seconds, then send the request again",
            "there is no such flow",
            r#"2 flows, the first is "Roof repair, web forms""#,
        ],
    ),
    (
        "create_flow",
        &[
            r#"created the flow "…""#,
            "LeadConduit rejected the API key; check the key; …",
        ],
    ),
    (
        "key_reset",
        &[
            r#"200 OK, accepted was Some(ApiKey("old"))"#,
            r#"200 OK, accepted was Some(ApiKey("new"))"#,
        ],
    ),
    ("unit_test", &["both tests passed"]),
];

/// Returns the path of an example, which cargo has built beside this test.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(|deps| deps.parent()).unwrap();
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let program = folder.join("examples").join(name);
    assert!(
        program.exists(),
        "there is no {program:?}; `cargo test -p activeprospect` builds it, `--test` alone does not"
    );
    program
}

/// Returns `true` if a line is as expected.
fn matches(line: &str, expected: &str) -> bool {
    match expected.split_once('…') {
        Some((start, end)) => line.starts_with(start) && line.ends_with(end),
        None => line == expected,
    }
}

#[test]
fn every_example_runs_and_prints_what_it_is_about() {
    for (name, expected) in EXAMPLES {
        let output = Command::new(program(name)).output().unwrap();
        assert!(output.status.success(), "{name}: {output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), expected.len(), "{name}: {text}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(
                matches(line, expected),
                "{name}: {line:?}, expected {expected:?}"
            );
        }
    }
}

#[test]
fn every_example_is_listed_here() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        path.file_stem().unwrap().to_str().unwrap().to_owned()
    });
    let mut names: Vec<String> = names.collect();
    let mut listed = EXAMPLES.map(|(name, _)| name.to_owned());
    names.sort();
    listed.sort();
    assert_eq!(names, listed);
}
