//! The cases that a subject is expected to fail, each with a reason.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The cases that a subject is expected to fail: ids and reasons.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExpectedFailures(BTreeMap<String, String>);

/// One entry of a list in JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedFailure {
    pub id: String,
    pub reason: String,
}

impl ExpectedFailures {
    pub(crate) fn add(&mut self, id: &str, reason: &str) -> Result<(), InvalidExpectedFailure> {
        if reason.trim().is_empty() {
            return Err(InvalidExpectedFailure::NoReason(id.to_owned()));
        }
        self.0.insert(id.to_owned(), reason.to_owned());
        Ok(())
    }

    /// Returns the reason, if the case is expected to fail.
    pub(crate) fn reason(&self, id: &str) -> Option<&str> {
        self.0.get(id).map(String::as_str)
    }
}

/// Parses a list `[{"id": …, "reason": …}]`.
pub(crate) fn parse(list: &str) -> Result<Vec<ExpectedFailure>, InvalidExpectedFailure> {
    serde_json::from_str(list)
        .map_err(|error| InvalidExpectedFailure::InvalidList(error.to_string()))
}

/// Why an expected failure is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidExpectedFailure {
    /// No case has this id.
    #[error("there is no case {0:?}, so it cannot be expected to fail; check the id")]
    UnknownCase(String),
    /// The reason is empty.
    #[error("the expected failure of {0:?} has no reason; say why the rule cannot be kept")]
    NoReason(String),
    /// The text is not a list of ids and reasons.
    #[error("the expected failures are not a JSON list of objects with `id` and `reason`: {0}")]
    InvalidList(String),
}
