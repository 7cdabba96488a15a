//! The example subjects in other languages pass every case of the profile `key-safety` that applies to them.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::process::{Command, Stdio};

use ap_conformance::{Capability, Profile, Suite};

/// Judges an example, if its interpreter is installed.
fn check(interpreter: &str, example: &str, lacks: Option<(Capability, &str)>) {
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
    let mut suite = Suite::builtin().profile(Profile::KeySafety);
    if let Some((capability, reason)) = lacks {
        suite = suite.without(capability, reason).unwrap();
    }
    suite
        .subject(example)
        .check_program(&program)
        .assert_strict();
}

#[test]
fn the_subject_in_python_passes() {
    check("python3", "subject.py", None);
}

#[test]
fn the_subject_in_node_passes() {
    let lacks = (Capability::Proxy, "it connects directly");
    check("node", "subject.mjs", Some(lacks));
}
