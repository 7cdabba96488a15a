//! Commands that create, change and delete: what is sent, what is asked, and what an answer means.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::{Arc, Mutex};

use crate::common;
use crate::common::counting::{Answer, Counting};
use crate::common::{BAD_KEY, Fake, Home, KEY, Ran};
use serde_json::Value;

const ID: &str = "65e0b2000000000000000001";

/// The method with the path, and the body, of each call.
type Sent = Arc<Mutex<Vec<(String, String)>>>;

/// Returns a server with one answer to every call, and what was sent to it.
fn server(status: u16, body: &'static str) -> (Counting, Sent) {
    let sent = Sent::default();
    let server = Counting::new({
        let sent = Arc::clone(&sent);
        move |request| -> Answer {
            let line = request.line.trim_end_matches(" HTTP/1.1").to_owned();
            sent.lock().unwrap().push((line, request.body.clone()));
            (status, "", body.to_owned())
        }
    });
    (server, sent)
}

/// Runs a command whose product has this address.
fn run(home: &Home, url: &str, arguments: &[&str], input: &str) -> Ran {
    let product = match arguments[0] {
        "lists" => "suppressionlist",
        _ => "lcx",
    };
    let origin = format!("--origin={product}={url}");
    home.run_with(&[&[origin.as_str()], arguments].concat(), input)
}

/// Members that this version does not know, and numbers that would change if they were read.
const FLOW: &str = r#"{"id":"65e0b2000000000000000001","level":{"b":1.50,"a":123456789012345678901},"name":"Solar","enabled":true,"api_key":"very-secret-value","caps":null}"#;

