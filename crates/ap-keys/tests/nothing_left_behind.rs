//! Threads and open files after each question to a command. Each question has a process of its own, since it counts.

#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use ap_keys::Command;

/// Seconds, more than the test ever takes.
const FOREVER: &str = "600";

/// Names the script, by its place in [`SCRIPTS`], to a process of its own.
const SCRIPT: &str = "SCRIPT";

/// Scripts, and `true` for those that answer.
const SCRIPTS: [(&str, bool); 11] = [
    ("echo 0123456", true),
    ("exec >&-; exit 0", false),
    ("echo 0123456; exit 1", false),
    ("kill -9 $$", false),
    ("cat /dev/zero", false),
    // A child keeps the output open.
    (
        "sleep FOREVER 2>/dev/null & echo $! >&2; echo 0123456",
        true,
    ),
    ("sleep FOREVER 2>/dev/null & echo $! >&2; exit 0", false),
    ("sleep FOREVER 2>/dev/null & echo $! >&2; exit 1", false),
    // It hangs, and is killed with its child.
    ("sleep FOREVER 2>/dev/null & echo 0123456; wait", false),
    ("exec >&-; exec sleep FOREVER", false),
    ("exec sleep FOREVER", false),
];

/// Returns the number of open files and of threads of this process.
fn count() -> [usize; 2] {
    ["/proc/self/fd", "/proc/self/task"].map(|path| fs::read_dir(path).unwrap().count())
}

#[test]
fn no_question_leaves_a_thread_or_an_open_file_behind() {
    if let Some(place) = std::env::var_os(SCRIPT) {
        let place: usize = place.to_str().unwrap().parse().unwrap();
        return check(SCRIPTS[place]);
    }
    let start = |place: usize| {
        let mut program = std::process::Command::new(std::env::current_exe().unwrap());
        program
            .args(["--exact", "--nocapture"])
            .arg("no_question_leaves_a_thread_or_an_open_file_behind")
            .env(SCRIPT, place.to_string());
        program.stdout(Stdio::piped()).stderr(Stdio::piped());
        program.spawn().unwrap()
    };
    // They mostly wait.
    let programs: Vec<_> = (0..SCRIPTS.len()).map(start).collect();
    for (program, (script, _)) in programs.into_iter().zip(SCRIPTS) {
        let output = program.wait_with_output().unwrap();
        let has_run = String::from_utf8_lossy(&output.stdout).contains(" 1 passed;");
        assert!(output.status.success() && has_run, "{script}: {output:?}");
    }
}

fn check((script, is_answered): (&str, bool)) {
    let before = count();
    for first_line in [false, true] {
        let script = script.replace("FOREVER", FOREVER);
        // The children that go on are killed at the end, by the numbers in this file.
        let pids = tempfile::NamedTempFile::new().unwrap();
        let script = script.replace(">&2", &format!("> {}", pids.path().display()));
        let hangs = !is_answered && (script.contains("wait") || script.contains("exec sleep"));
        let limit = Duration::from_secs(if hangs { 1 } else { 100 });
        let mut asked = Command::new("sh").args(["-c", &script]).timeout(limit);
        if first_line {
            asked = asked.first_line();
        }
        let files_before = count();
        assert_eq!(asked.read(None).is_ok(), is_answered, "{script}");
        assert_eq!(count(), files_before, "{script}");
        let pid = fs::read_to_string(pids.path()).unwrap();
        if !pid.is_empty() {
            std::process::Command::new("kill")
                .arg(pid.trim())
                .status()
                .unwrap();
        }
    }
    assert!(Command::new("/no/such/program").read(None).is_err());
    assert_eq!(count(), before);
}
