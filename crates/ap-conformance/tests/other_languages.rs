//! The example subjects in other languages pass every case of the profile `key-safety` that applies to them.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::process::{Command, Stdio};

use ap_conformance::{Capability, Profile, Report, Suite};

/// Judges an example, if its interpreter is installed.
fn check(
    interpreter: &str,
    example: &str,
    lacks: &[(Capability, &str)],
    judge: fn(&Suite, &str) -> Report,
) {
    let version = Command::new(interpreter)
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if !version.is_ok_and(|status| status.success()) {
        return;
    }
    let folder = env!("CARGO_MANIFEST_DIR");
    let program = format!("{interpreter} {folder}/examples/{example}");
    let suite = Suite::builtin().profile(Profile::KeySafety);
    let suite = lacks.iter().fold(suite, |suite, (capability, reason)| {
        suite.without(*capability, reason).unwrap()
    });
    judge(&suite.subject(example), &program).assert_strict();
}

#[test]
fn the_subject_in_python_passes() {
    check("python3", "subject.py", &[], Suite::check_program);
}

#[test]
fn the_subject_in_node_passes() {
    let lacks = (Capability::Proxy, "it connects directly");
    check("node", "subject.mjs", &[lacks], Suite::check_program);
}

#[test]
fn the_minimal_subject_passes_what_it_declares() {
    let reads = "http.client reads what it can";
    let lacks = [
        (
            Capability::ConnectionReuse,
            "it opens a connection for each request",
        ),
        (Capability::Proxy, "it connects directly"),
        (Capability::EarlyResponses, "http.client sends first"),
        (Capability::ResponseLimits, reads),
        (Capability::Http10, reads),
    ];
    let judge = Suite::check_transport_program;
    check("python3", "minimal_subject.py", &lacks, judge);
}
