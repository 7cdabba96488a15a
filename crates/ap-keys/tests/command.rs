//! Commands that print keys, and those that fail to.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

mod common;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use ap_client::KeySource as _;
use ap_keys::{Command, KEY_VARIABLE, NEXT_KEY_VARIABLE};
use tempfile::TempDir;

use common::{folder, texts};

const KEY: &str = "placeholder-key-of-a-command";

/// Seconds, more than the tests ever take.
const FOREVER: &str = "600";

fn shell(script: &str) -> Command {
    Command::new("sh").args(["-c", script])
}

fn run(command: &Command, remaining: Option<Duration>) -> Result<Vec<String>, String> {
    let debug = format!("{command:?}");
    assert!(!debug.contains(common::PLACEHOLDER), "{debug}");
    texts(command.keys(remaining))
}

/// Writes a file that a command prints, so that no key is in an argument.
fn file_with(text: &str) -> (TempDir, String) {
    let (folder, path) = folder();
    fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn one_key_per_line_is_read() {
    for (text, expected) in [
        (format!("{KEY}\n"), vec![KEY]),
        (KEY.to_owned(), vec![KEY]),
        (format!("old-key-1\n{KEY}\n"), vec!["old-key-1", KEY]),
    ] {
        let (_folder, path) = file_with(&text);
        let command = Command::new("cat").args([&path]);
        assert_eq!(run(&command, None).unwrap(), expected);
        let label = command.read(None).unwrap()[0].label().unwrap().to_owned();
        assert!(label.ends_with("the command cat"), "{label}");
    }
}

#[test]
fn arguments_are_passed_unchanged_and_standard_input_is_empty() {
    let (_folder, path) = file_with(KEY);
    let script = r#"[ "$#" = 2 ] && [ "$1" = 'a b; $HOME' ] && [ -z "$(cat)" ] && cat "$2""#;
    let command = shell(script).args(["name", "a b; $HOME", &path]);
    assert_eq!(run(&command, None).unwrap(), [KEY]);
    let command =
        shell(r#"[ -z "$HOME" ] && echo key-without-$((1 + 1))"#).without_variable("HOME");
    assert_eq!(run(&command, None).unwrap(), ["key-without-2"]);
}

#[test]
fn the_key_variables_are_not_in_its_environment() {
    if std::env::var_os(KEY_VARIABLE).is_none() {
        // Again, in a process that has them.
        let again = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_key_variables_are_not_in_its_environment"])
            .envs([(KEY_VARIABLE, KEY), (NEXT_KEY_VARIABLE, KEY)])
            .output()
            .unwrap();
        assert!(again.status.success(), "{again:?}");
        return;
    }
    let script = format!(r#"echo "key-${{{KEY_VARIABLE}-none}}-${{{NEXT_KEY_VARIABLE}-none}}""#);
    assert_eq!(run(&shell(&script), None).unwrap(), ["key-none-none"]);
}

#[test]
fn every_failure_is_described_without_the_output() {
    let (_folder, key) = file_with(KEY);
    for (script, expected) in [
        (
            format!("cat {key}; exit 3"),
            "the command sh failed (exit status: 3)",
        ),
        (
            format!("cat {key}; kill -9 $$"),
            "the command sh failed (signal: 9",
        ),
        (
            format!("echo not a $(cat {key})"),
            "line 1 of the output of the command sh: the key contains a space at byte 3",
        ),
        (
            "printf ''".to_owned(),
            "the output of the command sh is empty",
        ),
        (
            "printf '\\377\\376'".to_owned(),
            "the key is not text (byte 0)",
        ),
        (
            format!("printf '%s\\r\\n' $(cat {key})"),
            "ends in a carriage return",
        ),
        (
            "while :; do cat /dev/zero || exit; done".to_owned(),
            "the command sh printed more than 4096 bytes",
        ),
        (
            format!("for i in 1 2 3 4; do echo $(cat {key})-$i; done"),
            "the output of the command sh contains more than 3 keys",
        ),
    ] {
        let error = run(&shell(&script), None).unwrap_err();
        assert!(error.contains(expected), "{script}: {error}");
        assert!(error.contains("the command sh"), "{error}");
    }
    let error = run(&Command::new("/no/such/pass\u{1b}word"), None).unwrap_err();
    let expected = r"the command pass\u{1b}word cannot be started";
    assert!(error.contains(expected), "{error}");
}

#[test]
fn a_key_in_an_argument_is_an_error() {
    let expected = "contains the key, and other users can read it";
    let error = run(&Command::new("echo").args([KEY]), None).unwrap_err();
    assert!(error.contains(expected), "{error}");
    let error = run(&shell(&format!("echo {KEY}")), None).unwrap_err();
    assert!(error.contains(expected), "{error}");
}

fn has_ended(pid: &str) -> bool {
    // A killed process stays in the list as a zombie until its parent waits for it.
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| rest.starts_with(" Z"))
    }) || !Path::new(&format!("/proc/{pid}")).exists()
}

fn wait_until(condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(300));
        std::thread::yield_now();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_slow_command_is_killed_with_every_process_in_its_group() {
    let (folder, _) = folder();
    for script in [
        // It hangs, and so does a child that has the output open too.
        format!("sleep {FOREVER} & echo $! $$ > pids.tmp; mv pids.tmp pids; wait"),
        // It closes its output and hangs.
        format!("exec >&-; sleep {FOREVER} & echo $! $$ > pids.tmp; mv pids.tmp pids; wait"),
        // It ends with success, but a child has the output open.
        format!("sleep {FOREVER} & echo $! > pids.tmp; mv pids.tmp pids"),
    ] {
        let pids = folder.path().join("pids");
        let command = shell(&format!("cd '{}'; {script}", folder.path().display()));
        // On a busy machine it may be killed before it writes the file: then it gets more time.
        let mut limit = Duration::from_millis(100);
        while !pids.exists() {
            let error = run(&command, Some(limit)).unwrap_err();
            assert!(error.contains("took longer than"), "{error}");
            limit *= 2;
        }
        let started = fs::read_to_string(&pids).unwrap();
        for pid in started.split_whitespace() {
            wait_until(|| has_ended(pid));
        }
        fs::remove_file(&pids).unwrap();
    }
}

#[test]
fn the_shorter_of_both_time_limits_counts() {
    let error = run(&shell("echo key"), Some(Duration::ZERO)).unwrap_err();
    assert!(
        error.contains("there is no time left to run the command sh"),
        "{error}"
    );
    let slow = shell(&format!("exec sleep {FOREVER}"));
    let (short, long) = (Duration::from_millis(20), Duration::from_secs(100));
    for (timeout, remaining) in [(short, None), (short, Some(long)), (long, Some(short))] {
        let error = run(&slow.clone().timeout(timeout), remaining).unwrap_err();
        assert!(error.contains("took longer than 20 ms"), "{error}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn in_the_foreground_it_stays_in_the_group_of_its_caller() {
    let group = |stat: &str| -> String {
        let rest = stat.rsplit(')').next().unwrap();
        rest.split_whitespace().nth(2).unwrap().to_owned()
    };
    let own = group(&fs::read_to_string("/proc/self/stat").unwrap());
    // Prints the number of its group in the form of a key.
    let command = shell("read -r line < /proc/$$/stat; set -- ${line##*)}; echo group-$3");
    let printed = run(&command, None).unwrap();
    assert_ne!(printed, [format!("group-{own}")]);
    let printed = run(&command.in_foreground(), None).unwrap();
    assert_eq!(printed, [format!("group-{own}")]);
}
