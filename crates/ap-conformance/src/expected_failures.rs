//! The cases that a subject is expected to fail, each with a reason.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::choice::ChoiceError;

/// The cases that a subject is expected to fail, by their ids.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExpectedFailures(BTreeMap<String, Expectation>);

/// Why a case is expected to fail.
#[derive(Clone, Debug)]
pub(crate) struct Expectation {
    pub reason: String,
    /// What the result of the failure contains.
    pub result: Option<String>,
    /// The case fails or passes, depending on timing.
    pub may_pass: bool,
}

impl Expectation {
    /// Returns `true` if a failure with this result is the expected one.
    pub(crate) fn covers(&self, result: &str) -> bool {
        self.result
            .as_ref()
            .is_none_or(|expected| result.contains(expected))
    }
}

/// One entry of a list in JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedFailure {
    pub id: String,
    pub reason: String,
    #[serde(default)]
    pub result: Option<String>,
    #[serde(default)]
    pub may_pass: bool,
}

impl ExpectedFailures {
    pub(crate) fn add(&mut self, entry: ExpectedFailure) -> Result<(), ChoiceError> {
        let ExpectedFailure {
            id,
            reason,
            result,
            may_pass,
        } = entry;
        ChoiceError::check_reason(&id, &reason)?;
        let expectation = Expectation {
            reason,
            result,
            may_pass,
        };
        self.0.insert(id, expectation);
        Ok(())
    }

    /// Returns why the case is expected to fail, if it is.
    pub(crate) fn get(&self, id: &str) -> Option<&Expectation> {
        self.0.get(id)
    }
}

/// Parses a list `[{"id": …, "reason": …, "result": …, "may_pass": true}]`; the last two can be left out.
pub(crate) fn parse(list: &str) -> Result<Vec<ExpectedFailure>, ChoiceError> {
    serde_json::from_str(list).map_err(|error| ChoiceError::InvalidList(error.to_string()))
}