#[test]
fn a_change_of_single_members_loses_nothing() {
    let (server, sent) = server(200, FLOW);
    let update = [
        "flows",
        "update",
        ID,
        "-f",
        "name=Solar, \"Texas\"",
        "-F",
        "enabled=false",
    ];
    let ran = run(&Home::new(), &server.url, &update, "");
    ran.succeeds();
    ran.says("until you run `ap flows deploy`");
    assert!(!ran.stdout.contains("very-secret"), "{ran:?}");
    let sent = sent.lock().unwrap();
    assert_eq!(sent[0], (format!("GET /flows/{ID}"), String::new()));
    let expected = FLOW
        .replace("\"Solar\"", r#""Solar, \"Texas\"""#)
        .replace("true", "false");
    assert_eq!(sent[1], (format!("PUT /flows/{ID}"), expected));
    assert_eq!(sent.len(), 2);
}

#[test]
fn members_are_not_changed_on_an_answer_that_is_no_object() {
    for answer in ["", "[]", "null", "<html>"] {
        let (server, sent) = server(200, answer);
        let update = ["flows", "update", ID, "-f", "name=Solar"];
        let ran = run(&Home::new(), &server.url, &update, "");
        assert_eq!(ran.code, Some(1), "{answer:?} {ran:?}");
        ran.says("nothing was changed");
        assert_eq!(sent.lock().unwrap().len(), 1, "{answer:?}");
    }
}

#[test]
fn a_file_is_sent_as_it_is() {
    let home = Home::new();
    let file = home.file("it's a flow.json");
    let text = "{ \"name\": \"Solar\",\n  \"unknown\": 1.50 }\n";
    std::fs::write(&file, text).unwrap();
    let (server, sent) = server(201, FLOW);
    run(&home, &server.url, &["flows", "create", &file], "").succeeds();
    run(&home, &server.url, &["flows", "update", ID, "-"], text).succeeds();
    let with_member = ["flows", "create", &file, "-f", "name=Roofs"];
    run(&home, &server.url, &with_member, "").succeeds();
    let expected = [
        ("POST /flows".to_owned(), text.to_owned()),
        (format!("PUT /flows/{ID}"), text.to_owned()),
        (
            "POST /flows".to_owned(),
            r#"{"name":"Roofs","unknown":1.50}"#.to_owned(),
        ),
    ];
    assert_eq!(*sent.lock().unwrap(), expected);
}

#[test]
fn a_body_that_is_wrong_is_refused_before_anything_is_sent() {
    let home = Home::new();
    let missing = home.file("missing.json");
    let fake = Fake::status(200, "", "{}");
    for (arguments, input, says) in [
        (&["create"][..], "", "there is nothing to create it from"),
        (&["update", ID], "", "there is nothing to change"),
        (
            &["create", "-"],
            "[1]",
            "standard input is not a JSON object (line 1, column 0)",
        ),
        (
            &["create", "-"],
            "{\n\"a\":}",
            "is not a JSON object (line 2, column 5)",
        ),
        (&["create", "-"], "", "is not a JSON object"),
        (
            &["create", "-"],
            "\u{feff}{}",
            "begins with a byte-order mark",
        ),
        (
            &["update", ID, "-"],
            r#"{"token":"[redacted]"}"#,
            "has [redacted] in place of a secret",
        ),
        (&["create", &missing], "", "cannot be read"),
        (&["create", "-f", "name"], "", "write it as NAME=VALUE"),
        (
            &["create", "-f", "a[b]=1"],
            "",
            "name 1 of -f is no member of a flow",
        ),
        (
            &["create", "-f", "a=1", "--curl", "--dry-run"],
            "",
            "cannot be used with",
        ),
    ] {
        let arguments = [&["flows"], arguments].concat();
        run(&home, &fake.url, &arguments, input).fails(2, says);
    }
    assert_eq!(fake.connections(), 0);
}

#[test]
fn an_answer_that_says_failure_is_exit_code_1() {
    let ping = ["leads", "ping", ID, ID, "-f", "email=a@example.com"];
    let submit = ["leads", "submit", ID, ID, "-f", "email=a@example.com"];
    let feedback = ["leads", "feedback", ID, "return"];
    let outcome = r#"{"outcome":"failure","reason":"no bid"}"#;
    let errors = r#"{"id":"65e0b2000000000000000001","errors":{"steps":"x"}}"#;
    for (arguments, status, body, code, says) in [
        (&ping[..], 201, outcome, 1, "the outcome is a failure"),
        (
            &ping,
            201,
            r#"{"outcome":"error"}"#,
            1,
            "the outcome is an error",
        ),
        (&ping, 201, "{}", 1, "the outcome is none that is known"),
        (&submit, 201, outcome, 1, "the outcome is a failure"),
        (&submit, 201, r#"{"outcome":"success"}"#, 0, ""),
        (&feedback, 201, outcome, 1, "the outcome is a failure"),
        (&feedback, 409, outcome, 1, "409"),
        (
            &["flows", "create", "-f", "name=x"],
            200,
            errors,
            1,
            "the answer has errors",
        ),
        (
            &["lists", "create", "x"],
            200,
            r#"{"errors":{"name":"taken"}}"#,
            1,
            "the answer has errors",
        ),
        (
            &["lists", "create", "x"],
            200,
            r#"{"errors":{},"url_name":"x"}"#,
            0,
            "",
        ),
        (
            &["flows", "deploy", ID, "--yes"],
            200,
            errors,
            1,
            "the answer has errors",
        ),
        (
            &["fields", "delete", "x", "--yes"],
            202,
            "{\"65e0\":[]}",
            1,
            "a flow uses it",
        ),
        (
            &["fields", "delete", "x", "--yes"],
            202,
            "{\"id\":\"x\"}",
            0,
            "",
        ),
    ] {
        let (server, sent) = server(status, body);
        let ran = run(&Home::new(), &server.url, arguments, "");
        assert_eq!(ran.code, Some(code), "{arguments:?}: {ran:?}");
        ran.says(says);
        let ran = run(
            &Home::new(),
            &server.url,
            &[arguments, &["--json"]].concat(),
            "",
        );
        assert_eq!(ran.code, Some(code), "{arguments:?}: {ran:?}");
        // What was wrong is in the answer.
        assert_eq!(ran.stdout, format!("{body}\n"), "{arguments:?}");
        assert_eq!(sent.lock().unwrap().len(), 2);
    }
}

#[test]
fn an_answer_to_a_call_that_is_refused_is_printed_with_json() {
    let update = ["flows", "update", ID, "-f", "name=x"];
    let ping = ["leads", "ping", ID, ID, "--with-key", "-f", "a=b"];
    let answer = |key: &str| format!(r#"{{"error":"no {key}","n":1.50}}"#);
    for (status, code) in [
        (401, 4),
        (402, 4),
        (403, 4),
        (404, 5),
        (422, 1),
        (429, 7),
        (500, 7),
        (503, 7),
    ] {
        let fake = Fake::status(status, "", &answer(KEY));
        // The object that is to be changed is read first.
        for arguments in [&["flows", "list"][..], &update, &ping] {
            let ran = run(&Home::new(), &fake.url, arguments, "");
            assert_eq!(ran.code, Some(code), "{status} {arguments:?}: {ran:?}");
            assert_eq!(ran.stdout, "");
            let json = [arguments, &["--json"]].concat();
            let ran = run(&Home::new(), &fake.url, &json, "");
            assert_eq!(ran.code, Some(code), "{status} {arguments:?}: {ran:?}");
            assert_eq!(ran.stdout, answer("[redacted]") + "\n");
        }
        assert_eq!(fake.connections(), 6);
    }
    let fake = Fake::status(401, "", BAD_KEY);
    let ran = run(&Home::new(), &fake.url, &["flows", "list", "--json"], "");
    assert_eq!((ran.code, ran.stdout), (Some(3), format!("{BAD_KEY}\n")));
    // An answer need not be JSON, and there may be none.
    let fake = Fake::status(502, "", "<html>");
    let ran = run(&Home::new(), &fake.url, &["flows", "list", "--json"], "");
    assert_eq!((ran.code, &*ran.stdout), (Some(7), "<html>\n"));
    let list = ["flows", "list", "--json"];
    let ran = run(&Home::new(), "http://127.0.0.1:1", &list, "");
    assert_eq!((ran.code, &*ran.stdout), (Some(6), ""));
}

#[test]
fn members_are_chosen_with_fields() {
    let list = r#"[{"id":"1","name":"a","vars":{"n":1.50}},{"id":"2","extra":[{"x":3},{"x":4}]}]"#;
    let (server, _) = server(200, list);
    let home = Home::new();
    let run = |more: &[&str]| run(&home, &server.url, &[&["flows", "list"], more].concat(), "");
    for (fields, expected) in [
        ("id,name", r#"[{"id":"1","name":"a"},{"id":"2"}]"#),
        ("vars.n", r#"[{"vars":{"n":1.50}},{}]"#),
        (
            "extra.x,id",
            r#"[{"id":"1"},{"extra":[{"x":3},{"x":4}],"id":"2"}]"#,
        ),
    ] {
        let ran = run(&["--fields", fields, "--json"]);
        assert_eq!(ran.succeeds(), format!("{expected}\n"), "{fields}");
    }
    let ran = run(&["--fields", "id,extra.x"]);
    let lines: Vec<Vec<&str>> = ran
        .succeeds()
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        lines,
        [vec!["id", "extra.x"], vec!["1", "-"], vec!["2", "3,", "4"]]
    );
    let ran = run(&["--fields", "id,nmae"]);
    ran.fails(1, "name 2 of --fields; did you mean `name`?");
    let ran = run(&["--fields", "secret-word-of-mine"]);
    ran.fails(1, "nothing in the answer has name 1 of --fields");
    assert!(!ran.stderr.contains("secret-word"), "{ran:?}");
}

#[test]
fn a_wrong_name_does_not_hide_what_a_change_did() {
    let (server, _) = server(201, r#"{"id":"1","name":"a"}"#);
    let create = ["flows", "create", "-f", "name=a", "--fields", "id,nmae"];
    let ran = run(&Home::new(), &server.url, &create, "");
    assert!(ran.succeeds().contains('1'), "{ran:?}");
    ran.says("did you mean `name`?");
}

#[test]
fn a_dry_run_shows_no_secret() {
    let (server, sent) = server(200, FLOW);
    let home = Home::new();
    let update = ["flows", "update", ID, "-f", "name=x", "--dry-run"];
    let ran = run(&home, &server.url, &update, "");
    let shown = ran.succeeds();
    assert!(
        shown.starts_with(&format!("PUT {}/flows/{ID}\n", server.url)),
        "{shown}"
    );
    assert!(
        shown.contains(r#""name":"x","enabled":true,"api_key":"[redacted]""#),
        "{shown}"
    );
    common::assert_absent(shown, KEY);
    // It was read, and not changed.
    assert_eq!(sent.lock().unwrap().len(), 1);
    let update = ["flows", "update", ID, "-f", "name=x", "--curl"];
    let ran = run(&home, &server.url, &update, "");
    ran.fails(2, "has a secret in it, which is not printed");
}

/// A program in place of curl that prints each argument in brackets.
#[cfg(unix)]
fn run_by_shell(home: &Home, command: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let stub = home.path().join("curl");
    std::fs::write(&stub, "#!/bin/sh\nprintf '[%s]\\n' \"$@\"\n").unwrap();
    std::fs::set_permissions(&stub, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut shell = std::process::Command::new("/bin/sh");
    shell
        .args(["-c", command])
        .env("PATH", format!("{}:/usr/bin:/bin", home.path().display()))
        .env("ACTIVEPROSPECT_API_KEY", "the key");
    String::from_utf8(shell.output().unwrap().stdout).unwrap()
}

#[cfg(unix)]
#[test]
fn a_shell_reads_a_curl_command_as_it_is_meant() {
    let home = Home::new();
    let url = "http://127.0.0.1:1";
    let file = home.file("it's $HOME.json");
    std::fs::write(&file, "{\"token\":\"secret\"}").unwrap();
    let name = "name=it's `x` $HOME \"y\" \\ \n!";
    let body = serde_json::to_string(&serde_json::json!({
        "name": name.strip_prefix("name=").unwrap()
    }));
    let body = body.unwrap();
    for (arguments, expected) in [
        (
            &["flows", "create", "-f", name][..],
            format!(
                "[{url}/flows]\n[-H]\n[content-type: application/json]\n[-H]\n[accept: application/json]\n[-u]\n[API:the key]\n[--data-raw]\n[{body}]\n"
            ),
        ),
        (
            &["flows", "update", ID, &file],
            format!(
                "[-X]\n[PUT]\n[{url}/flows/{ID}]\n[-H]\n[content-type: application/json]\n[-H]\n[accept: application/json]\n[-u]\n[API:the key]\n[--data-binary]\n[@{file}]\n"
            ),
        ),
        (
            &["flows", "deploy", ID],
            format!(
                "[-X]\n[POST]\n[{url}/flows/{ID}/deploy]\n[-H]\n[accept: application/json]\n[-u]\n[API:the key]\n"
            ),
        ),
        (
            &["leads", "search", "it's [a] {b} & c"],
            format!(
                "[{url}/search/leads?query=it%27s+%5Ba%5D+%7Bb%7D+%26+c&sort_by=submission_timestamp&sort_dir=desc&from=0&limit=20]\n[-H]\n[accept: application/json]\n[-u]\n[API:the key]\n"
            ),
        ),
    ] {
        let ran = run(&home, url, &[arguments, &["--curl"]].concat(), "");
        assert_eq!(run_by_shell(&home, ran.succeeds()), expected, "{ran:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_person_is_asked_before_anything_is_sent() {
    use crate::common::terminal::Terminal;
    for (typed, code, connections) in [("y\n", 0, 1), ("YES\n", 0, 1), ("n\n", 2, 0), ("\n", 2, 0)]
    {
        let fake = Fake::status(200, "", "{\"message\":\"done\"}");
        let home = Home::new();
        home.store(format!("{KEY}\n").as_bytes(), 0o600);
        let arguments = format!("--origin lcx={} flows deploy {ID}", fake.url);
        let mut terminal = Terminal::run(&home, &arguments);
        terminal.wait_for("[y/N] ");
        assert_eq!(fake.connections(), 0);
        terminal.type_in(typed);
        let shown = terminal.end();
        assert!(
            shown.contains(&format!("code={code}")),
            "{typed:?}: {shown}"
        );
        assert_eq!(fake.connections(), connections, "{typed:?}: {shown}");
        assert_eq!(shown.contains("nothing was sent"), code == 2, "{shown}");
    }
}

#[test]
fn a_dry_run_of_rows_names_those_that_cannot_be_sent() {
    let fake = Fake::status(500, "", "");
    let check = [
        "lists",
        "check",
        "do_not_call",
        "--dry-run",
        "--column",
        "phone",
    ];
    let arguments = [&check[..], &["--input-format", "csv"]].concat();
    let ran = run(
        &Home::new(),
        &fake.url,
        &arguments,
        "phone\n5125550100\n\"\"\n5125550101\n",
    );
    ran.says("ap: row 2, line 3: the value is empty");
    assert_eq!(ran.code, Some(8), "{ran:?}");
    assert_eq!(ran.stdout.matches("GET ").count(), 2, "{ran:?}");
    assert_eq!(fake.connections(), 0);
}

#[test]
fn an_option_of_rows_is_refused_for_one_lead_and_for_one_certificate() {
    const CERTIFICATE: &str =
        "https://cert.trustedform.com/0123456789abcdef0123456789abcdef01234567";
    let lead = ["leads", "submit", ID, ID, "-f", "a=b"];
    let certificate = ["certs", "verify", CERTIFICATE];
    let of_rows: [&[&str]; 8] = [
        &["--input-format", "csv"],
        &["--shard", "0/2"],
        &["--concurrency", "8"],
        &["--unordered"],
        &["--format", "csv"],
        &["--output", "x"],
        &["--report", "text"],
        &["--rate", "1"],
    ];
    let refuses = |single: &[&str], option: &[&str]| {
        let arguments = [single, option].concat();
        let ran = run(&Home::new(), "http://127.0.0.1:1", &arguments, "");
        ran.fails(2, &format!("{}, which is for rows of ", option[0]));
    };
    for option in of_rows {
        refuses(&lead, option);
        refuses(&certificate, option);
    }
    refuses(&lead, &["--map", "a=b"]);
    refuses(&certificate, &["--cert", "a"]);
}

#[test]
fn one_lead_and_several_are_not_mixed() {
    let submit = ["leads", "submit", ID, ID];
    for (more, says) in [
        (&["leads.csv", "-f", "a=b"][..], "one lead is given with -f"),
        (
            &["-o", "out.jsonl", "-f", "a=b"],
            "one lead is given with -f",
        ),
        (
            &["--fields", "id"],
            "--json, --jq and --fields are for one lead",
        ),
    ] {
        let ran = run(
            &Home::new(),
            "http://127.0.0.1:1",
            &[&submit[..], more].concat(),
            "",
        );
        ran.fails(2, says);
    }
}

#[test]
fn a_number_of_a_lead_is_sent_as_it_was_given() {
    let (server, sent) = server(201, r#"{"outcome":"success","price":2.50}"#);
    let ping = ["leads", "ping", ID, ID, "-F", "amount=1.50", "--json"];
    let ran = run(&Home::new(), &server.url, &ping, "");
    let bid: Value = serde_json::from_str(ran.succeeds()).unwrap();
    assert_eq!(bid["price"], 2.5);
    assert_eq!(sent.lock().unwrap()[0].1, r#"{"amount":1.50}"#);
    let ran = run(
        &Home::new(),
        &server.url,
        &["leads", "ping", ID, ID, "-"],
        "{}",
    );
    ran.fails(2, "the lead has no field");
}
