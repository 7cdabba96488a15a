//! What is wrong with what the suite is given is said in one clear sentence, and the rest is judged all
//! the same where that makes sense.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use ap_conformance::{CaseState, InvalidException, Report, Suite};
use ap_core::Connect as _;
use ap_ureq::UreqTransport;

const SOUND: &str = r#"{
    "id": "group/one", "title": "t", "requirement": "r", "source": "s", "level": "MUST",
    "calls": [{"path": "/", "expect": {"outcome": "response"}}]
}"#;

fn file(cases: &str) -> String {
    format!(r#"{{"about": "a group", "cases": [{cases}]}}"#)
}

/// The one sentence about a folder with one case file.
fn fault(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("group.json"), text).unwrap();
    let fault = Suite::from_folder(folder.path()).unwrap_err().to_string();
    assert_eq!(fault.lines().count(), 1, "{fault}");
    fault
}

#[test]
fn a_case_file_that_is_not_one_is_named_with_what_is_wrong() {
    let with = |from: &str, to: &str| {
        assert!(SOUND.contains(from));
        file(&SOUND.replace(from, to))
    };
    for (text, says) in [
        ("{".to_owned(), "EOF"),
        ("[]".to_owned(), "invalid"),
        (file("7"), "case 1"),
        (r#"{"cases": []}"#.to_owned(), "about"),
        (
            r#"{"about": "", "cases": []}"#.to_owned(),
            "`about` is empty",
        ),
        (with(r#""title""#, r#""titel""#), "titel"),
        (with("group/one", "Group One"), "group/behaviour"),
        (with(r#""r""#, r#"" ""#), "`requirement` is empty"),
        (with("MUST", "MAY"), "MAY"),
        (
            with(r#""response""#, r#""answer""#),
            "there is no outcome \"answer\"",
        ),
        (
            with(r#""path": "/""#, r#""method": "GET""#),
            "either a `path` or a `url`",
        ),
        (
            with(r#""calls""#, r#""env": {"A": "b"}, "calls""#),
            "need `env`",
        ),
        (
            with(r#""calls""#, r#""variants": [{}], "calls""#),
            "a variant has no name",
        ),
        (
            with(r#""calls""#, r#""variants": 1, "calls""#),
            "`variants` is not a list",
        ),
        (
            with(r#""path""#, r#""cancel": true, "path""#),
            "needs `async`",
        ),
        (
            with(
                r#""calls""#,
                r#""listeners": {"target": {"script": ["dance"]}}, "calls""#,
            ),
            "dance",
        ),
        (
            with(
                r#""calls""#,
                r#""listeners": {"target": {"script": [], "answers": [[]]}}, "calls""#,
            ),
            "more than one of",
        ),
        (
            with(
                r#""calls""#,
                r#""listeners": {"target": {"takes": [{"key": "frist"}]}}, "calls""#,
            ),
            "names the key \"frist\", which the client never has",
        ),
        (
            with(
                r#""calls""#,
                r#""listeners": {"target": {"expect": {"keys": ["first", "secnod"]}}}, "calls""#,
            ),
            "\"secnod\"",
        ),
    ] {
        let fault = fault(&text);
        assert!(
            fault.contains("group.json") && fault.contains(says),
            "{says}: {fault}"
        );
    }
    assert!(fault(&file(&format!("{SOUND}, {SOUND}"))).contains("group/one is there twice"));
}

#[test]
fn a_folder_without_case_files_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let empty = Suite::from_folder(folder.path()).unwrap_err().to_string();
    assert!(empty.contains("no case file"), "{empty}");
    let missing = Suite::from_folder(Path::new("no/such/folder")).unwrap_err();
    assert!(missing.to_string().contains("no/such/folder"));
}

#[test]
fn ids_that_no_case_has_and_exceptions_without_reason_are_refused() {
    let suite = Suite::builtin;
    let unknown = suite().filter("no-such-case").unwrap_err().to_string();
    assert!(unknown.contains("no-such-case") && unknown.contains("--list"));
    assert!(suite().only("authorization/exac").is_err());
    assert!(matches!(
        suite().skip("authorization/exac", "why"),
        Err(InvalidException::NoSuchCase(_))
    ));
    assert!(matches!(
        suite().skip("authorization/exact", " \n"),
        Err(InvalidException::NoReason(_))
    ));
    for list in ["{}", "[{}]", r#"[{"id": "authorization/exact"}]"#, "["] {
        let fault = suite().excepting(list).unwrap_err();
        assert!(
            matches!(fault, InvalidException::NoList(_)),
            "{list}: {fault}"
        );
        assert_eq!(fault.to_string().lines().count(), 1, "{fault}");
    }
    let list = r#"[{"id": "authorization/exact", "reason": ""}]"#;
    let fault = suite().excepting(list).unwrap_err().to_string();
    assert!(
        fault.contains("authorization/exact") && fault.contains("no reason"),
        "{fault}"
    );
}

#[test]
fn an_exception_that_is_not_needed_any_more_fails() {
    let suite = Suite::builtin().only("authorization/exact").unwrap();
    let suite = suite
        .skip("authorization/exact", "it cannot be kept")
        .unwrap();
    let report = suite.check(UreqTransport::connect);
    assert!(!report.is_success(false));
    assert!(
        report.cases()[0].reason().contains("not needed any more"),
        "{report}"
    );
}

#[test]
fn a_report_in_which_nothing_ran_is_no_success() {
    let suite = Suite::builtin().filter("environment/").unwrap();
    let report = suite.check(UreqTransport::connect);
    assert_eq!(report.count(CaseState::Skipped), report.cases().len());
    assert!(!report.is_success(false));
}

/// A shell program, judged by the case of a deadline that is soon over and another one.
#[cfg(unix)]
fn judged(program: &str) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let late = SOUND.replace(r#""calls""#, r#""settings": {"timeout_ms": 100}, "calls""#);
    let cases = [late.clone(), late.replace("group/one", "group/two")].join(",");
    std::fs::write(folder.path().join("group.json"), file(&cases)).unwrap();
    Suite::from_folder(folder.path())
        .unwrap()
        .check_program(program)
}

#[cfg(unix)]
#[test]
fn a_program_that_does_not_keep_the_protocol_fails_each_case_with_what_it_did() {
    for (program, says) in [
        (
            "exit 3",
            "ended before it answered `begin` (exit status: 3)",
        ),
        (
            "no-such-program-anywhere",
            "ended before it answered `begin`",
        ),
        ("exec 1>&-; exec sleep 30", "closed its standard output"),
        ("echo hello; exec sleep 30", "not the protocol's JSON"),
        ("exec yes", "not the protocol's JSON"),
        ("echo 7; exec sleep 30", "not the protocol's JSON"),
        ("echo '{}'; exec sleep 30", "neither `ok` nor `skip`"),
        // It says nothing, whether or not it reads.
        (
            r#"echo '{"ok":true}'; exec sleep 30"#,
            "did not answer `call` within",
        ),
        (
            r#"echo '{"ok":true}'; echo '{}'; exec sleep 30"#,
            "missing field `outcome`",
        ),
        (
            r#"echo '{"ok":true}'; echo '{"outcome":"response","body":"*"}'; exec sleep 30"#,
            "not base64",
        ),
        (
            r#"while read -r line; do
                case $line in *'"call"'*) echo '{"outcome":"fine"}' ;; *) echo '{"ok":true}' ;; esac
            done"#,
            "saw fine",
        ),
    ] {
        let report = judged(program);
        assert_eq!(report.count(CaseState::Failed), 2, "{program}: {report}");
        for case in report.cases() {
            assert!(case.reason().contains(says), "{program}: {}", case.reason());
            assert_eq!(case.reason().lines().count(), 1, "{program}");
        }
    }
}

#[cfg(unix)]
#[test]
fn the_other_cases_are_judged_when_a_program_dies_at_one() {
    let program = r#"
        while read -r line; do
            case $line in
                *group/one*) exit 1 ;;
                *begin*) echo '{"skip":"not this one"}' ;;
            esac
        done"#;
    let report = judged(program);
    let states: Vec<_> = report.cases().iter().map(|case| case.state()).collect();
    assert_eq!(states, [CaseState::Failed, CaseState::Skipped]);
    assert_eq!(report.cases()[1].reason(), "not this one");
}
