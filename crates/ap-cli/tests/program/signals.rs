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
