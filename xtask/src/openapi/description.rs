//! The facts of a product's API description as the project keeps them, and the validators of their schemas.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use ap_emulator::Product;
use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, ValidationError, Validator};
use serde_json::{Map, Value};

use super::import;
use crate::repo;

/// The products that have a description, each with the name of its file.
pub(crate) const FILES: [(Product, &str); 2] = [
    (Product::LeadConduit, "leadconduit"),
    (Product::TrustedForm, "trustedform"),
];

/// What is wrong with one answer is shown up to this many errors.
const MAX_SHOWN: usize = 8;

/// A product's operations, with the schemas of their answers.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    pub(crate) product: Product,
    pub(crate) name: &'static str,
    facts: Value,
}

impl Description {
    /// Reads each description that the project keeps.
    pub(crate) fn all() -> Result<Vec<Self>, String> {
        let read = |(product, name)| {
            let file = repo::root().join(format!("xtask/openapi/{name}.json"));
            let facts = serde_json::from_str(&repo::read(&file)?)
                .map_err(|error| format!("{} is not JSON: {error}", file.display()))?;
            Ok(Self {
                product,
                name,
                facts,
            })
        };
        FILES.into_iter().map(read).collect()
    }

    /// Returns the facts as they are in the file.
    #[cfg(test)]
    pub(crate) const fn facts(&self) -> &Value {
        &self.facts
    }

    /// Returns the operations, as `METHOD /path`.
    pub(crate) fn operations(&self) -> impl Iterator<Item = &String> {
        let operations = self.facts["operations"].as_object();
        operations.into_iter().flat_map(Map::keys)
    }

    /// Returns the statuses of an operation with the schemas of their bodies, or `None` if it is not described.
    pub(crate) fn statuses(&self, operation: &str) -> Option<&Map<String, Value>> {
        self.facts["operations"].get(operation)?.as_object()
    }

    /// Returns `true` if an operation, or a schema that it refers to, contains what is at a JSON pointer of the facts.
    pub(crate) fn contains(&self, operation: &str, pointer: &str) -> bool {
        let mut names = pointer.split('/').skip(1);
        let (group, name) = (names.next(), names.next().unwrap_or_default());
        let name = name.replace("~1", "/").replace("~0", "~");
        if group == Some("operations") {
            return name == operation;
        }
        let mut seen = BTreeSet::new();
        let mut waiting = import::names(self.facts["operations"].get(operation));
        while let Some(schema) = waiting.pop_first() {
            if seen.insert(schema.clone()) {
                waiting.extend(import::names(self.facts["schemas"].get(&schema)));
            }
        }
        seen.contains(&name)
    }

    /// Replaces what is at a JSON pointer of the facts.
    pub(crate) fn correct(&mut self, pointer: &str, value: &Value) -> Result<(), String> {
        let missing = || format!("{}.json has nothing at {pointer}", self.name);
        let (parent, name) = pointer.rsplit_once('/').ok_or_else(missing)?;
        let name = name.replace("~1", "/").replace("~0", "~");
        let found = match self.facts.pointer_mut(parent) {
            // A status or a member that the description lacks is added.
            Some(Value::Object(members)) => {
                members.insert(name, value.clone());
                true
            }
            Some(Value::Array(items)) => name
                .parse::<usize>()
                .ok()
                .and_then(|at| items.get_mut(at))
                .is_some_and(|item| {
                    *item = value.clone();
                    true
                }),
            _ => false,
        };
        match found {
            true => Ok(()),
            false => Err(missing()),
        }
    }

    /// Returns the validator of a schema, in which references are to the schemas of this description.
    pub(crate) fn validator(&self, schema: &Value) -> Result<Validator, String> {
        let mut root = schema.as_object().cloned().unwrap_or_default();
        root.insert("schemas".to_owned(), self.facts["schemas"].clone());
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .build(&Value::Object(root))
            .map_err(|error| format!("{}.json has a schema that is not valid: {error}", self.name))
    }
}

