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
fn a_key_in_place_of_a_command_is_not_shown() {
    let key = "0123456789abcdef0123";
    for program in [key.to_owned(), format!("./{key}")] {
        let command = Command::new(&program);
        let error = command.keys(None).unwrap_err().to_string();
        assert!(
            error.starts_with("the command cannot be started"),
            "{error}"
        );
        assert!(!error.contains(key), "{error}");
    }
    let command = Command::new(key);
    assert!(!format!("{command:?}").contains(key), "{command:?}");
    let error = command.keys(None).unwrap_err().to_string();
    assert!(error.contains("and not the key itself"), "{error}");
}

#[test]
fn one_key_per_line_is_read() {
    for (text, expected) in [
        (format!("{KEY}\n"), vec![KEY]),
        (KEY.to_owned(), vec![KEY]),
        ("0a1b\n2c3D".to_owned(), vec!["0a1b", "2c3D"]),
        (
            "a-b1\n2c3d\n4e5f\n".to_owned(),
            vec!["a-b1", "2c3d", "4e5f"],
        ),
        ("0a1b\n2c3d\n0a1b\n".to_owned(), vec!["0a1b", "2c3d"]),
        // Other characters in the same places.
        (
            "key-1-0a\nkey-2-b3\n".to_owned(),
            vec!["key-1-0a", "key-2-b3"],
        ),
    ] {
        let (_folder, path) = file_with(&text);
        let command = Command::new("cat").args([&path]);
        assert_eq!(run(&command, None).unwrap(), expected);
        let label = command.read(None).unwrap()[0].label().unwrap().to_owned();
        assert!(label.ends_with("the command cat"), "{label}");
    }
}

#[test]
fn a_further_line_is_a_key_only_if_it_looks_like_the_first() {
    for (second, line) in [
        ("robin@example.com", 2),
        ("login: robin", 2),
        ("short", 2),
        ("", 2),
        // As long as the first one.
        ("0123456789-abcdef", 2),
        ("0123456789abcdéf", 2),
        ("0123456789abcdefg\r", 2),
        ("abcdefghijklmnopq\nhttps://example", 3),
        ("abcdefghijklmnopq\n\nabcdefghijklmnopq", 3),
    ] {
        let (_folder, path) = file_with(&format!("placeholder-key-1\n{second}\n"));
        let command = Command::new("cat").args([&path]);
        let error = run(&command, None).unwrap_err();
        let expected = format!(
            "line {line} of the output of the command cat is not a key of the first one's form; \
             print one key per line; if only the first line is a key, use `Command::first_line()`, \
             or set ACTIVEPROSPECT_KEY_COMMAND_FIRST_LINE=1"
        );
        assert_eq!(error, expected);
        assert_eq!(
            run(&command.first_line(), None).unwrap(),
            ["placeholder-key-1"]
        );
    }
}

#[test]
fn the_first_line_alone_is_read_however_much_follows() {
    for (script, expected) in [
        ("echo key-one", Ok("key-one")),
        ("printf key-one", Ok("key-one")),
        ("printf 'key-one\\n\\377\\n'", Ok("key-one")),
        ("printf 'key-'; printf 'one\\nnote'", Ok("key-one")),
        ("echo key-one; head -c 1000000 /dev/zero", Ok("key-one")),
        (
            "printf '\\nkey-one\\n'",
            Err("line 1 of the output of the command sh: the key is empty"),
        ),
        ("printf ''", Err("the output of the command sh is empty")),
        (
            "head -c 5000 /dev/zero",
            Err("printed more than 4096 bytes"),
        ),
        ("echo key-one; exit 3", Err("failed (exit status: 3)")),
    ] {
        match (run(&shell(script).first_line(), None), expected) {
            (Ok(keys), Ok(key)) => assert_eq!(keys, [key], "{script}"),
            (Err(error), Err(expected)) => assert!(error.contains(expected), "{error}"),
            (result, _) => panic!("{script}: {result:?}"),
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn what_a_successful_command_printed_counts_although_its_child_keeps_the_output_open() {
    let (folder, _) = folder();
    for script in [
        format!("sleep {FOREVER} 2>/dev/null & echo $! > pids; echo 0123456; echo abcdefg"),
        // The child prints too.
        format!(
            "echo 0123456; {{ echo abcdefg; : > printed; exec sleep {FOREVER} 2>/dev/null; }} & \
             echo $! > pids; until [ -e printed ]; do sleep 0.01; done; rm printed"
        ),
    ] {
        let command = shell(&format!("cd '{}'; {script}", folder.path().display()));
        for command in [command.clone(), command.in_foreground()] {
            assert_eq!(run(&command, None).unwrap(), ["0123456", "abcdefg"]);
            let pid = fs::read_to_string(folder.path().join("pids")).unwrap();
            assert!(!has_ended(pid.trim()), "it is none of our business");
            let kill = std::process::Command::new("kill").arg(pid.trim()).status();
            assert!(kill.unwrap().success());
        }
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
            "for i in 1 2 3 4; do echo placeholder$i; done".to_owned(),
            "the output of the command sh contains more than 3 keys",
        ),
    ] {
        let error = run(&shell(&script), None).unwrap_err();
        assert!(error.contains(expected), "{script}: {error}");
        assert!(error.contains("the command sh"), "{error}");
    }
    let error = run(&Command::new("~/bin/get-key"), None).unwrap_err();
    assert!(
        error.contains("write the whole path: only a shell replaces ~"),
        "{error}"
    );
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
