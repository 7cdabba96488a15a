//! Commands that behave, and those that do not.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use ap_core::KeySource as _;
use ap_keys::{Command, KEY_VARIABLE, NEXT_KEY_VARIABLE};
use tempfile::TempDir;

const KEY: &str = "placeholder-key-of-a-command";

/// Long enough that no run of the tests gets there.
const FOREVER: &str = "600";

fn shell(script: &str) -> Command {
    Command::new("sh").args(["-c", script])
}

fn run(command: &Command, left: Option<Duration>) -> Result<Vec<String>, String> {
    let keys = command.keys(left);
    let debug = format!("{command:?} {keys:?}");
    assert!(!debug.contains("placeholder-key"), "{debug}");
    keys.map(|keys| keys.iter().map(|key| key.expose().to_owned()).collect())
        .map_err(|error| error.to_string())
}

fn in_file(text: &str) -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("out");
    fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn what_it_prints_is_read_one_key_a_line() {
    for (text, expected) in [
        (format!("{KEY}\n"), vec![KEY]),
        (KEY.to_owned(), vec![KEY]),
        (format!("old-key-1\n{KEY}\n"), vec!["old-key-1", KEY]),
    ] {
        let (_folder, path) = in_file(&text);
        let command = Command::new("cat").args([&path]);
        assert_eq!(run(&command, None).unwrap(), expected);
        let label = command.read(None).unwrap()[0].label().unwrap().to_owned();
        assert!(label.ends_with("the command cat"), "{label}");
    }
}

#[test]
fn arguments_go_as_they_are_and_standard_input_is_empty() {
    let (_folder, path) = in_file(KEY);
    let script = r#"[ "$#" = 2 ] && [ "$1" = 'a b; $HOME' ] && [ -z "$(cat)" ] && cat "$2""#;
    let command = shell(script).args(["name", "a b; $HOME", &path]);
    assert_eq!(run(&command, None).unwrap(), [KEY]);
    let command =
        shell(r#"[ -z "$HOME" ] && echo key-without-$((1 + 1))"#).without_variable("HOME");
    assert_eq!(run(&command, None).unwrap(), ["key-without-2"]);
}

#[test]
fn the_keys_of_this_process_are_not_in_its_environment() {
    if std::env::var_os(KEY_VARIABLE).is_none() {
        // Once more, in a process that has some.
        let again = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "the_keys_of_this_process_are_not_in_its_environment",
            ])
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
fn whatever_else_it_does_is_told_without_what_it_printed() {
    let (_folder, key) = in_file(KEY);
    for (script, says) in [
        (format!("cat {key}; exit 3"), "failed (exit status: 3)"),
        (format!("cat {key}; kill -9 $$"), "failed (signal: 9"),
        (
            format!("echo not a $(cat {key})"),
            "line 1: the key holds a blank",
        ),
        ("printf ''".to_owned(), "it is empty"),
        ("printf '\\377\\376'".to_owned(), "not text"),
        (format!("printf '%s\\r\\n' $(cat {key})"), "carriage return"),
        (
            "while :; do cat /dev/zero || exit; done".to_owned(),
            "more than 4096 bytes",
        ),
        (
            format!("for i in 1 2 3 4; do echo $(cat {key})-$i; done"),
            "more than 3",
        ),
    ] {
        let said = run(&shell(&script), None).unwrap_err();
        assert!(said.contains(says), "{script}: {said}");
        assert!(said.contains("the command sh"), "{said}");
    }
    let said = run(&Command::new("/no/such/pass\u{1b}word"), None).unwrap_err();
    assert!(
        said.contains(r"the command pass\u{1b}word cannot be started"),
        "{said}"
    );
}

#[test]
fn a_key_among_its_arguments_is_refused() {
    let said = run(&Command::new("echo").args([KEY]), None).unwrap_err();
    assert!(said.contains("among its arguments"), "{said}");
    let said = run(&shell(&format!("echo {KEY}")), None).unwrap_err();
    assert!(said.contains("among its arguments"), "{said}");
}

fn is_gone(pid: &str) -> bool {
    // One that has been killed stays in the list as a zombie until somebody asks for it.
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| rest.starts_with(" Z"))
    }) || !Path::new(&format!("/proc/{pid}")).exists()
}

fn wait_until(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::yield_now();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn what_takes_too_long_is_killed_with_everything_that_it_started() {
    let folder = TempDir::new().unwrap();
    for script in [
        // It hangs, with a child that holds the output too.
        format!("sleep {FOREVER} & echo $! $$ > pids.tmp; mv pids.tmp pids; wait"),
        // It closes its output and goes on.
        format!("exec >&-; sleep {FOREVER} & echo $! $$ > pids.tmp; mv pids.tmp pids; wait"),
        // It ends well, and leaves somebody behind who holds the output.
        format!("sleep {FOREVER} & echo $! > pids.tmp; mv pids.tmp pids"),
    ] {
        let pids = folder.path().join("pids");
        let command = shell(&format!("cd '{}'; {script}", folder.path().display()));
        // On a busy machine it may be killed before it has begun.
        let mut limit = Duration::from_millis(100);
        while !pids.exists() {
            let said = run(&command, Some(limit)).unwrap_err();
            assert!(said.contains("took longer than"), "{said}");
            limit *= 2;
        }
        let started = fs::read_to_string(&pids).unwrap();
        for pid in started.split_whitespace() {
            wait_until(|| is_gone(pid));
        }
        fs::remove_file(&pids).unwrap();
    }
    let said = run(&shell("echo key"), Some(Duration::ZERO)).unwrap_err();
    assert!(said.contains("no time left"), "{said}");
    let said = run(
        &shell(&format!("exec sleep {FOREVER}")).timeout(Duration::from_millis(20)),
        None,
    );
    assert!(said.unwrap_err().contains("took longer than 20 ms"));
}

#[test]
#[cfg(target_os = "linux")]
fn in_the_foreground_it_stays_in_the_group_of_its_caller() {
    let group = |stat: &str| -> String {
        let rest = stat.rsplit(')').next().unwrap();
        rest.split_whitespace().nth(2).unwrap().to_owned()
    };
    let mine = group(&fs::read_to_string("/proc/self/stat").unwrap());
    // The fields of a process's own line, which are numbers, make a key with a letter before.
    let command = shell("read -r line < /proc/$$/stat; set -- ${line##*)}; echo group-$3");
    let theirs = run(&command, None).unwrap().remove(0);
    assert_ne!(theirs, format!("group-{mine}"));
    let theirs = run(&command.in_foreground(), None).unwrap().remove(0);
    assert_eq!(theirs, format!("group-{mine}"));
}
