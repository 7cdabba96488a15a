//! The example subjects in other languages pass every case of the profile `key-safety` that applies to them.

use crate::programs::PROGRAMS;
use ap_conformance::{Profile, Suite};

/// Judges an example, if its interpreter is installed.
fn check(name: &str) {
    let program = PROGRAMS.iter().find(|program| program.name == name);
    let suite = Suite::builtin().profile(Profile::KeySafety);
    if let Some(report) = program.unwrap().check(suite).unwrap() {
        report.assert_strict();
    }
}

#[test]
fn the_subject_in_python_passes() {
    check("python");
}

#[test]
fn the_subject_in_node_passes() {
    check("node");
}

#[test]
fn the_minimal_subject_passes_what_it_declares() {
    check("minimal");
}
