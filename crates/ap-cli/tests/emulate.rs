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

fn emulate(arguments: &[&str]) -> (Child, String, Value) {
    let all = [&["emulate"], arguments].concat();
    let mut child = Home::new()
        .ap(&all)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
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
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let port = free.min(65_533).to_string();
    let (mut child, _, value) = emulate(&["--port", &port]);
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
        let mut child = home
            .ap(&words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), KEY.as_bytes()).unwrap();
        Ran::of(child.wait_with_output().unwrap(), KEY).succeeds();
    }
    assert_eq!(fake.connections(), 1);
}
