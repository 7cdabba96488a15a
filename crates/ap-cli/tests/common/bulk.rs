//! What the tests of bulk commands have in common.

use std::process::Command;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::counting::{Answer, Counting, Request};
use super::{Home, KEY, VARIABLE};

/// A list of the emulator.
pub(crate) const LIST: &str = "do_not_call";

/// Writes a file of a test, and returns its path as an argument.
pub(crate) fn write(home: &Home, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = home.file(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// Answers that a value is not on the list.
pub(crate) fn not_found(request: &Request) -> Answer {
    let body = format!(
        r#"{{"specified_lists":["a"],"key":"{}","found":false}}"#,
        request.last_segment()
    );
    (404, "", body)
}

/// Parses one JSON object a line.
pub(crate) fn objects(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Returns rows `v1`, `v2` and so on.
pub(crate) fn numbers(count: usize) -> String {
    (1..=count).map(|number| format!("v{number}\n")).collect()
}

/// The process that a server looks at, or ends.
pub(crate) type Target = Arc<OnceLock<u32>>;

/// Starts a command with a key, and tells the server which process it is.
pub(crate) fn start(mut command: Command, target: &Target) -> std::process::Child {
    command.env(VARIABLE, KEY);
    let child = super::spawn(command);
    target.set(child.id()).unwrap();
    child
}

/// Returns a server that kills a process at a request, before it answers, and the place for that process.
#[cfg(unix)]
pub(crate) fn killing_at(
    at: usize,
    answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
) -> (Counting, Target) {
    let target = Target::default();
    let server = Counting::new({
        let target = Arc::clone(&target);
        move |request| {
            if request.number == at {
                super::send_signal(*target.wait(), "KILL");
            }
            answer(request)
        }
    });
    (server, target)
}

/// Returns the peak memory of a check of this input, in KiB, as it is at that call.
#[cfg(target_os = "linux")]
pub(crate) fn peak_memory(
    file: &str,
    input: &[u8],
    call: usize,
    options: &[&str],
    code: i32,
) -> u64 {
    let target = Target::default();
    let peak: Arc<OnceLock<String>> = Arc::default();
    let server = Counting::new({
        let (target, peak) = (Arc::clone(&target), Arc::clone(&peak));
        move |request| {
            if request.number == call {
                let status = format!("/proc/{}/status", target.wait());
                peak.set(std::fs::read_to_string(status).unwrap()).unwrap();
            }
            not_found(request)
        }
    });
    let home = Home::new();
    let (path, output) = (write(&home, file, input), home.file("out.jsonl"));
    let origin = server.as_suppressionlist();
    let arguments = [&origin, "lists", "check", "a", &path, "-o", &output];
    let command = home.ap(&[&arguments, options].concat());
    let status = start(command, &target).wait().unwrap();
    assert_eq!(status.code(), Some(code));
    let status = peak.get().unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
