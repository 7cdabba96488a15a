//! Every command that calls a product, against the emulator: one row each, in every situation.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common;
use crate::common::{Fake, Home, KEY, Ran, VARIABLE, emulator_origins, join, with_input};
use ap_emulator::{Emulator, Product};
use serde_json::Value;

const FLOW: &str = "65e0b2000000000000000001";
const SELLER: &str = "65e0a1000000000000000004";
/// A source that wants the key.
const CALL_CENTRE: &str = "65e0a100000000000000000a";
const CERTIFICATE: &str = "65e0e50100000000000000000000000000000001";

/// How a command answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Output {
    /// With a table, or with `--json` as one JSON value.
    Answer,
    /// With a line of JSON for each row.
    Rows,
}
use Output::{Answer, Rows};

/// A command of the table.
struct Row {
    /// Its name.
    name: &'static str,
    /// Its arguments, with `RECEIVED` and `OWN` for ids that the emulator makes.
    arguments: &'static str,
    input: &'static str,
    output: Output,
    /// The exit code if the key is rejected; 0 if none is sent.
    rejected: i32,
}

const fn row(name: &'static str, arguments: &'static str, output: Output) -> Row {
    Row {
        name,
        arguments,
        input: "",
        output,
        rejected: 3,
    }
}

impl Row {
    const fn input(mut self, input: &'static str) -> Self {
        self.input = input;
        self
    }

    const fn rejected(mut self, code: i32) -> Self {
        self.rejected = code;
        self
    }

    /// Returns `true` if the command reads before it writes.
    fn reads_first(&self) -> bool {
        self.name.ends_with(" update") && self.input.is_empty()
    }

    fn asks(&self) -> bool {
        self.arguments.contains("--yes")
    }
}

const LEAD: &str = "email,phone_1\nrobin@example.com,5125550142\n";
const CERTIFICATES: &str =
    "email,cert\nrobin@example.com,65e0e50100000000000000000000000000000001\n";

/// Every command that calls a product. A command may have several rows.
const ROWS: &[Row] = &[
    row("whoami", "", Answer),
    row("flows list", "", Answer),
    row("flows get", "65e0b2000000000000000001", Answer),
    row("flows create", "-f name=Attics -F enabled=false", Answer),
    row("flows create", "-", Answer).input("{\"name\":\"Attics\",\"enabled\":true}"),
    row(
        "flows update",
        "65e0b2000000000000000002 -F enabled=true",
        Answer,
    ),
    row("flows update", "65e0b2000000000000000002 -", Answer).input("{\"name\":\"Attics\"}"),
    row("flows delete", "65e0b2000000000000000002 --yes", Answer),
    row("flows deploy", "65e0b2000000000000000001 --yes", Answer),
    row("fields list", "", Answer),
    row("fields get", "phone_1", Answer),
    row("fields create", "-f id=attic_exhs -f type=number", Answer),
    row(
        "fields update",
        "roof_age_exhs -f description=Years",
        Answer,
    ),
    row("fields update", "roof_age_exhs - -f type=number", Answer).input("{\"name\":\"Age\"}"),
    row("fields delete", "roof_age_exhs --yes", Answer),
    row("entities list", "", Answer),
    row("entities get", SELLER, Answer),
    row(
        "entities create",
        "-f name=Attics -f source=seller -F recipient=null",
        Answer,
    ),
    row(
        "entities update",
        "OWN -f website=https://attics.example",
        Answer,
    ),
    row("entities delete", "OWN --yes", Answer),
    row("reports list", "", Answer),
    row("reports get", "65e0c3000000000000000001", Answer),
    row("reports create", "-", Answer)
        .input("{\"name\":\"Attics\",\"columns\":[\"source-success\"]}"),
    row(
        "reports update",
        "65e0c3000000000000000002 -f name=Refused",
        Answer,
    ),
    row("reports delete", "65e0c3000000000000000002 --yes", Answer),
    row("events list", "--limit 5", Answer),
    row("events get", "RECEIVED", Answer),
    row("events stats", "--group-by vars.source.name", Answer),
    row("events export", "--report none", Rows),
    row("leads search", "example --limit 5", Answer),
    row("leads submit", "FLOW SELLER --input-format csv", Rows)
        .input(LEAD)
        .rejected(0),
    row(
        "leads submit",
        "FLOW CALL_CENTRE -f email=a@example.com -f phone_1=5125550142 --with-key",
        Answer,
    )
    .rejected(4),
    row(
        "leads ping",
        "FLOW SELLER -f email=a@example.com -f phone_1=5125550142",
        Answer,
    )
    .rejected(0),
    row("leads ping", "FLOW CALL_CENTRE - --with-key", Answer)
        .input("{\"email\":\"a@example.com\",\"phone_1\":\"5125550142\"}")
        .rejected(4),
    row("leads feedback", "RECEIVED return --reason Twice", Answer).rejected(0),
    row("lists list", "", Answer),
    row("lists create", "Attics --ttl 3600", Answer),
    row("lists check", "do_not_call", Rows).input("5125550142\n"),
    row("lists add", "do_not_call", Rows).input("5125550142\n"),
    row("lists remove", "do_not_call --yes", Rows).input("5125550142\n"),
    row("certs retain", "--input-format csv", Rows).input(CERTIFICATES),
    row("certs match", "--input-format csv", Rows).input(CERTIFICATES),
    row("certs insights", "--property page_url", Rows).input(CERTIFICATE),
    row("certs verify", "", Rows).input(CERTIFICATE),
    row(
        "certs retain",
        "CERTIFICATE --email robin@example.com --reference R-1 --vendor Site",
        Answer,
    ),
    row(
        "certs match",
        "CERTIFICATE --email robin@example.com",
        Answer,
    ),
    row("certs insights", "CERTIFICATE --property page_url", Answer),
    row("certs verify", "CERTIFICATE", Answer),
];

