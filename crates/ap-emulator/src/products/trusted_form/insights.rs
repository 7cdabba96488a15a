//! Insights: properties of the event, and a search of the page.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::page_scan::{Found, PageScan};
use super::refusal::Refusal;
use super::texts::Texts;
use crate::example_data::certificates::{Kind, Times, properties};

#[derive(Debug, Deserialize)]
pub(super) struct Insights {
    properties: Vec<String>,
    scans: Option<Scans>,
}

#[derive(Debug, Deserialize)]
struct Scans {
    required: Option<Texts>,
    forbidden: Option<Texts>,
    delimiter: Option<String>,
}

impl Insights {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let delimiter = self
            .scans
            .as_ref()
            .and_then(|scans| scans.delimiter.as_deref());
        match delimiter {
            // Which other lengths are invalid is not documented.
            Some("") => Err(Refusal::Invalid("Invalid delimiter length")),
            Some(delimiter) if delimiter.contains(char::is_whitespace) => Err(Refusal::Invalid(
                "Invalid delimiter contains whitespace characters",
            )),
            _ => Ok(()),
        }
    }

    /// Returns the results, and why the operation failed.
    pub(super) fn run(
        &self,
        kind: Kind,
        times: Times,
    ) -> Result<(Value, Option<&'static str>), Refusal> {
        let known = properties(kind, times);
        let mut shown = Map::new();
        for name in &self.properties {
            let Some(value) = known.get(name) else {
                return Err(Refusal::Invalid("Invalid property key(s) requested"));
            };
            let value = if kind.has_property(name) {
                value.clone()
            } else {
                Value::Null
            };
            shown.insert(name.clone(), value);
        }
        let mut results = json!({ "properties": shown });
        let Some(scans) = &self.scans else {
            return Ok((results, None));
        };
        let (scanned, is_successful) = scans.run(kind);
        results["scans"] = scanned;
        let reason = (!is_successful).then_some("Insights page scans unsuccessful");
        Ok((results, reason))
    }
}

impl Scans {
    fn run(&self, kind: Kind) -> (Value, bool) {
        let scan = PageScan::new(kind.is_web(), self.delimiter.as_deref());
        let none = Texts::default();
        let required = self.required.as_ref().unwrap_or(&none);
        let forbidden = self.forbidden.as_ref().unwrap_or(&none);
        let (found, forbidden_found) = (
            scan.search(required.as_slice()),
            scan.search(forbidden.as_slice()),
        );
        let is_successful = found.not_found.is_empty() && forbidden_found.found.is_empty();
        let was_asked = !required.as_slice().is_empty() || !forbidden.as_slice().is_empty();
        let mut results = json!({
            "required": required,
            "forbidden": forbidden,
            "result": {
                "required": by_result(&found),
                "forbidden": by_result(&forbidden_found),
                "success": was_asked.then_some(is_successful),
            },
        });
        if let Some(delimiter) = &self.delimiter {
            results["delimiter"] = json!(delimiter);
        }
        (results, is_successful)
    }
}

fn by_result(terms: &Found<'_>) -> Value {
    json!({ "found": terms.found, "not_found": terms.not_found })
}
