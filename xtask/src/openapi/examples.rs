//! The examples of the vendor's files are decoded by the typed endpoints. Only where the files are, which are not part
//! of the project.

use std::collections::BTreeSet;

use ap_emulator::Product;
use serde_json::{Map, Value, json};

use super::description::FILES;
use super::{decoders, document};
use crate::repo;

/// How often an example of each answer is made. Each time it takes other alternatives, and other values of enums.
const CHOICES: usize = 24;

/// How deep objects are in each other before members are left out. Some schemas contain themselves.
const MAX_DEPTH: usize = 12;

/// Where a file has examples of requests and of errors, and of what no answer contains.
const NOT_IN_ANSWERS: [&str; 9] = [
    "/paths/",
    "/components/schemas/event-metrics-interval/",
    "/components/schemas/event-metrics-timeframe/",
    "/components/schemas/NotAuthorized/",
    // No operation refers to it.
    "/components/schemas/PingLimit-counter/",
    // Variables are members with dots in their names in these schemas, and nested objects in answers.
    "/components/schemas/AccountVariables/",
    "/components/schemas/RecipientVariables/",
    "/components/schemas/VariableAccountMetadata/",
    "/components/schemas/VariableSourceMetadata/",
];

/// Makes examples of a document's schemas.
struct Maker<'a> {
    document: &'a Value,
    choice: usize,
    /// The pointers of the examples that were used.
    used: BTreeSet<String>,
}

impl Maker<'_> {
    /// Returns an example of a schema, or `None` where they are too deep in each other.
    fn make(&mut self, schema: &Value, pointer: &str, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        // Every second time, members have their own examples.
        let has_members = ["properties", "$ref"]
            .iter()
            .any(|name| schema.get(name).is_some());
        if let Some(example) = schema
            .get("example")
            .filter(|_| !has_members || self.choice.is_multiple_of(2))
        {
            self.used.insert(format!("{pointer}/example"));
            return Some(example.clone());
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let pointer = reference.trim_start_matches('#');
            let document = self.document;
            return self.make(document.pointer(pointer)?, pointer, depth + 1);
        }
        if let Some(examples) = schema["examples"].as_array() {
            let at = self.choice % examples.len();
            self.used.insert(format!("{pointer}/examples/{at}"));
            return Some(examples[at].clone());
        }
        let mut made = self.make_plain(schema, pointer, depth)?;
        for (at, part) in schema["allOf"].as_array().into_iter().flatten().enumerate() {
            let part = self.make(part, &format!("{pointer}/allOf/{at}"), depth + 1)?;
            merge(&mut made, part);
        }
        for keyword in ["oneOf", "anyOf"] {
            if let Some(alternatives) = schema[keyword].as_array() {
                let at = self.choice % alternatives.len();
                let pointer = format!("{pointer}/{keyword}/{at}");
                let part = self.make(&alternatives[at], &pointer, depth + 1)?;
                merge(&mut made, part);
            }
        }
        Some(made)
    }

    fn make_plain(&mut self, schema: &Value, pointer: &str, depth: usize) -> Option<Value> {
        if let Some(values) = schema["enum"].as_array() {
            return Some(values[self.choice % values.len()].clone());
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds[self.choice % kinds.len()].as_str(),
            kind => kind.as_str(),
        };
        if schema["nullable"] == true && self.choice % 3 == 2 {
            return Some(Value::Null);
        }
        let kind = kind.or_else(|| schema.get("properties").map(|_| "object"));
        let kind = kind.or_else(|| schema.get("items").map(|_| "array"));
        Some(match kind {
            Some("object") => self.make_object(schema, pointer, depth)?,
            Some("array") => {
                let item = self.make(&schema["items"], &format!("{pointer}/items"), depth + 1);
                Value::Array(item.into_iter().collect())
            }
            Some("string") => make_text(schema),
            Some("integer" | "number") => json!(5),
            Some("boolean") => json!(self.choice.is_multiple_of(2)),
            _ => Value::Null,
        })
    }

    fn make_object(&mut self, schema: &Value, pointer: &str, depth: usize) -> Option<Value> {
        let mut made = Map::new();
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let pointer = format!("{pointer}/properties/{name}");
            if let Some(member) = self.make(member, &pointer, depth + 1) {
                made.insert(name.clone(), member);
            }
        }
        if schema["additionalProperties"].is_object() {
            let pointer = format!("{pointer}/additionalProperties");
            let member = self.make(&schema["additionalProperties"], &pointer, depth + 1);
            made.extend(member.map(|member| ("another_member".to_owned(), member)));
        }
        // Schemas also require members that other parts of them declare, and some that none declares.
        let required = schema["required"].as_array().into_iter().flatten();
        let mut declared = required
            .filter_map(Value::as_str)
            .filter(|name| schema["properties"].get(name).is_some());
        declared
            .all(|name| made.contains_key(name))
            .then_some(Value::Object(made))
    }
}

/// Returns `true` for an example of a request, of an error, or of what no answer contains.
fn is_elsewhere(pointer: &str) -> bool {
    let schema = pointer.split('/').nth(3).unwrap_or_default();
    schema.ends_with("Parameters")
        || schema.ends_with("Request")
        || NOT_IN_ANSWERS
            .iter()
            .any(|prefix| pointer.starts_with(prefix))
}

