//! One line of JSON as a row: a text, a whole number, or an object with members.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::Selection;
use super::columns;
use super::row::{Fields, RowProblem, VALUE};
use crate::failure::Failure;

pub(super) fn parse(text: &str, selection: &Selection) -> Result<Fields, RowProblem> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        RowProblem::new("it is not valid JSON; write one value a line").at(error.column())
    })?;
    match (value, selection) {
        (Value::Object(members), selection) => {
            // `members` does not keep the order, by which a column may be chosen.
            let Names(names) = serde_json::from_str(text).unwrap_or_default();
            if let Some(name) = repeated(&names) {
                return Err(RowProblem::new("it has two members of this name").in_column(name));
            }
            fields_of(&members, &names, selection)
        }
        (value, Selection::Value(_)) => {
            let text = text_of(&value).ok_or_else(not_text)?;
            Ok(Fields(vec![(VALUE.into(), text)]))
        }
        (_, Selection::Record(_) | Selection::Roles(_)) => {
            Err(RowProblem::new("it is not a JSON object"))
        }
    }
}

fn fields_of(
    members: &Map<String, Value>,
    names: &[Arc<str>],
    selection: &Selection,
) -> Result<Fields, RowProblem> {
    match selection {
        Selection::Value(wanted) => {
            let index = columns::choose("it", names, wanted.as_deref()).map_err(missing)?;
            let name = &names[index];
            let value = members.get(&**name).and_then(text_of);
            let value = value.ok_or_else(|| not_text().in_column(name))?;
            Ok(Fields(vec![(Arc::clone(name), value)]))
        }
        Selection::Roles(roles) => fields(members, names, columns::roles("it", names, roles)),
        Selection::Record(renamed) => fields(members, names, columns::record("it", names, renamed)),
    }
}

/// Returns the chosen members as fields. One without a value counts as missing.
fn fields(
    members: &Map<String, Value>,
    names: &[Arc<str>],
    chosen: Result<Vec<(Arc<str>, usize)>, Failure>,
) -> Result<Fields, RowProblem> {
    let fields = chosen
        .map_err(missing)?
        .into_iter()
        .filter_map(|(field, index)| {
            let name = names.get(index)?;
            let value = members.get(&**name).filter(|value| !value.is_null())?;
            let text = text_of(value).ok_or_else(|| not_text().in_column(name));
            Some(text.map(|text| (field, text)))
        });
    fields.collect::<Result<_, _>>().map(Fields)
}

/// The names of an object's members, in their order. A parser of JSON keeps only one of those that are the same.
#[derive(Default)]
struct Names(Vec<Arc<str>>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Names, A::Error> {
        let mut names = Vec::new();
        while let Some((name, IgnoredAny)) = members.next_entry::<String, _>()? {
            names.push(Arc::from(name));
        }
        Ok(Names(names))
    }
}

fn repeated(names: &[Arc<str>]) -> Option<&str> {
    let mut found = BTreeSet::new();
    let mut names = names.iter().map(|name| &**name);
    names.find(|name| !found.insert(*name))
}

/// Returns the problem of a row without a column that is needed.
fn missing(failure: Failure) -> RowProblem {
    RowProblem {
        columns_hint: Some(failure.hint),
        ..RowProblem::new(failure.message)
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