/// The commands that are not in the table, and the file whose tests run them.
const ELSEWHERE: &[(&str, &str)] = &[
    ("api", "calls/api.rs"),
    ("auth login", "keys/auth.rs"),
    ("auth logout", "keys/auth.rs"),
    ("auth status", "keys/status.rs"),
    ("auth rotate", "keys/rotate.rs"),
    ("emulate", "program/emulate.rs"),
    ("completions", "program/completions.rs"),
    ("man", "calls/error_reports.rs"),
    ("run", "program/run.rs"),
    ("gateway", "program/gateway.rs"),
];

/// An account at an emulator of its own.
struct Account {
    emulator: Emulator,
    home: Home,
    received: String,
    own: String,
}

impl Account {
    /// Starts the emulator, with what the row needs.
    fn new(row: &Row) -> Self {
        let needs = |name: &str| row.arguments.split(' ').any(|word| word == name);
        let needs_events = row.name.starts_with("events") || needs("RECEIVED");
        let events = if needs_events { 60 } else { 0 };
        let emulator = Emulator::builder().events(events).start().unwrap();
        let mut account = Self {
            emulator,
            home: Home::new(),
            received: String::new(),
            own: String::new(),
        };
        if needs("RECEIVED") {
            let events = account.json(&["events", "list", "--limit", "1000", "--json"]);
            let received =
                events.as_array().unwrap().iter().find(|event| {
                    event["type"] == "recipient" && event["vars"]["flow"]["id"] == FLOW
                });
            account.received = received.unwrap()["id"].as_str().unwrap().to_owned();
        }
        if needs("OWN") {
            let create = ["entities", "create", "--json", "-f", "name=Own"];
            let own = account.json(&create);
            account.own = own["id"].as_str().unwrap().to_owned();
        }
        account
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let origins = emulator_origins(&self.emulator);
        let ran = self
            .home
            .run_with_key(&join(&origins, arguments), &self.emulator.key());
        serde_json::from_str(ran.succeeds()).unwrap()
    }

    /// Returns the arguments of a row.
    fn arguments(&self, row: &Row) -> Vec<String> {
        let ids = [
            ("RECEIVED", self.received.as_str()),
            ("OWN", &self.own),
            ("FLOW", FLOW),
            ("SELLER", SELLER),
            ("CALL_CENTRE", CALL_CENTRE),
            ("CERTIFICATE", CERTIFICATE),
        ];
        let words = row.name.split(' ').chain(row.arguments.split(' '));
        let words = words.filter(|word| !word.is_empty()).map(|word| {
            let id = ids.iter().find(|(name, _)| *name == word);
            id.map_or(word, |(_, id)| id).to_owned()
        });
        words.collect()
    }

    fn ap(&self, arguments: &[String], more: &[&str], key: &str) -> Command {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let origins = emulator_origins(&self.emulator);
        let mut command = self
            .home
            .ap(&join(&origins, &[&arguments[..], more].concat()));
        command.env(VARIABLE, key);
        command
    }

