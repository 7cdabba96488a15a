//! One line of JSON as a row: a text, a whole number, or an object with members.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::Selection;
use super::columns::{self, suggestion};
use super::row::{Fields, RowProblem};
use crate::failure::Failure;

pub(super) fn parse(text: &str, selection: &Selection) -> Result<Fields, RowProblem> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        RowProblem::new("it is not valid JSON; write one value a line").at(error.column())
    })?;
    if value.is_object()
        && let Ok(Repeated(Some(name))) = serde_json::from_str(text)
    {
        return Err(RowProblem::new("it has two members of this name").in_column(&name));
    }
    match (value, selection) {
        (Value::Object(members), Selection::Value(wanted)) => {
            let (name, value) = choose(&members, wanted.as_deref())?;
            let name = Arc::from(name);
            let value = text_of(value).ok_or_else(|| not_text().in_column(&name))?;
            Ok(Fields(vec![(name, value)]))
        }
        (Value::Object(members), Selection::Roles(roles)) => {
            let names = names(&members);
            fields(&members, &names, columns::roles("it", &names, roles))
        }
        (Value::Object(members), Selection::Record(renamed)) => {
            let names = names(&members);
            fields(&members, &names, columns::record("it", &names, renamed))
        }
        (value, Selection::Value(_)) => {
            let text = text_of(&value).ok_or_else(not_text)?;
            Ok(Fields(vec![("value".into(), text)]))
        }
        (_, Selection::Record(_) | Selection::Roles(_)) => {
            Err(RowProblem::new("it is not a JSON object"))
        }
    }
}

fn names(members: &Map<String, Value>) -> Vec<Arc<str>> {
    members.keys().map(|name| Arc::from(&**name)).collect()
}

/// Returns the chosen members as fields. One without a value counts as missing.
fn fields(
    members: &Map<String, Value>,
    names: &[Arc<str>],
    chosen: Result<Vec<(Arc<str>, usize)>, Failure>,
) -> Result<Fields, RowProblem> {
    let chosen = chosen.map_err(|failure| missing(RowProblem::new(failure.message)))?;
    let fields = chosen.into_iter().filter_map(|(field, index)| {
        let name = names.get(index)?;
        let value = members.get(&**name).filter(|value| !value.is_null())?;
        let text = text_of(value).ok_or_else(|| not_text().in_column(name));
        Some(text.map(|text| (field, text)))
    });
    fields.collect::<Result<_, _>>().map(Fields)
}

/// The name of a member that an object has twice. A parser of JSON keeps only one of them.
struct Repeated(Option<String>);

impl<'de> Deserialize<'de> for Repeated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RepeatedVisitor)
    }
}

struct RepeatedVisitor;

impl<'de> Visitor<'de> for RepeatedVisitor {
    type Value = Repeated;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Repeated, A::Error> {
        let (mut names, mut repeated) = (BTreeSet::new(), None);
        while let Some((name, IgnoredAny)) = members.next_entry::<String, _>()? {
            if !names.insert(name.clone()) {
                repeated = Some(name);
            }
        }
        Ok(Repeated(repeated))
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
