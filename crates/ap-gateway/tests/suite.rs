//! The suite judges the gateway from outside, by a program that makes its calls through it.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::PathBuf;

use ap_conformance::{Profile, Suite};

/// Returns the example, which cargo builds with the tests.
fn subject() -> String {
    let test = std::env::current_exe().unwrap();
    let folder: PathBuf = test.ancestors().nth(2).unwrap().to_owned();
    folder.join("examples/subject").display().to_string()
}

#[test]
fn the_gateway_passes_key_safety_but_for_the_listed_cases() {
    let suite = Suite::builtin().expected_failures(include_str!("expected-failures.json"));
    suite
        .unwrap()
        .profile(Profile::KeySafety)
        .subject("a program that calls through the gateway")
        .check_program(&subject())
        .assert_strict();
}
