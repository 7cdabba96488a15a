//! One line of JSON as a row: a single value, or an object with members.
//!
//! A row makes the same call as one of a CSV file with these texts: a number is sent with its digits as they are, `true` and
//! `false` as these words, and `null` counts as empty. A list or an object is no value.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::row::{Fields, RowProblem, VALUE, carriage_return};
use super::{Selection, columns};
use crate::failure::Failure;

pub(super) fn parse(text: &str, selection: &Selection) -> Result<Fields, RowProblem> {
    let not_json = |error: serde_json::Error| {
        // A file whose lines end with carriage returns alone has several values in what looks like one line.
        carriage_return(text.as_bytes()).unwrap_or_else(|| invalid().at(error.column()))
    };
    let value: &RawValue = serde_json::from_str(text).map_err(not_json)?;
    match selection {
        selection if value.get().starts_with('{') => {
            let members: Members<'_> = serde_json::from_str(text).map_err(not_json)?;
            if let Some(name) = members.repeated() {
                return Err(RowProblem::new("it has two members of this name").in_column(name));
            }
            members.fields(selection)
        }
        Selection::Value(_) => Ok(Fields(vec![(VALUE.into(), text_of(value)?)])),
        Selection::Record(_) | Selection::Roles(_) => {
            Err(RowProblem::new("it is not a JSON object"))
        }
    }
}

/// The members of an object, in their order, by which a column may be chosen. A parser of JSON keeps only one of those that
/// have the same name.
#[derive(Default)]
struct Members<'a> {
    names: Vec<Arc<str>>,
    values: Vec<&'a RawValue>,
}

impl Members<'_> {
    fn repeated(&self) -> Option<&str> {
        let mut found = BTreeSet::new();
        let mut names = self.names.iter().map(|name| &**name);
        names.find(|name| !found.insert(*name))
    }

    fn fields(&self, selection: &Selection) -> Result<Fields, RowProblem> {
        let names = &self.names;
        let chosen = match selection {
            Selection::Value(wanted) => {
                let index = columns::choose("it", names, wanted.as_deref()).map_err(missing)?;
                let field = (Arc::clone(&names[index]), self.text(index)?);
                return Ok(Fields(vec![field]));
            }
            Selection::Roles(roles) => columns::roles("it", names, roles),
            Selection::Record(renamed) => columns::record("it", names, renamed),
        };
        // One without a value counts as missing.
        let chosen = chosen.map_err(missing)?.into_iter();
        let chosen = chosen.filter(|(_, index)| self.values[*index].get() != "null");
        let fields = chosen.map(|(field, index)| Ok((field, self.text(index)?)));
        fields.collect::<Result<_, _>>().map(Fields)
    }

    fn text(&self, index: usize) -> Result<String, RowProblem> {
        text_of(self.values[index]).map_err(|problem| problem.in_column(&self.names[index]))
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Members<'de>, A::Error> {
        let mut members = Members::default();
        while let Some((name, value)) = object.next_entry::<String, &RawValue>()? {
            members.names.push(Arc::from(name));
            members.values.push(value);
        }
        Ok(members)
    }
}

/// Returns the problem of a row without a column that is needed.
fn missing(failure: Failure) -> RowProblem {
    RowProblem {
        columns_hint: Some(failure.hint),
        ..RowProblem::new(failure.message)
    }
}

fn invalid() -> RowProblem {
    RowProblem::new("it is not valid JSON; write one value a line")
}

/// Returns a value as it would be written in a CSV file.
fn text_of(value: &RawValue) -> Result<String, RowProblem> {
    let json = value.get();
    match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str(json).map_err(|_| invalid()),
        Some(b'{' | b'[') => Err(RowProblem::new(
            "it is a list or an object; write a text, a number, true or false",
        )),
        Some(b'n') => Ok(String::new()),
        _ => Ok(json.to_owned()),
    }
}
