//! Reads an API description, as YAML or as JSON.

use std::path::Path;

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Number, Value};

use crate::repo;

/// Reads a file.
pub(crate) fn read(file: &Path) -> Result<Value, String> {
    let text = repo::read(file)?;
    let parsed = match file.extension().and_then(|extension| extension.to_str()) {
        Some("json") => serde_json::from_str(&text).map_err(|error| error.to_string()),
        _ => from_yaml(&text),
    };
    parsed.map_err(|error| format!("cannot parse {}: {error}", file.display()))
}

fn from_yaml(text: &str) -> Result<Value, String> {
    let documents = Yaml::load_from_str(text).map_err(|error| error.to_string())?;
    match &documents[..] {
        [document] => to_json(document),
        _ => Err(format!("{} documents instead of one", documents.len())),
    }
}

fn to_json(yaml: &Yaml<'_>) -> Result<Value, String> {
    Ok(match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(is_true)) => Value::Bool(*is_true),
        Yaml::Value(Scalar::Integer(integer)) => Value::from(*integer),
        Yaml::Value(Scalar::FloatingPoint(float)) => Number::from_f64(**float)
            .map(Value::Number)
            .ok_or("a number that JSON does not have")?,
        Yaml::Value(Scalar::String(text)) => Value::from(&**text),
        Yaml::Sequence(items) => {
            let items = items.iter().map(to_json);
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        Yaml::Mapping(members) => {
            let members = members
                .iter()
                .map(|(name, value)| Ok((to_name(name)?, to_json(value)?)));
            Value::Object(members.collect::<Result<_, String>>()?)
        }
        Yaml::Tagged(_, value) => to_json(value)?,
        Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => {
            return Err("an alias, or a value that does not have the form of its tag".to_owned());
        }
    })
}

/// Returns a name as text: a status could be a number.
fn to_name(yaml: &Yaml<'_>) -> Result<String, String> {
    match to_json(yaml)? {
        Value::String(name) => Ok(name),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err("the name of a member is neither a text nor a number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::from_yaml;

    #[test]
    fn yaml_becomes_json() {
        let text = "a: [1, 1.5, true, null, '2', x y]\n200: {b: '200'}\n'201': |\n  two\n  lines\n";
        let expected = json!({"a": [1, 1.5, true, null, "2", "x y"], "200": {"b": "200"}, "201": "two\nlines\n"});
        assert_eq!(from_yaml(text).unwrap(), expected);
        assert!(from_yaml("a: [").is_err());
        assert!(from_yaml("--- 1\n--- 2\n").is_err());
    }
}
