//! The example subjects in other languages pass every case of the profile `key-safety` that applies to them.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::process::{Command, Stdio};

use ap_conformance::{Profile, Suite};

/// Judges an example, if its interpreter is installed.
fn check(interpreter: &str, example: &str) {
    let version = Command::new(interpreter)
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if !version.is_ok_and(|status| status.success()) {
        return;
    }
    let program = format!(
        "{interpreter} {}/examples/{example}",
        env!("CARGO_MANIFEST_DIR")
    );
    let suite = Suite::builtin().profile(Profile::KeySafety);
    suite
        .subject(example)
        .check_program(&program)
        .assert_strict();
}

#[test]
fn the_subject_in_python_passes() {
    check("python3", "subject.py");
}
