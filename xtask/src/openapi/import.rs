//! The facts of an API description: operations, statuses and schemas, without a sentence or an example of it.
//!
//! Nullable members of OpenAPI 3.0 become types with `null`, as OpenAPI 3.1 and JSON Schema write them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Where a description has its schemas, and where its facts have them.
const REFERENCE: (&str, &str) = ("#/components/schemas/", "#/schemas/");

/// Returns the facts: `operations`, each with its statuses, and the `schemas` that they refer to.
pub(crate) fn facts(document: &Value) -> Result<Value, String> {
    let mut operations = Map::new();
    for (path, methods) in members(&document["paths"]) {
        for (method, operation) in members(methods) {
            if METHODS.contains(&method.as_str()) {
                let name = format!("{} {path}", method.to_uppercase());
                operations.insert(name, statuses(document, operation));
            }
        }
    }
    if operations.is_empty() {
        return Err("the file describes no operation; give an OpenAPI file".to_owned());
    }
    let schemas = reachable(document, &operations)?;
    Ok(json!({ "operations": operations, "schemas": schemas }))
}

/// Writes facts, each operation and each schema on a line of its own.
pub(crate) fn to_text(facts: &Value) -> String {
    let mut text = "{".to_owned();
    for (at, (group, entries)) in members(facts).enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let entries: Vec<String> = members(entries)
            .map(|(name, value)| format!("{}: {value}", Value::from(name.as_str())))
            .collect();
        let _ = write!(
            text,
            "{comma}\n\"{group}\": {{\n{}\n}}",
            entries.join(",\n")
        );
    }
    text.push_str("\n}\n");
    text
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// Returns the statuses of an operation, each with the schema of its JSON, or `null` if there is none.
fn statuses(document: &Value, operation: &Value) -> Value {
    let statuses = members(&operation["responses"]).map(|(status, response)| {
        let name = response["$ref"].as_str().unwrap_or_default();
        let name = name.trim_start_matches("#/components/responses/");
        let response = document["components"]["responses"]
            .get(name)
            .unwrap_or(response);
        let body = &response["content"]["application/json"]["schema"];
        (status.clone(), schema(body))
    });
    Value::Object(statuses.collect())
}

/// Returns the schemas that operations refer to, and those that these refer to.
fn reachable(document: &Value, operations: &Map<String, Value>) -> Result<Value, String> {
    let mut schemas = Map::new();
    let mut waiting: Vec<String> = names(operations.values()).into_iter().collect();
    while let Some(name) = waiting.pop() {
        if schemas.contains_key(&name) {
            continue;
        }
        let found = document["components"]["schemas"].get(&name);
        let found = found.ok_or_else(|| format!("the file has no schema {name:?}"))?;
        let kept = schema(found);
        waiting.extend(names([&kept]));
        schemas.insert(name, kept);
    }
    Ok(Value::Object(schemas))
}

/// Returns the names of the schemas that values refer to.
pub(crate) fn names<'a>(values: impl IntoIterator<Item = &'a Value>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for value in values {
        match value {
            Value::Array(items) => found.extend(names(items)),
            Value::Object(members) => {
                let name = members.get("$ref").and_then(Value::as_str);
                found.extend(name.map(|name| name.trim_start_matches(REFERENCE.1).to_owned()));
                found.extend(names(members.values()));
            }
            _ => {}
        }
    }
    found
}

/// Returns a schema with the keywords that decide what is valid.
fn schema(described: &Value) -> Value {
    let Value::Object(keywords) = described else {
        return described.clone();
    };
    let mut kept = Map::new();
    for (keyword, value) in keywords {
        let value = match keyword.as_str() {
            "properties" | "patternProperties" => members(value)
                .map(|(name, value)| (name.clone(), schema(value)))
                .collect(),
            "items" | "additionalProperties" | "not" => schema(value),
            "allOf" | "anyOf" | "oneOf" => {
                value.as_array().into_iter().flatten().map(schema).collect()
            }
            "$ref" => value
                .as_str()
                .unwrap_or_default()
                .replace(REFERENCE.0, REFERENCE.1)
                .into(),
            "required" if !value.is_array() => continue,
            // What JSON Schema calls `date-time`.
            "format" if value == "datetime" => "date-time".into(),
            "type" | "enum" | "const" | "required" | "format" | "pattern" | "minimum"
            | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" | "minLength"
            | "maxLength" | "minItems" | "maxItems" | "uniqueItems" | "minProperties"
            | "maxProperties" => value.clone(),
            _ => continue,
        };
        kept.insert(keyword.clone(), value);
    }
    if keywords.get("nullable") == Some(&Value::Bool(true)) {
        return nullable(kept);
    }
    Value::Object(kept)
}

/// Returns a schema that also accepts `null`.
fn nullable(mut schema: Map<String, Value>) -> Value {
    let Some(Value::String(only)) = schema.get("type") else {
        return json!({ "anyOf": [schema, { "type": "null" }] });
    };
    let types = json!([only, "null"]);
    schema.insert("type".to_owned(), types);
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    Value::Object(schema)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{facts, to_text};

    #[test]
    fn facts_are_kept_and_sentences_are_not() {
        let document = json!({
            "info": {"description": "A text."},
            "paths": {"/a/{id}": {
                "parameters": [{"name": "id"}],
                "get": {"summary": "A text.", "responses": {
                    "200": {"description": "A text.", "content": {"application/json": {
                        "schema": {"$ref": "#/components/schemas/A", "description": "A text."},
                        "example": {"a": "A text."}}}},
                    "404": {"$ref": "#/components/responses/None"},
                    "204": {"description": "A text."}}}}},
            "components": {
                "responses": {"None": {"content": {"application/json": {"schema": {"type": "object"}}}}},
                "schemas": {
                    "A": {"title": "A text.", "type": "object", "required": ["title"], "additionalProperties": false,
                        "properties": {
                            "title": {"type": "string", "example": "A text.", "required": true},
                            "kind": {"type": "string", "enum": ["x"], "nullable": true, "x-enumDescriptions": {"x": "A text."}},
                            "b": {"allOf": [{"$ref": "#/components/schemas/B"}], "nullable": true}}},
                    "B": {"type": "array", "items": {"type": "integer", "default": 1}, "examples": [[1]]},
                    "C": {"type": "string"}}}});
        let facts = facts(&document).unwrap();
        let expected = json!({
            "operations": {"GET /a/{id}": {"200": {"$ref": "#/schemas/A"}, "204": null, "404": {"type": "object"}}},
            "schemas": {
                "A": {"type": "object", "required": ["title"], "additionalProperties": false, "properties": {
                    "title": {"type": "string"},
                    "kind": {"type": ["string", "null"], "enum": ["x", null]},
                    "b": {"anyOf": [{"allOf": [{"$ref": "#/schemas/B"}]}, {"type": "null"}]}}},
                "B": {"type": "array", "items": {"type": "integer"}}}});
        assert_eq!(facts, expected);
        let text = to_text(&facts);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            facts
        );
        assert_eq!(text.lines().count(), 9);
    }

    #[test]
    fn a_file_without_operations_or_with_an_unknown_schema_is_refused() {
        assert!(facts(&json!({"a": 1})).is_err());
        let schema = json!({"$ref": "#/components/schemas/A"});
        let response = json!({"content": {"application/json": {"schema": schema}}});
        let document = json!({"paths": {"/": {"get": {"responses": {"200": response}}}}});
        assert!(facts(&document).unwrap_err().contains("\"A\""));
    }
}