fn make_text(schema: &Value) -> Value {
    let pattern = schema["pattern"].as_str().unwrap_or_default();
    match schema["format"].as_str() {
        Some("date-time" | "datetime") => json!("2026-11-25T10:00:00.000Z"),
        Some("uri") => json!("https://www.example.com/a"),
        _ if pattern.contains("{24}") => json!("5fd4371e940df5a34a3888b2"),
        _ if pattern.contains("{6}") => json!("aB3dE6"),
        _ if pattern.contains("\\d+\\.") => json!("1.2.3"),
        _ => json!("text"),
    }
}

/// Adds the members of one value to another one, or replaces it if one of them is no object.
fn merge(made: &mut Value, part: Value) {
    match (made, part) {
        (Value::Object(made), Value::Object(part)) => made.extend(part),
        (made, part) if !part.is_null() || made.is_null() => *made = part,
        _ => {}
    }
}

/// Finds the pointers of all examples in schemas.
fn examples_in(value: &Value, pointer: &str, is_schema: bool, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let escaped = name.replace('~', "~0").replace('/', "~1");
                let pointer = format!("{pointer}/{escaped}");
                match (name.as_str(), value) {
                    ("example", _) if is_schema => drop(found.insert(pointer)),
                    ("examples", Value::Array(examples)) if is_schema => {
                        found.extend((0..examples.len()).map(|at| format!("{pointer}/{at}")));
                    }
                    // Below these, names are those of members and schemas, not keywords.
                    _ => {
                        let is_names =
                            matches!(name.as_str(), "properties" | "schemas") && is_schema;
                        examples_in(value, &pointer, !is_names, found);
                    }
                }
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                examples_in(item, &format!("{pointer}/{at}"), true, found);
            }
        }
        _ => {}
    }
}

/// Decodes examples of every answer of a document. Returns the pointers of the examples that they contained.
fn decode_all(product: Product, document: &Value) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    let mut decoded = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method = method.to_uppercase();
            let responses = operation["responses"].as_object().into_iter().flatten();
            // The errors of certificates have an outcome, so that they are decoded too.
            let decoded_too = product == Product::TrustedForm;
            for (status, response) in responses {
                if !status.starts_with('2') && !decoded_too {
                    continue;
                }
                let shared = response["$ref"].as_str();
                let shared = shared.and_then(|at| document.pointer(at.trim_start_matches('#')));
                let response = shared.unwrap_or(response);
                let schema = &response["content"]["application/json"]["schema"];
                if schema.is_null() {
                    continue;
                }
                let decoder = decoders::of(product, &method, path);
                let decoder = decoder.unwrap_or_else(|| panic!("{method} {path} has no decoder"));
                for choice in 0..CHOICES {
                    let mut maker = Maker {
                        document,
                        choice,
                        used,
                    };
                    let example = maker.make(schema, "", 0);
                    let example = example.unwrap_or_else(|| panic!("{method} {path} is too deep"));
                    if let Err(error) = decoder(&example) {
                        panic!("{method} {path} {status}: {error}: {example}");
                    }
                    used = maker.used;
                    decoded += 1;
                }
            }
        }
    }
    assert!(decoded >= CHOICES);
    used
}

#[test]
fn every_example_of_the_vendor_s_files_is_decoded_and_written_without_a_loss() {
    let Ok(entries) = std::fs::read_dir(repo::root().join("../shared/reference")) else {
        return;
    };
    let mut read = 0;
    for entry in entries {
        let file = entry.unwrap().path();
        let file_name = file.file_name().unwrap().to_string_lossy().into_owned();
        let Some((product, _)) = FILES.iter().find(|(_, name)| file_name.contains(name)) else {
            continue;
        };
        let document = document::read(&file).unwrap();
        let used = decode_all(*product, &document);
        let mut all = BTreeSet::new();
        examples_in(&document, "", true, &mut all);
        let unused: Vec<&String> = all
            .difference(&used)
            .filter(|pointer| !is_elsewhere(pointer))
            .collect();
        assert!(unused.is_empty(), "{file_name}: {unused:#?}");
        read += 1;
    }
    assert_eq!(read, FILES.len());
}

#[test]
fn an_example_has_every_member_of_its_schema() {
    let document = json!({"components": {"schemas": {
        "A": {"type": "object", "properties": {
            "id": {"type": "string", "example": "x"}, "self": {"$ref": "#/components/schemas/A"},
            "list": {"type": "array", "items": {"examples": [1, 2]}}, "either": {"oneOf": [{"type": "null"}, {"example": true}]}}}}}});
    let mut maker = Maker {
        document: &document,
        choice: 1,
        used: BTreeSet::new(),
    };
    let schema = json!({"allOf": [{"$ref": "#/components/schemas/A"}, {"properties": {"more": {"type": "integer"}}}]});
    let made = maker.make(&schema, "", 0).unwrap();
    assert_eq!(made["id"], "x");
    assert_eq!(made["list"], json!([2]));
    assert_eq!(made["either"], true);
    assert_eq!(made["more"], 5);
    assert_eq!(made["self"]["id"], "x");
    let mut all = BTreeSet::new();
    examples_in(&document, "", true, &mut all);
    assert_eq!(all.len(), 4, "{all:?}");
    assert_eq!(
        all.difference(&maker.used).count(),
        1,
        "the other alternative of two"
    );
}
