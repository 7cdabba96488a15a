//! The example subjects in other languages pass every case of the profile `key-safety` that applies to them.

use std::io::Write as _;

use crate::programs::PROGRAMS;
use ap_conformance::{Profile, Suite};

/// If the variable of an interpreter is set, it is a failure that the interpreter is missing.
fn variable(interpreter: &str) -> &'static str {
    match interpreter {
        "node" => "ACTIVEPROSPECT_TESTS_NEED_NODE",
        _ => "ACTIVEPROSPECT_TESTS_NEED_PYTHON",
    }
}

/// Judges an example. If its interpreter is missing, says that the test is skipped, or fails if it must not be.
fn check(name: &str) {
    let program = PROGRAMS.iter().find(|program| program.name == name);
    let program = program.unwrap();
    let suite = Suite::builtin().profile(Profile::KeySafety);
    if let Some(report) = program.check(suite).unwrap() {
        return report.assert_strict();
    }
    let (interpreter, variable) = (program.interpreter, variable(program.interpreter));
    assert!(
        std::env::var_os(variable).is_none(),
        "there is no `{interpreter}` in PATH; {variable} is set"
    );
    // Written past the test runner, which hides the output of passing tests.
    let _ = writeln!(
        std::io::stderr(),
        "skipped: the subject {name}: there is no `{interpreter}` in PATH"
    );
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
