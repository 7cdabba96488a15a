//! `ap emulate`, and what a signal does.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

use std::io::Read as _;
use std::net::TcpListener;
use std::process::Child;

use crate::common;
use crate::common::{
    BAD_KEY, Home, KEY, VARIABLE, assert_absent, ending_signal, first_line, rest_of_stderr,
    send_signal, spawn,
};
use serde_json::Value;

/// Returns the first of three free ports. Another process may take one of them meanwhile.
fn three_free_ports() -> String {
    let bind = |port| TcpListener::bind(("127.0.0.1", port)).ok();
    loop {
        let first = bind(0).unwrap().local_addr().unwrap().port();
        if first <= 65_533 && bind(first + 1).is_some() && bind(first + 2).is_some() {
            return first.to_string();
        }
    }
}

fn emulate(arguments: &[&str]) -> (Child, String, Value) {
    let mut child = spawn(Home::new().ap(&[&["emulate"], arguments].concat()));
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
    let call = ["--origin", &origin, "api", "/flows"];
    Home::new().run_with_key(&call, key).succeeds();
    let rejected = Home::new().run(&call);
    rejected.fails(3, "LeadConduit rejected the API key");
    assert_eq!(rejected.stdout, BAD_KEY);

    send_signal(child.id(), "INT");
    let status = child.wait().unwrap();
    assert_eq!(ending_signal(status), Some(2));
    assert_eq!(rest_of_stderr(&mut child), "ap: interrupted\n");
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_shows_where_the_page_is_and_how_to_stop() {
    let home = Home::new();
    // Standard output is the terminal, and then a file.
    for (to, is_shown) in [("", true), (">\"$HOME/line\"", false)] {
        let mut terminal = common::terminal::Terminal::run(&home, &format!("emulate {to}"));
        terminal.wait_for("press Ctrl-C to stop the emulator");
        terminal.type_in("\u{3}");
        let screen = terminal.end();
        let (_, rest) = screen.split_once("the emulator's page, open ").unwrap();
        let (page, _) = rest.split_once(" in a browser").unwrap();
        assert!(screen.contains("code=130"), "{screen}");
        assert_eq!(screen.contains("{\"key\":"), is_shown, "{screen}");
        if !is_shown {
            let printed = std::fs::read_to_string(home.path().join("line")).unwrap();
            let value: Value = serde_json::from_str(&printed).unwrap();
            assert_eq!(value["control"], page);
        }
    }
}

#[test]
fn the_three_ports_can_be_chosen_and_one_in_use_is_named() {
    let (mut child, port, value) = loop {
        let port = three_free_ports();
        let mut child = spawn(Home::new().ap(&["emulate", "--port", &port]));
        let line = first_line(&mut child);
        match serde_json::from_str::<Value>(&line) {
            Ok(value) => break (child, port, value),
            // Another process has taken one of the ports.
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
    let again = Home::new().run_bare(&["emulate", "--port", &port]);
    again.fails(1, &port);
    again.says("choose another --port");
    send_signal(child.id(), "TERM");
    assert_eq!(ending_signal(child.wait().unwrap()), Some(15));
}

#[test]
fn an_interrupted_call_ends_by_the_signal_with_a_sentence() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("lcx=http://{}", listener.local_addr().unwrap());
    let mut command = Home::new().ap(&["--origin", &origin, "api", "/slow"]);
    command.env(VARIABLE, KEY);
    let mut child = spawn(command);
    let (mut stream, _) = listener.accept().unwrap();
    let mut first = [0; 1];
    stream.read_exact(&mut first).unwrap();
    send_signal(child.id(), "INT");
    assert_eq!(ending_signal(child.wait().unwrap()), Some(2));
    assert_eq!(rest_of_stderr(&mut child), "ap: interrupted\n");
}

#[test]
fn the_key_is_not_in_the_process_list() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("lcx=http://{}", listener.local_addr().unwrap());
    let mut command = Home::new().ap(&["--origin", &origin, "api", "/slow"]);
    command.env(VARIABLE, KEY);
    let mut child = spawn(command);
    let _stream = listener.accept().unwrap();
    let list = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap_or_default();
    assert_absent(&String::from_utf8_lossy(&list), KEY);
    send_signal(child.id(), "INT");
    child.wait().unwrap();
}
