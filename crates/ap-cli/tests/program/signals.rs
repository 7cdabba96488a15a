//! What a signal does: it ends the program by that signal, unless the parent process made it ignored.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command};

use crate::common::{Home, ending_signal, first_line, rest_of_stderr, send_signal, spawn};
use serde_json::Value;

/// Starts `ap emulate` by a shell that first does something, and waits until it serves.
fn emulate_after(home: &Home, shell_command: &str) -> (Child, Value) {
    let ap = home.ap(&[]);
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", &format!("{shell_command}; exec \"$0\" emulate")])
        .arg(ap.get_program())
        .env_clear()
        .envs(
            ap.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    let mut child = spawn(shell);
    let line = first_line(&mut child);
    (child, serde_json::from_str(&line).unwrap())
}

#[test]
fn each_signal_ends_the_program_by_that_signal() {
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1), ("QUIT", 3)] {
        let home = Home::new();
        // As much of a core dump as can be had.
        let (mut child, _) = emulate_after(&home, "ulimit -S -c \"$(ulimit -H -c)\"");
        send_signal(child.id(), name);
        let status = child.wait().unwrap();
        assert_eq!(ending_signal(status), Some(number), "{name}");
        assert!(!status.core_dumped(), "it would contain the key");
        assert_eq!(rest_of_stderr(&mut child), "ap: interrupted\n");
    }
}

/// As in a container whose command is `ap`: the kernel lets no default of a signal end such a process.
#[test]
#[cfg(target_os = "linux")]
fn the_first_process_of_a_container_ends_with_the_code_of_the_signal() {
    let as_first = |program: &str| {
        let mut unshare = Command::new("unshare");
        unshare.args([
            "--map-root-user",
            "--pid",
            "--fork",
            "--kill-child",
            program,
        ]);
        unshare
    };
    if !as_first("true")
        .output()
        .is_ok_and(|ran| ran.status.success())
    {
        println!("not checked: no namespaces can be made here");
        return;
    }
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let home = Home::new();
        let ap = home.ap(&[]);
        let mut first = as_first(ap.get_program().to_str().unwrap());
        first.arg("emulate");
        let mut child = spawn(first);
        first_line(&mut child);
        let parent = child.id();
        let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
        send_signal(children.unwrap().trim().parse().unwrap(), name);
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(code), "{name}: {status}");
        assert_eq!(rest_of_stderr(&mut child), "ap: interrupted\n");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    for ignored in ["HUP", "INT", "QUIT", "TERM"] {
        let home = Home::new();
        let (mut child, started) = emulate_after(&home, &format!("trap '' {ignored}"));
        send_signal(child.id(), ignored);
        // It still serves.
        let origin = format!("lcx={}", started["lcx"].as_str().unwrap());
        let key = started["key"].as_str().unwrap();
        let ran = home.run_with_key(&["--origin", &origin, "api", "/flows"], key);
        ran.succeeds();
        let (other, number) = if ignored == "TERM" {
            ("INT", 2)
        } else {
            ("TERM", 15)
        };
        send_signal(child.id(), other);
        assert_eq!(
            ending_signal(child.wait().unwrap()),
            Some(number),
            "{ignored}"
        );
    }
}
