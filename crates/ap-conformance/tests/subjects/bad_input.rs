//! Bad input to the suite is reported in one clear sentence, and the other cases are still judged.

use std::path::Path;

use ap_client::transport::{Connect as _, TransportConfig};
use ap_conformance::{Capability, CaseState, ChoiceError, Profile, Report, Suite};
use ap_ureq::UreqTransport;

const VALID: &str = r#"{
    "id": "group/one", "title": "t", "requirement": "r", "source": "s", "level": "MUST",
    "calls": [{"path": "/", "expect": {"outcome": "response"}}]
}"#;

fn file(cases: &str) -> String {
    format!(r#"{{"description": "a group", "cases": [{cases}]}}"#)
}

/// Returns the error for a folder with one case file, which must be one sentence.
fn case_error(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("group.json"), text).unwrap();
    let error = Suite::from_folder(folder.path()).unwrap_err().to_string();
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

#[test]
fn a_mistake_in_a_case_file_is_reported_with_the_file_and_the_mistake() {
    let with = |from: &str, to: &str| {
        assert!(VALID.contains(from));
        file(&VALID.replace(from, to))
    };
    for (text, says) in [
        ("{".to_owned(), "EOF"),
        ("[]".to_owned(), "invalid"),
        (file("7"), "case 1"),
        (r#"{"cases": []}"#.to_owned(), "description"),
        (
            r#"{"description": "", "cases": []}"#.to_owned(),
            "`description` is empty",
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
            with(r#""calls""#, r#""needs": ["proxi"], "calls""#),
            "unknown variant `proxi`",
        ),
        (
            with(r#""calls""#, r#""profile": "keys", "calls""#),
            "unknown variant `keys`",
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
            with(r#""path""#, r#""cancel": true, "times": 2, "path""#),
            "once if it is cancelled",
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
                r#""listeners": {"target": {"accepts": [{"key": "frist"}]}}, "calls""#,
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
        let error = case_error(&text);
        assert!(
            error.contains("group.json") && error.contains(says),
            "{says}: {error}"
        );
    }
    let twice = case_error(&file(&format!("{VALID}, {VALID}")));
    assert!(twice.contains("the id group/one is used twice"), "{twice}");
}

#[test]
fn a_folder_without_case_files_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let empty = Suite::from_folder(folder.path()).unwrap_err().to_string();
    assert!(empty.contains("no case file"), "{empty}");
    let missing = Suite::from_folder(Path::new("no/such/folder")).unwrap_err();
    assert!(missing.to_string().contains("no/such/folder"));
}

#[test]
fn unknown_ids_and_expected_failures_without_a_reason_are_errors() {
    let suite = Suite::builtin;
    let messages = [
        suite().filter("no-such-case").map(drop),
        suite().only("authorization/exac").map(drop),
        suite().filter("bodies/").map(drop),
        suite().filter("redirekt").map(drop),
        suite()
            .profile(Profile::KeySafety)
            .filter("framing/")
            .map(drop),
        suite()
            .profile(Profile::KeySafety)
            .only_these(&["framing/byte-by-byte"])
            .map(drop),
        suite()
            .expected_failure("authorization/exac", "why")
            .map(drop),
        suite().skip("bodi/", "why").map(drop),
        "conection-reuse".parse::<Capability>().map(drop),
        "keysafety".parse::<Profile>().map(drop),
        "safe".parse::<Profile>().map(drop),
        suite()
            .expected_failure("authorization/exact", " \n")
            .map(drop),
        suite().skip("body/", "").map(drop),
        suite().without(Capability::Proxy, " ").map(drop),
    ]
    .map(|result| result.unwrap_err().to_string());
    for (message, says) in messages.iter().zip([
        "no case has \"no-such-case\" in its id; `Suite::list` and `--list`",
        "did you mean authorization/exact?",
        "no case has \"bodies/\" in its id; `Suite::list`",
        "did you mean redirect/?",
        "no case that is left has \"framing/\" in its id; the profile or the filters",
        "no case that is left has \"framing/byte-by-byte\" in its id",
        "did you mean authorization/exact?",
        "no case has \"bodi/\" in its id; did you mean body/?",
        "no capability \"conection-reuse\"; did you mean connection-reuse?",
        "no profile \"keysafety\"; did you mean key-safety?",
        "no profile \"safe\"; choose from key-safety, http, all",
        "\"authorization/exact\" is left out without a reason",
        "\"body/\" is left out without a reason",
        "\"proxy\" is left out without a reason",
    ]) {
        assert!(message.contains(says), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
    for list in ["{}", "[{}]", r#"[{"id": "authorization/exact"}]"#, "["] {
        let error = suite().expected_failures(list).unwrap_err();
        assert!(
            matches!(error, ChoiceError::InvalidList(_)),
            "{list}: {error}"
        );
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
    }
    let list = r#"[{"id": "authorization/exact", "reason": ""}]"#;
    let error = suite().expected_failures(list).unwrap_err().to_string();
    assert!(
        error.contains("authorization/exact") && error.contains("without a reason"),
        "{error}"
    );
}

#[test]
fn a_failure_with_another_result_than_the_expected_one_fails_the_run() {
    // Without roots, every call over TLS ends in an error of TLS.
    let connect = |config: &TransportConfig| {
        let mut config = config.clone();
        config.root_pems.clear();
        UreqTransport::connect(&config)
    };
    for (result, is_success) in [("saw tls", true), ("saw response", false)] {
        let id = "replay/over-tls";
        let list =
            format!(r#"[{{"id": "{id}", "reason": "it has no roots", "result": "{result}"}}]"#);
        let suite = Suite::builtin().only_these(&[id, "authorization/exact"]);
        let suite = suite.unwrap().expected_failures(&list).unwrap();
        let report = suite.check(connect);
        assert_eq!(report.is_success(true), is_success, "{report}");
    }
}

#[test]
fn an_expected_failure_that_passes_fails_the_run() {
    let suite = Suite::builtin().only("authorization/exact").unwrap();
    let suite = suite
        .expected_failure("authorization/exact", "it cannot be kept")
        .unwrap();
    let report = suite.check(UreqTransport::connect);
    assert!(!report.is_success(false));
    assert!(
        report.cases()[0]
            .reason()
            .contains("remove the expected failure"),
        "{report}"
    );
}

#[test]
fn a_report_in_which_nothing_ran_is_no_success() {
    let suite = Suite::builtin().filter("environment/").unwrap();
    let report = suite.check(UreqTransport::connect);
    assert_eq!(report.count(CaseState::Skipped), report.cases().len());
    assert!(!report.is_success(false));
    let text = report.to_string();
    assert!(text.contains("no case was judged, so nothing is known about subject"));
    assert!(text.ends_with("20 skipped; logs were not searched; memory was not measured"));
    let nothing = Suite::builtin().filter("framing/").unwrap();
    let report = nothing
        .profile(Profile::KeySafety)
        .check(UreqTransport::connect);
    assert!(!report.is_success(false));
    assert!(
        report
            .to_string()
            .contains("the profile and the filters left no case to run")
    );
}

#[test]
fn a_program_that_prints_no_report_fails_the_cases_with_a_process_of_their_own() {
    let suite = Suite::builtin().filter("environment/").unwrap();
    let suite = suite.skip("environment/proxy", "judged elsewhere").unwrap();
    let mut report = suite.check(UreqTransport::connect);
    // This program lists its tests, and runs none.
    suite.run_in_own_processes(&mut report, |command, _| {
        command.arg("--list");
    });
    for case in report.cases() {
        let (state, says) = if case.id().starts_with("environment/proxy") {
            (CaseState::Skipped, "judged elsewhere")
        } else if case.id() == "environment/localhost" {
            // It stays skipped on a machine without user namespaces.
            continue;
        } else {
            (CaseState::Failed, "did not print the report")
        };
        assert_eq!(case.state(), state, "{}", case.id());
        assert!(case.reason().contains(says), "{}", case.reason());
    }
}

/// Judges a shell program by two cases with a short deadline.
#[cfg(unix)]
fn judged(program: &str) -> Report {
    judged_by(Suite::check_program, program)
}

#[cfg(unix)]
fn judged_by(judge: fn(&Suite, &str) -> Report, program: &str) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let late = VALID.replace(r#""calls""#, r#""settings": {"timeout_ms": 100}, "calls""#);
    let cases = [late.clone(), late.replace("group/one", "group/two")].join(",");
    std::fs::write(folder.path().join("group.json"), file(&cases)).unwrap();
    judge(&Suite::from_folder(folder.path()).unwrap(), program)
}

/// A shell program that answers `call` with a line, and everything else with `ok`.
#[cfg(unix)]
fn answering(call: &str) -> String {
    format!(
        r#"while read -r line; do
            case $line in *'"call"'*) echo '{call}' ;; *) echo '{{"ok":true}}' ;; esac
        done"#
    )
}

#[cfg(unix)]
#[test]
fn a_program_that_breaks_the_protocol_fails_every_case_with_the_reason() {
    let programs = [
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
        // It answers nothing, whether or not it reads.
        (
            r#"echo '{"ok":true}'; exec sleep 30"#,
            "did not answer `call` within",
        ),
        (&answering("{}"), "missing field `outcome`"),
        (
            &answering(r#"{"outcome":"response","body":"*"}"#),
            "not base64",
        ),
        (
            &answering(r#"{"outcome":"fine"}"#),
            "an outcome that does not exist; choose from response, refused",
        ),
        (
            &answering(r#"{"outcome":"response","status":"200"}"#),
            "a member is not what it must be: expected u16",
        ),
        (
            r#"while read -r line; do echo '{"skip":" "}'; done"#,
            "skipped the case without a reason",
        ),
        (
            &answering(r#"{"outcome":"response","id":7}"#),
            "answered `call`, message 2, with the number of another: 7",
        ),
        // It floods standard output, or standard error.
        (
            r#"exec yes '{"ok":true,"id":1}'"#,
            "a line that nothing asked for|with the number of another: 1",
        ),
        (
            &format!(
                "read -r line; echo '{{\"ok\":true}}'; yes | head -c 6000000 >&2; {}",
                answering(r#"{"outcome":"response","status":200}"#)
            ),
            "more than 4 MiB to standard error",
        ),
        (
            r#"read -r line; echo '{"ok":true}'; yes >&2"#,
            "did not answer `call` within",
        ),
    ];
    // They mostly wait.
    std::thread::scope(|scope| {
        for (program, says) in &programs {
            scope.spawn(move || {
                let report = judged(program);
                assert_eq!(report.count(CaseState::Failed), 2, "{program}: {report}");
                for case in report.cases() {
                    let is_said = says.split('|').any(|says| case.reason().contains(says));
                    assert!(is_said, "{program}: {}", case.reason());
                    assert_eq!(case.reason().lines().count(), 1, "{program}");
                }
            });
        }
    });
}

#[cfg(unix)]
#[test]
fn nothing_that_a_program_answers_shows_its_key_or_reaches_the_terminal_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    for answer in [
        r#"{"skip":"$key"}"#,
        r#"{"skip":"no \u001b[31m$key\nresult: passed"}"#,
        r#"{"outcome":"$key"}"#,
        r#"{"outcome":"response","status":"$key"}"#,
        r#"{"outcome":"response","$key":1}"#,
        r#"{"outcome":"response","status":200,"id":"$key"}"#,
        r#"{"outcome":"other","text":"\u001b[31m$key"}"#,
        "$key",
    ] {
        // It answers `begin` with `ok`, unless it skips, and everything else with the answer.
        let (begin, call) = match answer.starts_with(r#"{"skip""#) {
            true => (answer, "{}"),
            false => (r#"{"ok":true}"#, answer),
        };
        let program = format!(
            r#"while read -r line; do
                case $line in *'"begin"'*)
                    key=$(printf %s "$line" | sed 's/.*"key":"\([^"]*\)".*/\1/'); printf %s "$key" > {}
                    printf '%s\n' "{}" ;;
                *) printf '%s\n' "{}" ;; esac
            done"#,
            file.display(),
            begin.replace('"', "\\\""),
            call.replace('"', "\\\"")
        );
        let suite = Suite::builtin().only("authorization/exact").unwrap();
        let report = suite.check_program(&program);
        let key = std::fs::read_to_string(&file).unwrap();
        assert!(key.len() > 20, "{answer}: {key}");
        for text in [report.to_string(), report.to_detailed_json().to_string()] {
            assert!(!text.contains(&key[..12]), "{answer}: {text}");
            assert!(!text.contains('\u{1b}'), "{answer}: {text}");
            assert!(!text.contains("\nresult: passed"), "{answer}: {text}");
        }
        let is_skipped = answer.starts_with(r#"{"skip""#);
        let state = if is_skipped {
            CaseState::Skipped
        } else {
            CaseState::Failed
        };
        assert_eq!(report.count(state), 1, "{answer}: {report}");
    }
}

#[cfg(unix)]
#[test]
fn a_transport_program_that_breaks_the_protocol_fails_every_case_with_the_reason() {
    let answers = |text: &str| format!("while read -r line; do echo '{text}'; done");
    for (program, says) in [
        (
            "exit 3".to_owned(),
            "ended before it answered `send` (exit status: 3)",
        ),
        (answers("hello"), "not the protocol's JSON"),
        (answers("{}"), "missing field `outcome`"),
        (
            answers(r#"{"outcome":"refused"}"#),
            "an outcome that no round trip has; choose from response, unsendable",
        ),
        (
            answers(r#"{"outcome":"response"}"#),
            "no valid response: invalid status code",
        ),
        (
            answers(r#"{"outcome":"response","status":200,"headers":[["a b","c"]]}"#),
            "no valid response: invalid HTTP header name",
        ),
        (
            answers(r#"{"outcome":"response","status":200,"id":9}"#),
            "with the number of another: 9",
        ),
    ] {
        let report = judged_by(Suite::check_transport_program, &program);
        assert_eq!(report.count(CaseState::Failed), 2, "{program}: {report}");
        for case in report.cases() {
            assert!(case.reason().contains(says), "{program}: {}", case.reason());
            assert_eq!(case.reason().lines().count(), 1, "{program}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_program_that_ends_in_one_case_is_started_again_for_the_next() {
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

#[test]
fn a_case_that_does_not_apply_is_counted_apart_and_is_no_failure() {
    let suite = Suite::builtin().filter("authorization/").unwrap();
    let suite = suite
        .skip("authorization/key-", "judged elsewhere")
        .unwrap();
    let suite = suite
        .without(Capability::CustomRoots, "it has no TLS")
        .unwrap();
    let report = suite.check(UreqTransport::connect);
    report.assert_strict();
    assert_eq!(report.count(CaseState::Skipped), 12);
    assert_eq!(report.count(CaseState::NotApplicable), 1);
    let tls = report
        .cases()
        .iter()
        .find(|case| case.id() == "authorization/over-tls");
    assert_eq!(tls.unwrap().reason(), "needs custom-roots: it has no TLS");
    assert_eq!(report.to_json()["summary"]["not_applicable"], 1);
}
