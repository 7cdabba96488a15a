//! Errors as JSON, and manual pages.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::common::{BAD_KEY, Fake, Home, KEY, Ran};
use serde_json::{Value, json};

fn error(ran: &Ran) -> Value {
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stderr).unwrap();
    let error = report["error"].clone();
    for text in ["kind", "message", "hint"] {
        assert!(!error[text].as_str().unwrap().is_empty(), "{error}");
    }
    assert_eq!(error["exit_code"], json!(ran.code), "{error}");
    error
}

#[test]
fn with_json_an_error_is_one_line_with_a_stable_kind() {
    let home = Home::new();
    for (status, body, kind, code) in [
        (404, "{}", "status", 5),
        (429, "{}", "status", 7),
        (401, BAD_KEY, "auth", 3),
        (402, "{}", "status", 4),
    ] {
        let fake = Fake::status(status, "", body);
        let ran = home.run(&["--origin", &fake.as_lcx(), "flows", "list", "--json"]);
        assert_eq!(ran.code, Some(code));
        let error = error(&ran);
        assert_eq!(error["kind"], kind);
        assert_eq!(error["http_status"], json!(status), "{error}");
    }
    let ran = home.run(&[
        "--origin",
        "lcx=http://127.0.0.1:1",
        "flows",
        "list",
        "--json",
    ]);
    let unreachable = error(&ran);
    assert_eq!(
        (&unreachable["kind"], &unreachable["http_status"]),
        (&json!("connect"), &Value::Null)
    );
    let ran = home.run_bare(&["flows", "list", "--json"]);
    assert_eq!(error(&ran)["kind"], "no_key");
    for arguments in [
        &["flows", "lits", "--json"][..],
        &["flows", "get", "secret-word", "--json"],
        &["flows", "list", "--json", "--jq", ".["],
    ] {
        let ran = home.run(arguments);
        assert_eq!(error(&ran)["kind"], "usage");
        assert!(!ran.stderr.contains("secret-word"));
    }
    // Only before `--`, after which there are no options.
    home.run(&["leads", "search", "--", "--json", "x"])
        .fails(2, "");
    let leaked = home.run(&["flows", "get", KEY, "--json"]);
    assert_eq!(error(&leaked)["kind"], "usage");
}

#[test]
fn the_kinds_of_the_help_are_those_of_the_document() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md");
    let document = std::fs::read_to_string(path).unwrap();
    let section = document.split("### Errors as JSON").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let documented: Vec<_> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .map(|(kind, meaning)| (kind, meaning.trim_end_matches(" |")))
        .collect();
    let help = Home::new().run_bare(&["help", "error-kinds"]);
    let printed: Vec<_> = help
        .succeeds()
        .lines()
        .map(|line| (line[..17].trim(), &line[17..]))
        .collect();
    assert_eq!(printed, documented);
}

#[test]
fn every_command_has_a_manual_page() {
    let home = Home::new();
    let folder = home.file("man/man1");
    assert_eq!(home.run_bare(&["man", &folder]).succeeds(), "");
    let read = |name: &str| std::fs::read_to_string(format!("{folder}/{name}.1")).unwrap();
    for name in [
        "ap",
        "ap-api",
        "ap-auth-rotate",
        "ap-lists-check",
        "ap-events-export",
    ] {
        let page = read(name);
        assert!(page.contains(".TH"), "{page}");
        assert!(page.contains("\\-\\-profile"), "{name}");
    }
    assert!(read("ap-api").contains("\\-\\-paginate"));
    std::fs::write(home.file("file"), "").unwrap();
    home.run_bare(&["man", &home.file("file")])
        .fails(1, "cannot be written");
}
