//! `ap run`: the command's exit code, signals and environment, and programs in other languages through a reset.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use crate::common::terminal::Terminal;
use crate::common::{
    Home, KEY, VARIABLE, assert_absent, emulator_origins, encoded_pair, ending_signal, join,
    rest_of_stderr, send_signal, spawn, with_default_signals,
};
use ap_emulator::{Emulator, Product};
use serde_json::Value;

/// Starts `ap run` with a key in the environment and waits until the shell script prints its first line.
fn start(script: &str) -> (Home, Child) {
    let home = Home::new();
    let mut command = home.ap(&["run", "--", "/bin/sh", "-c", script]);
    command.env(VARIABLE, KEY);
    let mut child = spawn(command);
    let mut line = String::new();
    // One byte at a time, so that the rest stays in the pipe.
    let mut stdout = BufReader::with_capacity(1, child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    child.stdout = Some(stdout.into_inner());
    (home, child)
}

#[test]
fn the_exit_code_is_the_commands() {
    let home = Home::new();
    for code in [0, 1, 3, 42, 255] {
        let script = format!("exit {code}");
        let ran = home.run(&["run", "--", "/bin/sh", "-c", &script]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(code), ""));
    }
}

#[test]
fn standard_streams_are_the_commands() {
    let script = "read line; echo \"out $line\"; echo \"err $line\" >&2";
    let ran = Home::new().run_with(&["run", "--", "/bin/sh", "-c", script], "in\n");
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("out in\n", "err in\n")
    );
}

#[test]
fn it_ends_by_the_signal_that_ended_the_command() {
    for (name, number) in [("KILL", 9), ("TERM", 15), ("INT", 2), ("SEGV", 11)] {
        let script = format!("kill -{name} $$");
        let home = Home::new();
        let mut command = home.ap(&["run", "--", "/bin/sh", "-c", &script]);
        command.env(VARIABLE, KEY).current_dir(home.path());
        let status = spawn(command).wait().unwrap();
        assert_eq!(ending_signal(status), Some(number), "{name}");
    }
}

#[test]
fn signals_reach_the_command_and_it_decides() {
    for name in [
        "INT", "TERM", "HUP", "QUIT", "USR1", "USR2", "WINCH", "CONT", "TTIN", "TTOU",
    ] {
        let script = format!(
            "sleep 1000 & child=$!; trap 'kill $child; echo got {name}; exit 5' {name}; echo ready; wait"
        );
        let (_home, child) = start(&script);
        send_signal(child.id(), name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(5), "{name}");
        assert_eq!(output.stdout, format!("got {name}\n").into_bytes());
        assert_eq!(output.stderr, b"");
    }
    let (_home, mut child) = start("echo ready; exec sleep 1000");
    send_signal(child.id(), "TERM");
    assert_eq!(ending_signal(child.wait().unwrap()), Some(15));
    assert_eq!(rest_of_stderr(&mut child), "");
}

#[test]
fn a_core_dump_of_the_command_is_its_own_and_there_is_none_with_the_key() {
    let home = Home::new();
    let script = "ulimit -S -c \"$(ulimit -H -c)\"; ulimit -c; exec \"$0\" run -- /bin/sh -c 'ulimit -c; kill -QUIT $PPID; kill -QUIT $$'";
    let ap = home.ap(&[]);
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", script])
        .arg(ap.get_program())
        .env_clear()
        .env("HOME", home.path())
        .env(VARIABLE, KEY)
        .current_dir(home.path());
    let output = with_default_signals(&shell)
        .current_dir(home.path())
        .output()
        .unwrap();
    assert_eq!(ending_signal(output.status), Some(3));
    assert!(!output.status.core_dumped());
    let text = String::from_utf8(output.stdout).unwrap();
    let limits: Vec<_> = text.lines().collect();
    assert!(matches!(limits[..], [ours, its] if ours == its), "{text}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_signal_reaches_the_command_once_whoever_sent_it() {
    const SCRIPT: &str = r#"sleep 1000 & child=$!
trap "echo got" INT QUIT; trap "kill $child; echo end; exit 5" USR1
echo "ready $PPID"; while :; do wait; done"#;
    let home = Home::new();
    home.store(format!("{KEY}\n").as_bytes(), 0o600);
    std::fs::write(home.path().join("script"), SCRIPT).unwrap();
    for sent in ["\u{3}", "\u{1c}", "INT", "QUIT"] {
        let arguments = format!("run -- sh {}", home.file("script"));
        let mut terminal = Terminal::run(&home, &arguments);
        terminal.wait_for("ready ");
        let pid = terminal.wait_for_line().trim().parse().unwrap();
        match sent.len() {
            1 => terminal.type_in(sent),
            _ => send_signal(pid, sent),
        }
        terminal.wait_for("got");
        send_signal(pid, "USR1");
        let shown = terminal.end();
        assert!(shown.contains("code=5"), "{shown}");
        assert_eq!(shown.matches("got").count(), 1, "{sent:?}: {shown}");
    }
}

#[test]
fn a_call_of_a_process_that_is_left_behind_holds_the_end_only_for_a_moment() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("--origin=lcx=http://{}", listener.local_addr().unwrap());
    let ap = env!("CARGO_BIN_EXE_ap");
    let script = format!(
        "{ap} --origin lcx=$ACTIVEPROSPECT_LCX_URL api /flows >/dev/null 2>&1 & read line; exit 7"
    );
    let home = Home::new();
    let mut command = home.ap(&[&origin, "run", "--", "/bin/sh", "-c", &script]);
    command.env(VARIABLE, KEY);
    let mut child = spawn(command);
    // The call is under way, and is never answered.
    let _connection = listener.accept().unwrap();
    let ended = Instant::now();
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(7));
    // The gateway itself waits for half a minute.
    assert!(ended.elapsed() < Duration::from_secs(25));
    assert_eq!(
        rest_of_stderr(&mut child),
        "ap: 1 calls were not finished in time\n"
    );
}

