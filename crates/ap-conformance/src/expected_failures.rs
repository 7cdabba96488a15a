//! The cases that a subject is expected to fail, each with a reason.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The cases that a subject is expected to fail, by their ids.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExpectedFailures(BTreeMap<String, Expectation>);

/// Why a case is expected to fail.
#[derive(Clone, Debug)]
pub(crate) struct Expectation {
    pub reason: String,
    /// The case fails or passes, depending on timing.
    pub may_pass: bool,
}

/// One entry of a list in JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedFailure {
    pub id: String,
    pub reason: String,
    #[serde(default)]
    pub may_pass: bool,
}

impl ExpectedFailures {
    pub(crate) fn add(&mut self, entry: ExpectedFailure) -> Result<(), InvalidExpectedFailure> {
        let ExpectedFailure {
            id,
            reason,
            may_pass,
        } = entry;
        if reason.trim().is_empty() {
            return Err(InvalidExpectedFailure::NoReason(id));
        }
        self.0.insert(id, Expectation { reason, may_pass });
        Ok(())
    }

    /// Returns why the case is expected to fail, if it is.
    pub(crate) fn get(&self, id: &str) -> Option<&Expectation> {
        self.0.get(id)
    }
}

/// Parses a list `[{"id": …, "reason": …, "may_pass": true}]`; `may_pass` can be left out.
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
