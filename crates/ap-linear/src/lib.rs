//! Checks in the tests of the other crates that instructions grow no faster than the input.
//!
//! Callgrind counts them, so that the machine's load makes no difference. Without valgrind, the checks say on
//! standard error that they are skipped.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::panic)] // It is a part of tests.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;

/// Set for a test that was started again, by [`assert_linear`], to be counted.
const IS_COUNTED: &str = "LINEAR_IS_COUNTED";

/// Checks that each task takes at most eleven times as many instructions for ten times as much input.
///
/// `test` is the full name of the test that calls this. It is started again in a process of its own, under
/// valgrind, where `run` runs each task with inputs of three lengths: 0, `length` and ten times `length`.
///
/// # Panics
///
/// If a task takes more.
pub fn assert_linear<T>(test: &str, length: usize, tasks: &[(&str, T)], run: impl Fn(&T, usize)) {
    let lengths = [0, length, 10 * length];
    if std::env::var_os(IS_COUNTED).is_some() {
        for (_, task) in tasks {
            for length in lengths {
                begin_count();
                run(task, length);
            }
        }
        return begin_count();
    }
    let folder = tempfile::tempdir().unwrap();
    let mut program = Command::new(std::env::current_exe().unwrap());
    program
        .args(["--exact", test, "--test-threads=1"])
        .env(IS_COUNTED, "1");
    // A new count begins where `begin_count` is called, and is a file of its own: out.1, out.2 and so on.
    let options = ["--dump-before=*ap_linear*begin_count*"];
    let Some(_) = count(&program, &options, &folder.path().join("out")) else {
        return;
    };
    // The first count is of everything before the tasks.
    let mut files = (2..).map(|number| folder.path().join(format!("out.{number}")));
    for (name, _) in tasks {
        let counts = lengths.map(|_| read_count(&files.next().unwrap()));
        check(name, counts);
    }
}

/// Checks that a program takes at most eleven times as many instructions for ten times as much input.
///
/// `program` returns the program for an input of this length: 0, `length` or ten times `length`.
///
/// # Panics
///
/// If it takes more, or if it fails.
pub fn assert_program(name: &str, length: usize, program: impl FnMut(usize) -> Command) {
    let programs = [0, length, 10 * length].map(program);
    // All at the same time, since one count does not depend on another.
    let counts = std::thread::scope(|scope| {
        let counts = programs.each_ref().map(|program| {
            scope.spawn(|| {
                let folder = tempfile::tempdir().unwrap();
                count(program, &[], &folder.path().join("out"))
            })
        });
        counts.map(|counted| counted.join().unwrap())
    });
    if let [Some(none), Some(few), Some(many)] = counts {
        check(name, [none, few, many]);
    }
}

fn check(name: &str, [none, few, many]: [u64; 3]) {
    let (few, many) = (few.saturating_sub(none), many.saturating_sub(none));
    eprintln!("{name}: {none} without input, {few} for n, {many} for 10 n");
    assert!(many <= few * 11, "{name}: {few} for n, {many} for 10 n");
}

/// Where callgrind ends one count and begins the next.
#[inline(never)]
fn begin_count() {
    black_box(());
}

/// Counts the instructions that a program takes in user space, and writes the counts to files whose names begin
/// with `output`. Returns the last of them, or `None` without valgrind.
fn count(program: &Command, options: &[&str], output: &Path) -> Option<u64> {
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--dump-line=no"])
        .args(options)
        .arg(format!("--callgrind-out-file={}", output.display()))
        .arg(program.get_program())
        .args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let Ok(counted) = command.output() else {
        eprintln!("skipped: valgrind, which counts instructions, is not installed");
        return None;
    };
    assert!(counted.status.success(), "{counted:?}");
    Some(read_count(output))
}

fn read_count(file: &Path) -> u64 {
    let text = fs::read_to_string(file).unwrap();
    let count = text.lines().find_map(|line| line.strip_prefix("summary:"));
    count.unwrap().trim().parse().unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(count: usize) {
        black_box((0..count).fold(0, |sum: usize, one| sum ^ black_box(one)));
    }

    #[test]
    fn a_task_that_grows_in_proportion_passes() {
        let test = "tests::a_task_that_grows_in_proportion_passes";
        assert_linear(test, 1000, &[("a sum", ())], |(), length| add(length));
    }

    #[test]
    fn a_task_that_grows_with_the_square_fails() {
        let check = || {
            let test = "tests::a_task_that_grows_with_the_square_fails";
            assert_linear(test, 100, &[("sums", ())], |(), length| {
                (0..length).for_each(add);
            });
        };
        let is_skipped = Command::new("valgrind").arg("--version").output().is_err();
        let is_counted = std::env::var_os(IS_COUNTED).is_some();
        let is_linear = std::panic::catch_unwind(check).is_ok();
        assert_eq!(is_linear, is_skipped || is_counted);
    }
}