#[test]
fn a_command_whose_gateway_cannot_serve_is_not_started() {
    let home = Home::new();
    let mut failures = 0;
    // It needs some for itself, and refuses to serve with less than one connection.
    let limits = || (4..90).step_by(3);
    for files in limits() {
        let script = format!("ulimit -n {files}; exec \"$0\" run -- /bin/echo started");
        let ap = home.ap(&[]);
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", &script])
            .arg(ap.get_program())
            .env("HOME", home.path())
            .env(VARIABLE, KEY);
        let output = shell.output().unwrap();
        let is_started = output.stdout == b"started\n";
        assert_eq!(
            output.status.success(),
            is_started,
            "{files} files: {output:?}"
        );
        failures += usize::from(!is_started);
    }
    assert!((1..limits().len()).contains(&failures), "{failures}");
}

#[test]
fn a_killed_command_ends_the_gateway_too() {
    let (_home, mut child) = start("echo ready; echo $$ $ACTIVEPROSPECT_LCX_URL; exec sleep 1000");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let (pid, url) = line.trim_end().split_once(' ').unwrap();
    let address = url.strip_prefix("http://").unwrap();
    assert!(std::net::TcpStream::connect(address).is_ok());
    send_signal(pid.parse().unwrap(), "KILL");
    assert_eq!(ending_signal(child.wait().unwrap()), Some(9));
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn the_command_gets_the_gateway_and_nothing_of_the_accounts_key() {
    let home = Home::new();
    let mut command = home.ap(&[
        "run",
        "--env",
        "TF=trustedform",
        "--env",
        "TOKEN=key",
        "--",
        "/usr/bin/env",
    ]);
    command
        .env(VARIABLE, KEY)
        .env("ACTIVEPROSPECT_NEXT_API_KEY", format!("next-{KEY}"))
        .env("ACTIVEPROSPECT_PROXY", "http://127.0.0.1:1")
        .env("MY_TOKEN", format!("Bearer {KEY}"))
        .env("MY_PAIR", format!("Basic {}", encoded_pair(KEY)))
        .env(
            "MY_URL",
            format!("https://x:{}@api.example/", KEY.replace('-', "%2D")),
        )
        .env("no_proxy", "internal.example")
        .env("MINE", "kept");
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_absent(&text, KEY);
    let set: BTreeMap<_, _> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    assert!(set[VARIABLE].starts_with("ap-local-"), "{text}");
    assert_eq!(set["TOKEN"], set[VARIABLE]);
    assert_eq!(set["TF"], set["ACTIVEPROSPECT_TRUSTEDFORM_URL"]);
    assert_eq!(set["MINE"], "kept");
    let ours: Vec<_> = set
        .keys()
        .copied()
        .filter(|name| name.starts_with("ACTIVEPROSPECT_"))
        .collect();
    assert_eq!(
        ours,
        [
            "ACTIVEPROSPECT_API_KEY",
            "ACTIVEPROSPECT_GATEWAY_URL",
            "ACTIVEPROSPECT_LCX_URL",
            "ACTIVEPROSPECT_SUPPRESSIONLIST_URL",
            "ACTIVEPROSPECT_TRUSTEDFORM_APP_URL",
            "ACTIVEPROSPECT_TRUSTEDFORM_URL",
        ]
    );
    for name in ["MY_TOKEN", "MY_PAIR", "MY_URL"] {
        assert!(!set.contains_key(name), "{name} contained the key");
    }
    for name in ["NO_PROXY", "no_proxy"] {
        assert_eq!(set[name], "internal.example,127.0.0.1,localhost", "{name}");
    }
}

#[test]
fn what_cannot_be_started_is_a_sentence() {
    let home = Home::new();
    home.run(&["run", "--", "/no/such/program"])
        .fails(127, "could not be started");
    let folder = home.path().display().to_string();
    home.run(&["run", "--", &folder])
        .fails(126, "could not be started");
    home.run(&["run"]).fails(2, "COMMAND");
    home.run(&["run", "--env", "A=b", "--", "true"])
        .fails(2, "choose lcx");
    home.run_bare(&["run", "--", "/bin/true"])
        .fails(3, "there is no API key");
    // A key in the command's arguments would be seen by every user.
    home.run(&["run", "--", "/bin/echo", KEY])
        .fails(2, "contains the API key");
}

#[test]
fn programs_of_this_project_work_under_it_without_a_change() {
    let ap = env!("CARGO_BIN_EXE_ap");
    let home = Home::new();
    let script = format!(
        "{ap} --origin lcx=$ACTIVEPROSPECT_LCX_URL --origin suppressionlist=$ACTIVEPROSPECT_SUPPRESSIONLIST_URL api lists --product suppressionlist"
    );
    let ran = home.run_bare(&["run", "--emulator", "--", "/bin/sh", "-c", &script]);
    assert!(ran.succeeds().contains("do_not_call"), "{}", ran.stdout);
}

#[test]
fn verbose_writes_one_line_for_each_answer_without_its_path() {
    let script = "import base64, os, urllib.request as r\n\
        key = base64.b64encode(('X:' + os.environ['ACTIVEPROSPECT_API_KEY']).encode()).decode()\n\
        q = r.Request(os.environ['ACTIVEPROSPECT_GATEWAY_URL'] + '/lcx/flows', headers={'Authorization': 'Basic ' + key})\n\
        print(r.urlopen(q).status)";
    let Some(python) = ap_tests::python() else {
        return;
    };
    let home = Home::new();
    let ran = home.run_bare(&["run", "-v", "--emulator", "--", python, "-c", script]);
    assert_eq!(ran.succeeds(), "200\n");
    let log: Vec<_> = ran
        .stderr
        .lines()
        .filter(|line| line.starts_with("ap: GET"))
        .collect();
    assert!(
        matches!(log[..], [line] if line.starts_with("ap: GET lcx 200 ")),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("flows"));
}

/// Runs a program under `ap run` that makes calls until its input ends, resets the key meanwhile, and checks that no call
/// failed.
fn check_through_reset(program: &[&str], folder: &Path) {
    let emulator = Emulator::start().unwrap();
    let home = Home::new();
    let old = emulator.key();
    home.store(format!("{old}\n").as_bytes(), 0o600);
    let origins = emulator_origins(&emulator);
    let arguments = [&["run", "--"], program].concat();
    let mut command = with_default_signals(&home.ap(&join(&origins, &arguments)));
    let mut child = command
        .current_dir(folder)
        .env("PATH", std::env::var_os("PATH").unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || lines.next().map(Result::unwrap).unwrap_or_default();
    let mut progress = || assert!(next().parse::<u32>().is_ok());
    progress();
    let new = emulator.reset();
    // Both, before anybody logs in.
    home.store(format!("{old}\n{new}\n").as_bytes(), 0o600);
    progress();
    for product in Product::ALL {
        emulator.login(product);
    }
    progress();
    progress();
    drop(child.stdin.take());
    let counts = loop {
        let line = next();
        match serde_json::from_str::<Value>(&line) {
            Ok(counts @ Value::Object(_)) => break counts,
            Ok(_) => {}
            Err(error) => panic!("{error}: {line}"),
        }
    };
    assert!(child.wait().unwrap().success());
    assert_eq!(counts["failures"], Value::Array(Vec::new()), "{counts}");
    assert!(counts["calls"].as_u64().unwrap() >= 800, "{counts}");
    let rejected: u64 = Product::ALL
        .into_iter()
        .map(|product| emulator.state().product(product).refusals)
        .sum();
    assert!(rejected > 0, "the old key was rejected meanwhile");
}

#[test]
fn a_python_program_loses_no_call_in_a_reset() {
    if let Some(python) = ap_tests::python()
        && let Some(folder) = ap_tests::python_package(python, "requests")
    {
        // Python looks for modules in the folder in which it runs.
        check_through_reset(
            &[python, "-c", include_str!("../programs/calls.py")],
            folder.path(),
        );
    }
}

#[test]
fn the_vendors_node_clients_lose_no_call_in_a_reset() {
    if let Some(folder) = ap_tests::node_clients() {
        std::fs::write(
            folder.path().join("calls.js"),
            include_str!("../programs/calls.js"),
        )
        .unwrap();
        check_through_reset(&["node", "calls.js"], folder.path());
    }
}
