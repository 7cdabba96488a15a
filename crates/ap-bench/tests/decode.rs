//! Decoding a page of events costs little more than decoding it into bare structs.
#![allow(clippy::unwrap_used)]

use std::process::Command;

/// How many instructions typed events may take, in hundredths of those of bare structs.
const AT_MOST: u64 = 170;

/// Counts the instructions of decoding a page of 100 events once. `None` without valgrind.
fn instructions(name: &str) -> Option<u64> {
    let count = |times: u64| {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(env!("CARGO_BIN_EXE_ap-bench"))
            .args(["micro", name, &times.to_string()])
            .output()
            .ok()?;
        assert!(output.status.success(), "{name}");
        let report = String::from_utf8_lossy(&output.stderr);
        let mut lines = report.lines();
        let line = lines.find_map(|line| line.split_once("Collected :"));
        Some(line.unwrap().1.trim().parse::<u64>().unwrap())
    };
    // What is made beforehand is not counted.
    Some(count(1)? - count(0)?)
}

#[test]
fn events_take_at_most_1_7_times_the_instructions_of_bare_structs() {
    let Some(bare) = instructions("decode-bare-100-events") else {
        eprintln!("skipped: valgrind, which counts instructions, is not installed");
        return;
    };
    let typed = instructions("decode-100-events").unwrap();
    eprintln!("{typed} instructions, {bare} for bare structs");
    assert!(
        typed * 100 <= bare * AT_MOST,
        "{typed}, {bare} for bare structs"
    );
}