    fn run(&self, row: &Row, more: &[&str], key: &str) -> Ran {
        let command = self.ap(&self.arguments(row), more, key);
        Ran::of(with_input(command, row.input), key)
    }
}

/// Returns the options that send every call to these servers.
fn origins(urls: &[String; 3]) -> [String; 3] {
    std::array::from_fn(|at| format!("--origin={}={}", Product::ALL[at].id(), urls[at]))
}

/// Returns a server for each product that must not be called, and the options for them.
fn servers() -> ([Fake; 3], [String; 3]) {
    let fakes = Product::ALL.map(|_| Fake::status(500, "", ""));
    let urls = [0, 1, 2].map(|at: usize| fakes[at].url.clone());
    (fakes, origins(&urls))
}

/// Runs a check for every row, several at a time: some wait for a server that is not there.
fn for_every_row(check: impl Fn(&Row, &Account) + Sync) {
    let check = &check;
    for rows in ROWS.chunks(8) {
        std::thread::scope(|scope| {
            for row in rows {
                scope.spawn(move || check(row, &Account::new(row)));
            }
        });
    }
}

#[test]
fn every_command_has_a_row_or_a_file_of_tests() {
    let mut found = BTreeSet::new();
    common::commands(&Home::new(), "", &mut found);
    let all = found.clone();
    found.retain(|name| {
        let below = format!("{name} ");
        !name.is_empty() && !all.iter().any(|other| other.starts_with(&below))
    });
    let rows = ROWS.iter().map(|row| row.name.to_owned());
    let elsewhere = ELSEWHERE.iter().map(|(name, _)| (*name).to_owned());
    let known: BTreeSet<String> = rows.chain(elsewhere).collect();
    assert_eq!(found, known);
    for (name, file) in ELSEWHERE {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
        assert!(tests.join(file).is_file(), "{name}: {file}");
    }
}

#[test]
fn every_command_succeeds_and_its_json_can_be_read() {
    for_every_row(|row, account| {
        let key = account.emulator.key();
        if row.output == Answer {
            let ran = account.run(row, &["--json"], &key);
            let answer: Value = serde_json::from_str(ran.succeeds())
                .unwrap_or_else(|error| panic!("{}: {error}: {ran:?}", row.name));
            assert!(answer.is_object() || answer.is_array(), "{ran:?}");
            common::assert_absent(&ran.stdout, &key);
        }
        let account = Account::new(row);
        let key = account.emulator.key();
        let ran = account.run(row, &[], &key);
        assert_eq!(ran.code, Some(0), "{}: {ran:?}", row.name);
        assert!(!ran.stdout.is_empty(), "{}", row.name);
        common::assert_absent(&ran.stdout, &key);
        if row.output == Rows {
            for line in ran.stdout.lines() {
                assert!(serde_json::from_str::<Value>(line).unwrap().is_object());
            }
        }
    });
}

#[test]
fn a_rejected_key_has_its_exit_code() {
    for_every_row(|row, account| {
        let ran = account.run(row, &[], KEY);
        assert_eq!(ran.code, Some(row.rejected), "{}: {ran:?}", row.name);
        if row.rejected != 0 {
            assert_eq!(ran.stdout, "", "{}", row.name);
            assert!(ran.stderr.contains("ap: "), "{ran:?}");
        }
    });
}

#[test]
fn a_server_that_cannot_be_reached_has_its_exit_code() {
    for_every_row(|row, account| {
        // Nobody listens on these. A port that was just given back may be another test's soon.
        let origins = origins(&[1, 2, 3].map(|port| format!("http://127.0.0.1:{port}")));
        let arguments = account.arguments(row);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ran = account
            .home
            .run_with(&join(&origins, &arguments), row.input);
        assert_eq!(ran.code, Some(6), "{}: {ran:?}", row.name);
        assert_eq!(ran.stdout, "", "{}", row.name);
    });
}

