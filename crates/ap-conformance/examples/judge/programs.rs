//! The example subjects in other languages, and what they do not offer.

use std::process::Command;

use ap_conformance::{Capability, ChoiceError, Report, Suite};

use super::lacks::without;

pub(crate) struct Program {
    pub name: &'static str,
    pub interpreter: &'static str,
    file: &'static str,
    lacks: &'static [(Capability, &'static str)],
    judge: fn(&Suite, &str) -> Report,
}

pub(crate) const PROGRAMS: [Program; 3] = [
    Program {
        name: "python",
        interpreter: "python3",
        file: "subject.py",
        lacks: &[],
        judge: Suite::check_program,
    },
    Program {
        name: "node",
        interpreter: "node",
        file: "subject.mjs",
        lacks: &[(Capability::Proxy, "it connects directly")],
        judge: Suite::check_program,
    },
    Program {
        name: "minimal",
        interpreter: "python3",
        file: "minimal_subject.py",
        lacks: &[
            (
                Capability::ConnectionReuse,
                "it opens a connection for each request",
            ),
            (Capability::Proxy, "it connects directly"),
            (Capability::EarlyResponses, "http.client sends first"),
            (Capability::ResponseLimits, "http.client reads what it can"),
            (Capability::Http10, "http.client reads what it can"),
        ],
        judge: Suite::check_transport_program,
    },
];

impl Program {
    /// Judges it, if its interpreter is installed.
    pub(crate) fn check(&self, suite: Suite) -> Result<Option<Report>, ChoiceError> {
        let version = Command::new(self.interpreter).arg("--version").output();
        let Some(version) = version.ok().filter(|version| version.status.success()) else {
            return Ok(None);
        };
        let version = String::from_utf8_lossy(&version.stdout);
        let version = version.trim().trim_start_matches("Python ");
        let name = format!("{} ({} {version})", self.file, self.interpreter);
        let suite = suite.subject(&name);
        let suite = without(suite, self.lacks)?;
        let folder = env!("CARGO_MANIFEST_DIR");
        let command = format!("{} {folder}/examples/{}", self.interpreter, self.file);
        Ok(Some((self.judge)(&suite, &command)))
    }
}