/// Returns what is wrong with a value, without the value.
pub(crate) fn errors(validator: &Validator, value: &Value) -> Vec<String> {
    let mut errors: Vec<String> = Vec::new();
    for error in validator.iter_errors(value) {
        for text in texts(&error) {
            if !errors.contains(&text) && errors.len() < MAX_SHOWN {
                errors.push(text);
            }
        }
    }
    errors
}

/// Returns an error as text; of alternatives, those errors of the one that fits best.
fn texts(error: &ValidationError<'_>) -> Vec<String> {
    let (ValidationErrorKind::OneOfNotValid {
        context: alternatives,
    }
    | ValidationErrorKind::AnyOf {
        context: alternatives,
    }) = error.kind()
    else {
        return vec![text(error)];
    };
    let shown = alternatives.iter().map(|errors| {
        let texts = errors.iter().flat_map(|error| texts(error));
        texts.collect::<Vec<_>>()
    });
    let best = shown.min_by_key(Vec::len).unwrap_or_default();
    std::iter::once(text(error)).chain(best).collect()
}

fn text(error: &ValidationError<'_>) -> String {
    let mut text = format!("at {:?}: ", error.instance_path().as_str());
    let shown = match error.kind() {
        ValidationErrorKind::OneOfNotValid { .. } | ValidationErrorKind::AnyOf { .. } => {
            "no alternative fits; the nearest:".to_owned()
        }
        _ => error.masked_with("the value").to_string(),
    };
    let _ = write!(text, "{shown} ({})", error.schema_path().as_str());
    text
}

#[cfg(test)]
mod tests {
    use ap_emulator::Product;
    use serde_json::json;

    use super::{Description, errors};

    fn description() -> Description {
        let facts = json!({
            "operations": {"GET /a": {"200": {"type": "array", "items": {"$ref": "#/schemas/A"}}}},
            "schemas": {"A": {"type": "object", "required": ["id"], "properties": {
                "id": {"$ref": "#/schemas/Id"}, "at": {"type": ["string", "null"], "format": "date-time"}}},
                "Id": {"type": "string", "pattern": "^[0-9a-f]{4}$"}}});
        Description {
            product: Product::LeadConduit,
            name: "test",
            facts,
        }
    }

    #[test]
    fn an_answer_that_breaks_its_schema_is_found() {
        let description = description();
        let schema = &description.statuses("GET /a").unwrap()["200"];
        let validator = description.validator(schema).unwrap();
        for (answer, count) in [
            (json!([]), 0),
            (json!([{"id": "00ff", "at": null, "more": 1}]), 0),
            (json!([{"id": "00ff", "at": "2026-11-25T10:00:00.000Z"}]), 0),
            (json!({}), 1),
            (json!([{"id": "00ff"}, {}]), 1),
            (json!([{"id": "x"}]), 1),
            (json!([{"id": "00ff", "at": "yesterday"}]), 1),
            (json!([{"id": 5, "at": 5}]), 2),
        ] {
            let errors = errors(&validator, &answer);
            assert_eq!(errors.len(), count, "{answer}: {errors:?}");
        }
    }

    #[test]
    fn a_correction_replaces_a_part_of_the_facts() {
        let mut description = description();
        let is_valid = |description: &Description| {
            let schema = &description.statuses("GET /a").unwrap()["200"];
            let validator = description.validator(schema).unwrap();
            errors(&validator, &json!([{"id": 5}])).is_empty()
        };
        assert!(!is_valid(&description));
        description
            .correct("/schemas/A/properties/id", &json!({"type": "integer"}))
            .unwrap();
        assert!(is_valid(&description));
        assert!(
            description
                .correct("/schemas/B/properties/id", &json!({}))
                .is_err()
        );
        assert!(description.correct("", &json!({})).is_err());
    }

    #[test]
    fn a_part_of_the_facts_belongs_to_the_operations_that_refer_to_it() {
        let description = description();
        for (pointer, expected) in [
            ("/schemas/A/properties/id", true),
            ("/schemas/Id", true),
            ("/schemas/B", false),
            ("/operations/GET ~1a/200", true),
            ("/operations/GET ~1b/200", false),
        ] {
            assert_eq!(
                description.contains("GET /a", pointer),
                expected,
                "{pointer}"
            );
        }
        assert!(!description.contains("GET /b", "/schemas/A"));
    }
}
