//! `cargo xtask conformance` as a user runs it: its output and its exit code.

#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

use serde_json::Value;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("conformance")
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn bad_input_is_one_sentence_and_no_success() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("group.json"), "{").unwrap();
    let folder = folder.path().to_str().unwrap();
    for (arguments, text) in [
        (&["--cases", folder][..], "group.json"),
        (&["--cases", "no/such/folder"], "no/such/folder"),
        (&["ureq", "no-such-case"], "no case has"),
        (&["curl", "redirect/"], "no transport"),
        (&["--list", "no-such-case"], "no case has"),
        (&["--only", "body/emty"], "did you mean body/empty?"),
        (&["--profile", "key-safty"], "did you mean key-safety?"),
        (&["--capability", "proxi"], "did you mean proxy?"),
        (&["--without", "proxi=it has none"], "did you mean proxy?"),
        (&["--without", "proxy"], "write --without proxy=\"why\""),
        (&["--without", "proxy="], "without a reason"),
        (&["--skip", "body/"], "write --skip body/=\"why\""),
        (&["--skip", "bodies/=why"], "no case has"),
    ] {
        let output = run(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(
            error.contains(text) && error.lines().count() == 1,
            "{error}"
        );
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn bad_usage_is_explained() {
    for (arguments, text) in [
        (&["--format", "xml"][..], "invalid value 'xml'"),
        (&["--repeat", "0"], "invalid value '0'"),
        (&["--nonsense"], "unexpected argument '--nonsense'"),
        (&["ureq", "a", "b"], "unexpected argument 'b'"),
        (
            &["--exec", "a", "--exec-transport", "b"],
            "cannot be used with",
        ),
    ] {
        let output = run(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(text), "{error}");
        assert!(output.stdout.is_empty());
    }
}

#[cfg(unix)]
#[test]
fn a_program_that_dies_is_no_success_and_has_a_report() {
    let output = run(&[
        "authorization/exact",
        "--exec",
        "exit 1",
        "--format",
        "json",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["summary"]["failed"], 1);
    assert_eq!(report["cases"][0]["outcome"], "failed");
}

#[test]
fn several_transports_are_an_array_and_one_is_an_object() {
    let all = run(&["all", "authorization/exact", "--format", "json"]);
    assert!(all.status.success());
    let reports: Value = serde_json::from_slice(&all.stdout).unwrap();
    assert_eq!(reports.as_array().unwrap().len(), 3);
    let one = run(&["ureq", "authorization/exact", "--format", "json"]);
    let report: Value = serde_json::from_slice(&one.stdout).unwrap();
    assert_eq!(
        report["summary"],
        serde_json::json!({"total": 1, "passed": 1, "failed": 0, "skipped": 0, "not_applicable": 0})
    );
    assert_eq!(report["logs"], "logs were searched");
    assert_eq!(report["memory"], "memory was not measured");
}

#[test]
fn cases_are_chosen_by_profile_capability_and_id_and_left_out_with_a_reason() {
    let list = |arguments: &[&str]| {
        let output = run(&[&["--list"], arguments].concat());
        String::from_utf8(output.stdout).unwrap().lines().count()
    };
    let of_profile = |profile| list(&["--profile", profile]);
    assert!(of_profile("key-safety") > 300 && of_profile("http") > 300);
    assert!(of_profile("key-safety") + of_profile("http") < list(&[]));
    assert_eq!(list(&["--capability", "concurrent-calls"]), 5);
    assert_eq!(list(&["--only", "body/empty"]), 1);
    let arguments = [
        "--without",
        "tls=it has none",
        "--skip",
        "environment/=slow",
    ];
    let output = run(&[&["ureq", "over-tls", "--format", "json"], &arguments[..]].concat());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let summary = &report["summary"];
    assert_eq!(summary["not_applicable"], summary["total"], "{report}");
    assert_eq!(report["cases"][0]["outcome"], "not-applicable");
}

#[test]
fn a_case_that_needs_a_process_of_its_own_gets_one() {
    let output = run(&["ureq", "environment/netrc", "--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["summary"]["passed"], 1, "{report}");
    if cfg!(target_os = "linux") {
        let memory = report["memory"].as_str().unwrap();
        assert!(
            memory.starts_with("memory was measured in 1 of 1 cases"),
            "{memory}"
        );
    }
}

#[test]
fn junit_has_a_suite_for_each_subject_and_a_test_for_each_case() {
    let arguments = [
        "all",
        "authorization/key-",
        "--without",
        "tls=none",
        "--format",
        "junit",
    ];
    let output = run(&arguments);
    assert!(output.status.success());
    let document =
        quick_junit::Report::deserialize_from_str(&String::from_utf8(output.stdout).unwrap());
    let document = document.unwrap();
    let names: Vec<_> = document
        .test_suites
        .iter()
        .map(|suite| suite.name.as_str())
        .collect();
    assert_eq!(names, ["reqwest", "ureq", "hyper"]);
    assert_eq!(document.test_suites[0].test_cases.len(), 12);
    assert_eq!(document.failures, 0);
}

#[test]
fn a_failure_shows_the_error_and_what_each_listener_received_and_sent() {
    let folder = tempfile::tempdir().unwrap();
    let cases = r#"{"description": "d", "cases": [{
        "id": "group/one", "title": "t", "requirement": "A client keeps the rule.", "source": "RFC 1", "level": "MUST",
        "listeners": {"target": {"script": ["read", {"send": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[1"}]}},
        "calls": [{"path": "/flows", "expect": {"outcome": "response"}}]
    }]}"#;
    std::fs::write(folder.path().join("group.json"), cases).unwrap();
    let folder = folder.path().to_str().unwrap();
    let output = run(&["ureq", "--cases", folder]);
    assert_eq!(output.status.code(), Some(1));
    let table = String::from_utf8(output.stdout).unwrap();
    for says in [
        "group: 1 of 1 failed on ureq",
        "case:   t",
        "rule:   A client keeps the rule.",
        "source: RFC 1",
        "result: expected response, saw truncated",
        "call 1: truncated",
        "target, connection 1",
        "> GET /flows HTTP/1.1",
        "Basic <key>",
        "< Content-Length: 9",
        "< (2 more bytes)",
    ] {
        assert!(table.contains(says), "{says}: {table}");
    }
    let output = run(&["ureq", "--cases", folder, "--trace", "group/one"]);
    let trace = String::from_utf8(output.stdout).unwrap();
    for says in [
        "group/one on ureq: failed",
        " ms  target, connection 1",
        "(2 more bytes: \"[1\")",
    ] {
        assert!(trace.contains(says), "{says}: {trace}");
    }
}

#[test]
fn shuffled_repetitions_give_one_report() {
    let output = run(&["all", "authorization/", "--repeat", "3"]);
    let error = String::from_utf8(output.stderr).unwrap();
    // On a busy machine it also says how far it is.
    let is_progress = |line: &str| line.starts_with("conformance: ");
    assert!(
        output.status.success() && error.lines().all(is_progress),
        "{error}"
    );
}
