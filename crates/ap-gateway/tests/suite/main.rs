//! The suite judges the gateway from outside, by a program that makes its calls through it.
//!
//! This test has no harness: the suite starts the same executable again, as that program.
#![allow(missing_docs, clippy::unwrap_used)]

mod subject;

use ap_conformance::{Profile, Suite};

/// The argument that makes this the program.
const AS_SUBJECT: &str = "--as-subject";

fn main() -> Result<(), subject::Failure> {
    if std::env::args().any(|argument| argument == AS_SUBJECT) {
        return subject::run();
    }
    // The suite starts programs through a shell; without one, there is nothing to judge.
    if cfg!(unix) {
        the_gateway_passes_key_safety_but_for_the_listed_cases();
    }
    Ok(())
}

fn the_gateway_passes_key_safety_but_for_the_listed_cases() {
    let program = std::env::current_exe().unwrap();
    let suite = Suite::builtin().expected_failures(include_str!("expected-failures.json"));
    let report = suite
        .unwrap()
        .profile(Profile::KeySafety)
        .subject("a program that calls through the gateway")
        .check_program(&format!("'{}' {AS_SUBJECT}", program.display()));
    report.assert_strict();
    println!("{report}");
}