#[test]
fn a_reader_that_has_gone_is_no_failure_of_the_commands_without_a_row() {
    for arguments in [
        &["--emulator", "api", "flows"][..],
        &["--emulator", "api", "flows", "--jq", ".[]"],
        &["--emulator", "auth", "status"],
        &["--emulator", "auth", "status", "--json"],
        &["emulate"],
        &["gateway"],
        &["completions", "bash"],
        &["help", "exit-codes"],
        &["--help"],
        &["--version"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let home = Home::new();
        let mut command = home.ap(arguments);
        command.env(VARIABLE, KEY).stdout(writer);
        let ran = Ran::of(command.output().unwrap(), KEY);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:?}");
        let mut lines = ran.stderr.lines();
        let is_note = |line: &str| line.starts_with("ap: made the gateway's key in ");
        assert!(lines.all(is_note), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    for_every_row(|row, account| {
        let key = account.emulator.key();
        let mut command = account.ap(&account.arguments(row), &[], &key);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let input = account.home.file("input");
        std::fs::write(&input, row.input).unwrap();
        command
            .stdin(std::fs::File::open(&input).unwrap())
            .stdout(writer)
            .stderr(Stdio::piped());
        let ran = Ran::of(command.output().unwrap(), &key);
        assert_eq!(ran.code, Some(0), "{}: {ran:?}", row.name);
        let note = "ap: without -o, the same command sends all rows again";
        let said = ran.stderr.lines().filter(|line| !line.starts_with(note));
        assert_eq!(said.count(), 0, "{}: {ran:?}", row.name);
    });
}

#[test]
fn a_dry_run_shows_the_call_and_sends_nothing() {
    for_every_row(|row, account| {
        if row.reads_first() || row.name == "events export" {
            return;
        }
        let (fakes, origins) = servers();
        let arguments: Vec<String> = account.arguments(row);
        let without_yes = arguments
            .iter()
            .map(String::as_str)
            .filter(|word| *word != "--yes");
        let without_yes: Vec<&str> = without_yes.collect();
        for (option, start) in [("--dry-run", ""), ("--curl", "curl ")] {
            let arguments = join(&origins, &[&without_yes[..], &[option]].concat());
            let ran = account.home.run_with(&arguments, row.input);
            let shown = ran.succeeds();
            assert!(shown.starts_with(start), "{}: {ran:?}", row.name);
            assert!(
                fakes.iter().any(|fake| shown.contains(&fake.url)),
                "{}: {ran:?}",
                row.name
            );
            common::assert_absent(shown, KEY);
            let is_signed = row.rejected != 0;
            let mark = match option {
                "--curl" => "-u \"API:$ACTIVEPROSPECT_API_KEY\"",
                _ => "authorization: Basic [redacted]",
            };
            assert_eq!(shown.contains(mark), is_signed, "{}: {ran:?}", row.name);
            // No key is needed to see a call.
            let mut command = account.home.ap(&arguments);
            command.stdin(Stdio::piped());
            let ran = Ran::of(with_input(command, row.input), KEY);
            assert_eq!(ran.succeeds(), shown, "{}", row.name);
        }
        let connections = fakes.map(|fake| fake.connections());
        assert_eq!(connections, [0; 3], "{}", row.name);
    });
}

#[test]
fn a_curl_command_makes_the_same_call() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("skipped: there is no curl");
        return;
    }
    for_every_row(|row, account| {
        if row.output == Rows {
            return;
        }
        let key = account.emulator.key();
        let ran = account.run(row, &["--curl"], &key);
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", ran.succeeds()])
            .env(VARIABLE, &key)
            .env("HOME", account.home.path())
            .stdin(Stdio::null());
        let output = shell.output().unwrap();
        let answer = String::from_utf8(output.stdout).unwrap();
        let answer: Value = serde_json::from_str(&answer)
            .unwrap_or_else(|error| panic!("{}: {error}: {answer}: {ran:?}", row.name));
        assert!(answer.get("error").is_none(), "{}: {answer}", row.name);
    });
}

#[test]
fn what_cannot_be_undone_is_not_sent_without_an_answer() {
    let mut count = 0;
    for row in ROWS.iter().filter(|row| row.asks()) {
        count += 1;
        let (fakes, origins) = servers();
        let words = row.name.split(' ').chain(row.arguments.split(' '));
        let words = words.map(|word| if word == "OWN" { SELLER } else { word });
        let words: Vec<&str> = words.filter(|word| *word != "--yes").collect();
        let ran = Home::new().run_with(&join(&origins, &words), row.input);
        ran.fails(2, "there is no terminal to ask on");
        ran.says("add --yes");
        let connections = fakes.map(|fake| fake.connections());
        assert_eq!(connections, [0; 3], "{}", row.name);
    }
    assert_eq!(count, 6);
}
