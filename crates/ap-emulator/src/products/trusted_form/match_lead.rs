//! Match lead: is the lead the one of the certificate?

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::identifiers::{is_email, is_phone};
use super::refusal::Refusal;
use super::texts::Texts;
use crate::example_data::certificates::Kind;

/// The most email addresses, and the most phone numbers.
const MAX_VALUES: usize = 3;

#[derive(Debug, Deserialize)]
pub(super) struct MatchLead {
    email: Option<Texts>,
    phone: Option<Texts>,
}

impl MatchLead {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let is_too_long = |texts: &Option<Texts>| {
            texts
                .as_ref()
                .is_some_and(|texts| texts.as_slice().len() > MAX_VALUES)
        };
        let reason = if self.email.is_none() && self.phone.is_none() {
            "match_lead must contain either phone or email keys"
        } else if is_too_long(&self.phone) {
            "match_lead phone must be a list of 3 or less phone numbers"
        } else if is_too_long(&self.email) {
            "match_lead email must be a list of 3 or less email addresses"
        } else {
            return Ok(());
        };
        Err(Refusal::Invalid(reason))
    }

    /// Returns the results, and why the operation failed. A member of the result is missing if there was nothing to
    /// compare: the vendor documents null, and a type that cannot be null.
    pub(super) fn run(&self, kind: Kind) -> Result<(Value, Option<&'static str>), Refusal> {
        if !kind.is_web() {
            return Err(Refusal::Invalid("match_lead requires a web certificate"));
        }
        let mut results = Map::new();
        let mut result = Map::new();
        let mut is_match = false;
        let mut compare = |name: &str, texts: &Option<Texts>, is_same: fn(&str) -> bool| {
            let Some(texts) = texts else {
                return;
            };
            let is_one_same = texts.as_slice().iter().any(|text| is_same(text));
            is_match |= is_one_same;
            result.insert(format!("{name}_match"), is_one_same.into());
            results.insert(name.to_owned(), json!(texts));
        };
        compare("email", &self.email, is_email);
        compare("phone", &self.phone, is_phone);
        result.insert("success".to_owned(), is_match.into());
        results.insert("result".to_owned(), Value::Object(result));
        Ok((
            Value::Object(results),
            (!is_match).then_some("No matches found"),
        ))
    }
}
