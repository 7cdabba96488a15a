//! Threads and open files after each question to a command. This test is alone in its process, since it counts.

#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

use std::fs;
use std::time::Duration;

use ap_keys::Command;

/// Seconds, more than the test ever takes.
const FOREVER: &str = "600";

/// Returns the number of open files and of threads of this process.
fn count() -> [usize; 2] {
    ["/proc/self/fd", "/proc/self/task"].map(|path| fs::read_dir(path).unwrap().count())
}

#[test]
fn no_question_leaves_a_thread_or_an_open_file_behind() {
    let before = count();
    for (script, is_answered) in [
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
    ] {
        for command in [false, true] {
            let script = script.replace("FOREVER", FOREVER);
            // The children that go on are killed at the end, by the numbers in this file.
            let pids = tempfile::NamedTempFile::new().unwrap();
            let script = script.replace(">&2", &format!("> {}", pids.path().display()));
            let hangs = !is_answered && (script.contains("wait") || script.contains("exec sleep"));
            let limit = Duration::from_secs(if hangs { 1 } else { 100 });
            let mut asked = Command::new("sh").args(["-c", &script]).timeout(limit);
            if command {
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
    }
    assert!(Command::new("/no/such/program").read(None).is_err());
    assert_eq!(count(), before);
}
