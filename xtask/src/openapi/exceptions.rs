//! What the check does not demand, with the reasons: `xtask/openapi/exceptions.json`.

use ap_emulator::Product;
use serde::Deserialize;
use serde_json::Value;

use super::description::Description;
use crate::repo;

const FILE: &str = "xtask/openapi/exceptions.json";

/// The exceptions. Each that is not needed any more fails the check.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exceptions {
    /// Where a description is wrong, and what is right.
    pub(crate) corrections: Vec<Correction>,
    /// Operations that no description has.
    pub(crate) undescribed: Vec<Group>,
    /// Operations that the emulator does not serve.
    pub(crate) not_served: Vec<Group>,
}

/// A part of a description that is wrong.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Correction {
    /// The name of the description's file.
    pub(crate) description: String,
    /// A JSON pointer into that file.
    pub(crate) at: String,
    /// What is right there.
    value: Value,
    /// Why.
    reason: String,
}

/// Operations with one reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    pub(crate) reason: String,
    /// Each as `product METHOD /path`.
    pub(crate) operations: Vec<String>,
}

impl Exceptions {
    /// Reads the file.
    pub(crate) fn read() -> Result<Self, String> {
        let text = repo::read(&repo::root().join(FILE))?;
        let exceptions: Self =
            serde_json::from_str(&text).map_err(|error| format!("{FILE}: {error}"))?;
        let groups = exceptions.undescribed.iter().chain(&exceptions.not_served);
        let mut reasons = groups.map(|group| &group.reason).chain(
            exceptions
                .corrections
                .iter()
                .map(|correction| &correction.reason),
        );
        match reasons.any(|reason| reason.trim().is_empty()) {
            true => Err(format!(
                "{FILE}: an exception has no reason; say why it is one"
            )),
            false => Ok(exceptions),
        }
    }

    /// Returns the descriptions with their corrections, but for one.
    pub(crate) fn correct(
        &self,
        descriptions: &[Description],
        but: Option<usize>,
    ) -> Result<Vec<Description>, String> {
        let mut corrected = descriptions.to_vec();
        for (at, correction) in self.corrections.iter().enumerate() {
            if Some(at) == but {
                continue;
            }
            let mut named = corrected.iter_mut();
            named
                .find(|description| description.name == correction.description)
                .ok_or_else(|| {
                    format!(
                        "{FILE}: there is no description {:?}",
                        correction.description
                    )
                })?
                .correct(&correction.at, &correction.value)?;
        }
        Ok(corrected)
    }
}

/// Returns the reason of an operation in a list of groups.
pub(crate) fn reason<'a>(groups: &'a [Group], operation: &str) -> Option<&'a str> {
    let mut groups = groups.iter();
    let group = groups.find(|group| group.operations.iter().any(|listed| listed == operation));
    group.map(|group| group.reason.as_str())
}

/// Returns an operation as the lists write it.
pub(crate) fn name(product: Product, method: &str, path: &str) -> String {
    format!("{} {method} {path}", product.id())
}
