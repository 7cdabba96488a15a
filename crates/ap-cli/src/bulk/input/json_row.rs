//! One line of JSON as a row: a text, a whole number, or an object with members.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Selection;
use super::columns::{self, suggestion};
use super::row::{Fields, RowProblem};

pub(super) fn parse(text: &str, selection: &Selection) -> Result<Fields, RowProblem> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        RowProblem::new("it is not valid JSON; write one value a line").at(error.column())
    })?;
    match (value, selection) {
        (Value::Object(members), Selection::Value(wanted)) => {
            let (name, value) = choose(&members, wanted.as_deref())?;
            let name = Arc::from(name);
            let value = text_of(value).ok_or_else(|| not_text().in_column(&name))?;
            Ok(Fields(vec![(name, value)]))
        }
        (Value::Object(members), Selection::Roles(roles)) => {
            let names: Vec<Arc<str>> = members.keys().map(|name| Arc::from(&**name)).collect();
            let chosen = columns::roles("it", &names, roles);
            let chosen = chosen.map_err(|failure| missing(RowProblem::new(failure.message)))?;
            let fields = chosen.into_iter().filter_map(|(role, index)| {
                let name = names.get(index)?;
                let value = members.get(&**name).filter(|value| !value.is_null())?;
                let text = text_of(value).ok_or_else(|| not_text().in_column(name));
                Some(text.map(|text| (role, text)))
            });
            fields.collect::<Result<_, _>>().map(Fields)
        }
        (Value::Object(members), Selection::Record) => {
            // A member without a value counts as missing.
            let members = members.iter().filter(|(_, value)| !value.is_null());
            let fields = members.map(|(name, value)| {
                let name = Arc::from(&**name);
                let text = text_of(value).ok_or_else(|| not_text().in_column(&name))?;
                Ok((name, text))
            });
            fields.collect::<Result<_, _>>().map(Fields)
        }
        (value, Selection::Value(_)) => {
            let text = text_of(&value).ok_or_else(not_text)?;
            Ok(Fields(vec![("value".into(), text)]))
        }
        (_, Selection::Record | Selection::Roles(_)) => {
            Err(RowProblem::new("it is not a JSON object"))
        }
    }
}

/// Returns the member that has the value: the wanted one, or the only one.
fn choose<'a>(
    members: &'a Map<String, Value>,
    wanted: Option<&str>,
) -> Result<(&'a str, &'a Value), RowProblem> {
    let found = match wanted {
        Some(wanted) => members.get_key_value(wanted),
        None if members.len() == 1 => members.iter().next(),
        None => {
            let problem = RowProblem::new(format!(
                "it has {} members; choose one with --column",
                members.len()
            ));
            return Err(missing(problem));
        }
    };
    let found = found.map(|(name, value)| (&**name, value));
    found.ok_or_else(|| {
        let names = members.keys().map(String::as_str);
        let nearest = suggestion(names, wanted.unwrap_or_default());
        missing(RowProblem::new(format!(
            "it has no member of that name{nearest}"
        )))
    })
}

fn missing(problem: RowProblem) -> RowProblem {
    RowProblem {
        is_missing_column: true,
        ..problem
    }
}

fn not_text() -> RowProblem {
    RowProblem::new("it is neither a text nor a whole number")
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_u64() || number.is_i64() => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}
