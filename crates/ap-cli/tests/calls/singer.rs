//! `ap events export --format singer`: a Singer tap, run as a host runs it.

#![allow(clippy::unwrap_used)]

use crate::common;
use crate::common::bulk::{killing_at, start};
use crate::common::counting::{Counting, Request};
use crate::common::event_pages::{PAGE, id, page, parameter};
use crate::common::{BAD_KEY, Home, KEY, Ran, VARIABLE, assert_absent};
use ap_emulator::{Emulator, Product};
use serde_json::{Value, json};

const TAP: [&str; 4] = ["events", "export", "--format", "singer"];

fn write(home: &Home, name: &str, value: &Value) -> String {
    let path = home.file(name);
    std::fs::write(&path, value.to_string()).unwrap();
    path
}

fn messages(text: &str) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).unwrap();
    text.lines().map(parse).collect()
}

fn of_type<'a>(messages: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    messages
        .iter()
        .filter(move |message| message["type"] == kind)
}

/// Returns the ids of the records.
fn ids(messages: &[Value]) -> Vec<String> {
    let id = |message: &Value| message["record"]["id"].as_str().unwrap().to_owned();
    of_type(messages, "RECORD").map(id).collect()
}

fn bookmark(state: &Value) -> &Value {
    &state["value"]["bookmarks"]["events"]["replication_key_value"]
}

/// Returns the messages up to the last state, which a host has when its target passed that state on.
fn until_last_state(mut messages: Vec<Value>) -> Vec<Value> {
    let last = messages
        .iter()
        .rposition(|message| message["type"] == "STATE");
    messages.truncate(last.map_or(0, |last| last + 1));
    messages
}

/// A tap that a config sends to a server.
struct Tap {
    home: Home,
    config: String,
    key: String,
}

impl Tap {
    fn new(url: &str) -> Self {
        Self::with_config(json!({"origin": url}))
    }

    fn with_config(config: Value) -> Self {
        let home = Home::new();
        let config = write(&home, "config.json", &config);
        Self {
            home,
            config,
            key: KEY.to_owned(),
        }
    }

    fn of(emulator: &Emulator) -> Self {
        Self {
            key: emulator.key(),
            ..Self::new(emulator.url(Product::LeadConduit))
        }
    }

    fn arguments<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        [&TAP[..], &["--config", &self.config], more].concat()
    }

    fn run(&self, more: &[&str]) -> Ran {
        let ran = self.home.run_with_key(&self.arguments(more), &self.key);
        assert_absent(&ran.stdout, &self.key);
        ran
    }

    fn state(&self, state: &Value) -> String {
        write(&self.home, "state.json", state)
    }
}

