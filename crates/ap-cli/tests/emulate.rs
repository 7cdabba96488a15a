//! `ap emulate`, and what an interrupt does.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

mod common;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use common::{Fake, Home, KEY, Ran, VARIABLE};
use serde_json::Value;

fn interrupt(child: &Child, signal: &str) {
    let killed = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
}

fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    line
}

/// A port that is free, as the next two are, unless somebody takes one meanwhile.
fn three_free_ports() -> String {
    let bind = |port| std::net::TcpListener::bind(("127.0.0.1", port)).ok();
    loop {
        let first = bind(0).unwrap().local_addr().unwrap().port();
        if first <= 65_533 && bind(first + 1).is_some() && bind(first + 2).is_some() {
            return first.to_string();
        }
    }
}

fn emulate(arguments: &[&str]) -> (Child, String, Value) {
    let all = [&["emulate"], arguments].concat();
    let mut child = Home::new()
        .ap(&all)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let line = first_line(&mut child);
    let value = serde_json::from_str(&line).unwrap();
    (child, line, value)
}

#[test]
fn it_prints_one_line_of_json_and_serves_until_interrupted() {
    let (mut child, line, value) = emulate(&[]);
    let names: Vec<_> = ["key", "lcx", "trustedform", "suppressionlist", "control"]
        .into_iter()
        .map(|name| line.find(&format!("\"{name}\":")).unwrap())
        .collect();
    assert!(names.is_sorted(), "{line}");
    assert!(value["control"].as_str().unwrap().ends_with("/_emulator/"));
    let origin = format!("lcx={}", value["lcx"].as_str().unwrap());
    let key = value["key"].as_str().unwrap();
    let call = Home::new()
        .ap(&["--origin", &origin, "api", "/flows"])
        .env(VARIABLE, key)
        .output()
        .unwrap();
    Ran::of(call, key).succeeds();
    let wrong = Home::new().run(&["--origin", &origin, "api", "/flows"]);
    wrong.fails(3, "LeadConduit refused the API key");
    assert_eq!(wrong.stdout.len(), 33);

    interrupt(&child, "-INT");
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(said, "ap: interrupted\n");
}

#[test]
fn a_port_gives_three_and_a_taken_one_is_named() {
    let (mut child, port, value) = loop {
        let port = three_free_ports();
        let mut child = Home::new()
            .ap(&["emulate", "--port", &port])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let line = first_line(&mut child);
        match serde_json::from_str::<Value>(&line) {
            Ok(value) => break (child, port, value),
            // Somebody was faster at one of the ports.
            Err(_) => assert_eq!(child.wait().unwrap().code(), Some(1)),
        }
    };
    for (at, name) in ["lcx", "trustedform", "suppressionlist"]
        .into_iter()
        .enumerate()
    {
        let expected = format!("http://127.0.0.1:{}", port.parse::<usize>().unwrap() + at);
        assert_eq!(value[name], expected);
    }
    let again = Ran::of(
        Home::new()
            .ap(&["emulate", "--port", &port])
            .output()
            .unwrap(),
        KEY,
    );
    again.fails(1, &port);
    assert!(again.stderr.contains("choose another --port"));
    interrupt(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn an_interrupted_call_exits_130_with_a_sentence() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("lcx=http://{}", listener.local_addr().unwrap());
    let mut child = Home::new()
        .ap(&["--origin", &origin, "api", "/slow"])
        .env(VARIABLE, KEY)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let mut first = [0; 1];
    stream.read_exact(&mut first).unwrap();
    interrupt(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(said, "ap: interrupted\n");
}

#[test]
fn the_key_is_not_in_the_process_list() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("lcx=http://{}", listener.local_addr().unwrap());
    let mut child = Home::new()
        .ap(&["--origin", &origin, "api", "/slow"])
        .env(VARIABLE, KEY)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _stream = listener.accept().unwrap();
    let list = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap_or_default();
    common::assert_absent(&String::from_utf8_lossy(&list), KEY);
    interrupt(&child, "-INT");
    child.wait().unwrap();
}

#[test]
fn the_readmes_commands_do_what_it_says() {
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let shown = "$ cargo run -q --bin ap -- --emulator api /flows\n";
    assert!(
        readme.contains(shown),
        "the README's main command has changed: change this test with it"
    );
    let words: Vec<_> = shown
        .trim()
        .split(" -- ")
        .nth(1)
        .unwrap()
        .split(' ')
        .collect();
    let ran = Ran::of(Home::new().ap(&words).output().unwrap(), KEY);
    assert!(ran.succeeds().starts_with('['));

    // The other two, one after the other in one home, against a server in the place of the vendor's.
    let fake = Fake::status(200, "", "[]");
    let home = Home::new();
    for command in ["auth login", "api /flows"] {
        assert!(
            readme.contains(&format!("$ cargo run -q --bin ap -- {command}\n")),
            "{command}"
        );
        let origin = fake.as_lcx();
        let words: Vec<_> = ["--origin", &origin]
            .into_iter()
            .chain(command.split(' '))
            .collect();
        Ran::of(common::with_input(home.ap(&words), KEY), KEY).succeeds();
    }
    assert_eq!(fake.connections(), 1);
}