#[test]
fn every_event_is_a_record_with_a_state_after_each_page() {
    let emulator = Emulator::builder().events(1_050).start().unwrap();
    let tap = Tap::of(&emulator);
    let ran = tap.run(&[]);
    let found = messages(ran.succeeds());
    let kinds: Vec<_> = found
        .iter()
        .map(|message| message["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds[0], "SCHEMA");
    assert_eq!(found[0]["key_properties"], json!(["id"]));
    let states = kinds.iter().zip(0..).filter(|(kind, _)| **kind == "STATE");
    let states: Vec<usize> = states.map(|(_, at)| at).collect();
    assert_eq!(states, [1_001, 1_052]);
    let every = ids(&found);
    for (state, last) in states.iter().zip([1_000, 1_050]) {
        assert_eq!(*bookmark(&found[*state]), every[last - 1]);
    }
    // The events are those of the other formats, byte by byte.
    let origin = format!("--origin=lcx={}", emulator.url(Product::LeadConduit));
    let lines = tap
        .home
        .run_with_key(&[&origin, "events", "export"], &tap.key);
    let records = ran
        .stdout
        .lines()
        .filter(|line| line.starts_with(r#"{"type":"RECORD""#));
    let records = records.map(|line| line.split_once(r#""record":"#).unwrap().1);
    let records: Vec<_> = records
        .map(|record| record.strip_suffix('}').unwrap())
        .collect();
    assert_eq!(records, lines.succeeds().lines().collect::<Vec<_>>());
}

#[test]
fn an_export_continues_after_any_of_its_states_without_gap_or_double() {
    let server = Counting::new(|request| page(request, 25));
    let tap = Tap::new(&server.url);
    let found = messages(tap.run(&[]).succeeds());
    let every = ids(&found);
    let states: Vec<_> = of_type(&found, "STATE").collect();
    for (state, done) in states.iter().zip([10, 20, 25]) {
        // The value is what a target passes on; the message is what the tap printed.
        for form in [*state, &state["value"]] {
            let ran = tap.run(&["--state", &tap.state(form)]);
            let rest = messages(ran.succeeds());
            assert_eq!(ids(&rest), every[done..]);
            let last = of_type(&rest, "STATE").last().unwrap();
            assert_eq!(last, states[2], "after {done}");
        }
    }
    // What a target printed is a line for each state.
    let lines: String = states
        .iter()
        .map(|state| format!("{}\n", state["value"]))
        .collect();
    let file = tap.home.file("states.jsonl");
    std::fs::write(&file, lines).unwrap();
    assert_eq!(
        ids(&messages(tap.run(&["--state", &file]).succeeds())),
        [""; 0]
    );
}

#[test]
fn members_that_are_not_known_are_kept_as_they_were_sent() {
    let server = Counting::new(|request| page(request, 3));
    let ran = Tap::new(&server.url).run(&[]);
    let found = messages(ran.succeeds());
    assert_eq!(found[0]["schema"]["additionalProperties"], true);
    assert_eq!(ids(&found), [id(1), id(2), id(3)]);
    ran.prints(r#""ms":1.50,"unknown":{"b":1,"a":2}"#);
}

#[test]
fn a_secret_in_an_event_is_not_in_its_record() {
    let server = Counting::new(|request| match parameter(request, "after_id") {
        None => {
            let event =
                json!({"id": id(1), "reason": KEY, "credential": {"access_token": "abcdefgh"}});
            (200, "", json!([event]).to_string())
        }
        Some(_) => (200, "", "[]".to_owned()),
    });
    let found = messages(Tap::new(&server.url).run(&[]).succeeds());
    let record = &of_type(&found, "RECORD").next().unwrap()["record"];
    assert_eq!(record["reason"], "[redacted]");
    assert_eq!(record["credential"]["access_token"], "[redacted]");
}

#[cfg(unix)]
#[test]
fn a_tap_that_is_killed_continues_after_its_last_state() {
    const EVENTS: usize = 45;
    for at in 1..=6 {
        let (server, target) = killing_at(at, |request| page(request, EVENTS));
        let tap = Tap::new(&server.url);
        let child = start(tap.home.ap(&tap.arguments(&[])), &target);
        let output = child.wait_with_output().unwrap();
        assert_eq!(common::ending_signal(output.status), Some(9));
        // A line may be cut.
        let text = String::from_utf8(output.stdout).unwrap();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let before = until_last_state(messages(whole));
        let state = before.last().map(|state| tap.state(&state["value"]));
        let arguments: Vec<_> = state.iter().flat_map(|file| ["--state", file]).collect();
        let after = messages(tap.run(&arguments).succeeds());
        let expected: Vec<_> = (1..=EVENTS).map(id).collect();
        assert_eq!(
            [ids(&before), ids(&after)].concat(),
            expected,
            "killed at {at}"
        );
        // Up to three pages before the kill may wait for the encoder, in it, and for the writer.
        let most = ((at - 1) * PAGE).min(EVENTS);
        let written = ids(&before).len();
        assert!(written <= most && written + 3 * PAGE >= most, "{written}");
    }
}

#[test]
fn a_rejected_key_ends_the_tap_and_a_later_run_continues() {
    let server = Counting::new(|request| match request.number {
        3 => (401, "", BAD_KEY.to_owned()),
        _ => page(request, 35),
    });
    let tap = Tap::new(&server.url);
    let ran = tap.run(&[]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    let before = until_last_state(messages(&ran.stdout));
    assert_eq!(ids(&before).len(), 20);
    let state = tap.state(&before.last().unwrap()["value"]);
    let after = messages(tap.run(&["--state", &state]).succeeds());
    let expected: Vec<_> = (1..=35).map(id).collect();
    assert_eq!([ids(&before), ids(&after)].concat(), expected);
}

#[test]
fn a_closed_pipe_ends_the_tap() {
    let server = Counting::new(|request| page(request, 200_000));
    let tap = Tap::new(&server.url);
    let mut command = tap.home.ap(&tap.arguments(&[]));
    command.env(VARIABLE, KEY);
    let mut child = common::spawn(command);
    common::first_line(&mut child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_time_of_the_config_counts_only_without_a_state() {
    let server = Counting::new(|request| {
        match parameter(request, "start") {
            Some(start) => assert_eq!(start, "2026-11-01T00%3A00%3A00Z"),
            None => assert!(parameter(request, "after_id").is_some()),
        }
        assert!(request.line.contains("&rules=%5B%7B"), "{}", request.line);
        assert_eq!(parameter(request, "end"), Some("2026-11-30T00%3A00%3A00Z"));
        page(request, 15)
    });
    let rule = json!({"lhv": "type", "op": "is equal to", "rhv": "source"});
    let tap = Tap::with_config(json!({
        "origin": server.url, "start_date": "2026-11-01", "end_date": "2026-11-30",
        "rules": [rule], "rate": null,
    }));
    let found = messages(tap.run(&[]).succeeds());
    assert_eq!(ids(&found).len(), 15);
    let calls = server.count();
    let state = tap.state(&of_type(&found, "STATE").last().unwrap()["value"]);
    let ran = tap.run(&["--state", &state]);
    assert_eq!(ids(&messages(ran.succeeds())), [""; 0]);
    assert_eq!(server.count(), calls + 1);
}

#[test]
fn without_events_the_state_is_printed_as_it_was() {
    let server = Counting::new(|request| page(request, 0));
    let tap = Tap::new(&server.url);
    for state in [
        json!({}),
        json!({"bookmarks": {"events": {"replication_key_value": id(7), "x": 1}, "y": {}}}),
    ] {
        let ran = tap.run(&["--state", &tap.state(&state)]);
        let found = messages(ran.succeeds());
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[1], json!({"type": "STATE", "value": state}));
    }
}

#[test]
fn discovery_prints_a_catalog_that_selects_everything() {
    let emulator = Emulator::builder().events(5).start().unwrap();
    let tap = Tap::of(&emulator);
    // No key is needed.
    let ran = tap.home.run_bare(&tap.arguments(&["--discover"]));
    let catalog: Value = serde_json::from_str(ran.succeeds()).unwrap();
    assert_eq!(catalog["streams"][0]["tap_stream_id"], "events");
    let catalog = write(&tap.home, "catalog.json", &catalog);
    let ran = tap.run(&["--catalog", &catalog]);
    assert_eq!(ids(&messages(ran.succeeds())).len(), 5);
}

#[test]
fn what_a_catalog_does_not_select_is_not_exported() {
    let emulator = Emulator::builder().events(5).start().unwrap();
    let tap = Tap::of(&emulator);
    let catalog = tap.run(&["--discover"]);
    let mut catalog: Value = serde_json::from_str(catalog.succeeds()).unwrap();
    let entries = catalog["streams"][0]["metadata"].as_array_mut().unwrap();
    for entry in entries {
        let is_left_out =
            ["vars", "id"].map(|name| entry["breadcrumb"] == json!(["properties", name]));
        if is_left_out.contains(&true) {
            entry["metadata"]["selected"] = false.into();
        }
    }
    let file = write(&tap.home, "catalog.json", &catalog);
    let found = messages(tap.run(&["--catalog", &file]).succeeds());
    let properties = &found[0]["schema"]["properties"];
    assert!(properties.get("vars").is_none() && properties.get("id").is_some());
    let records: Vec<_> = of_type(&found, "RECORD")
        .map(|message| &message["record"])
        .collect();
    assert_eq!(records.len(), 5);
    assert!(
        records
            .iter()
            .all(|record| record.get("vars").is_none() && record.get("type").is_some())
    );
    catalog["streams"][0]["metadata"][0]["metadata"]["selected"] = false.into();
    let file = write(&tap.home, "catalog.json", &catalog);
    let state = json!({"bookmarks": {"events": {"replication_key_value": id(7)}}});
    let ran = tap.run(&["--catalog", &file, "--state", &tap.state(&state)]);
    assert_eq!(
        messages(ran.succeeds()),
        [json!({"type": "STATE", "value": state})]
    );
}

#[cfg(unix)]
#[test]
fn under_its_second_name_the_program_is_the_tap() {
    let server = Counting::new(|request: &Request| page(request, 12));
    let tap = Tap::new(&server.url);
    let link = tap.home.file("tap-activeprospect");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_ap"), &link).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(&link);
        command.args(arguments).env_clear();
        command.env("HOME", tap.home.path()).env(VARIABLE, KEY);
        Ran::of(command.output().unwrap(), KEY)
    };
    let catalog = run(&["--config", &tap.config, "--discover"]);
    let catalog: Value = serde_json::from_str(catalog.succeeds()).unwrap();
    let catalog = write(&tap.home, "catalog.json", &catalog);
    let state = tap.state(&json!({"bookmarks": {"events": {"replication_key_value": id(9)}}}));
    let ran = run(&[
        "--config",
        &tap.config,
        "--state",
        &state,
        "--catalog",
        &catalog,
    ]);
    assert_eq!(ids(&messages(ran.succeeds())), [id(10), id(11), id(12)]);
    run(&["--confg"]).fails(2, "this command has no such argument");
}

#[test]
fn a_config_with_a_key_is_refused_before_a_call() {
    let server = Counting::new(|request| page(request, 3));
    let tap = Tap::with_config(json!({"origin": server.url, "api_key": KEY}));
    for more in [&[][..], &["--discover"]] {
        tap.run(more).fails(
            2,
            "the config contains a secret, and hosts copy it to other files",
        );
    }
    assert_eq!(server.count(), 0);
}

#[test]
fn what_a_tap_cannot_do_is_refused_with_a_sentence() {
    let home = Home::new();
    let config = write(&home, "config.json", &json!({}));
    let text = home.file("text.json");
    std::fs::write(&text, "{\"bookmarks\"").unwrap();
    for (arguments, message) in [
        (
            &["-o", "x.jsonl"][..],
            "a Singer tap writes to standard output and keeps no journal",
        ),
        (
            &["--config", "absent.json"],
            "the config absent.json cannot be read",
        ),
        (&["--config", &text], "the config is not JSON"),
        (&["--state", &text], "the state is not JSON"),
        (&["--catalog", &text], "the catalog is not JSON"),
        (
            &["--catalog", &config],
            "the catalog has no list of streams",
        ),
    ] {
        home.run(&[&TAP[..], arguments].concat()).fails(2, message);
    }
    let ran = home.run(&["events", "export", "--config", &config]);
    ran.fails(
        2,
        "--config, --state, --catalog and --discover are those of a Singer tap",
    );
    let config = write(
        &home,
        "config.json",
        &json!({"origin": "http://127.0.0.1:9"}),
    );
    let ran = home.run(&[&TAP[..], &["--config", &config, "--emulator"]].concat());
    ran.fails(2, "the config has an origin, and so have the arguments");
}
