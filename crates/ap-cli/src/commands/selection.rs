//! Which members of an answer are shown: the columns of a table, or those that `--fields` names.

use std::borrow::Cow;

use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::raw_object::RawObject;

/// The columns of a table: titles, and where in an object each value is, as a JSON pointer (RFC 6901).
pub(crate) type Columns<'a> = &'a [(&'a str, &'a str)];

/// A member that is shown.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) title: String,
    path: Vec<String>,
}

/// Returns the members that are shown: the named ones, or those of the columns. A name is a column's title or a path
/// with dots.
pub(crate) fn chosen(columns: Columns<'_>, names: &[String]) -> Vec<Chosen> {
    let of_column = |(title, pointer): &(&str, &str)| Chosen {
        title: (*title).to_owned(),
        path: segments(pointer),
    };
    if names.is_empty() {
        return columns.iter().map(of_column).collect();
    }
    let names = names.iter().map(|name| {
        let column = columns.iter().find(|(title, _)| title == name);
        column.map_or_else(
            || Chosen {
                title: name.clone(),
                path: name.split('.').map(str::to_owned).collect(),
            },
            of_column,
        )
    });
    names.collect()
}

/// Returns the names that a person may have meant: titles, and paths with dots.
pub(crate) fn known_names(columns: Columns<'_>) -> impl Iterator<Item = String> {
    columns
        .iter()
        .flat_map(|(title, pointer)| [(*title).to_owned(), segments(pointer).join(".")])
}

fn segments(pointer: &str) -> Vec<String> {
    let segments = pointer.split('/').skip(1);
    segments
        .map(|segment| segment.replace("~1", "/").replace("~0", "~"))
        .collect()
}

impl Chosen {
    /// Returns the values of this member: several if there is a list on the way.
    pub(crate) fn values<'a>(&self, object: &'a Value) -> Vec<&'a Value> {
        let mut found = Vec::new();
        find(object, &self.path, &mut found);
        found
    }
}

fn find<'a>(value: &'a Value, path: &[String], found: &mut Vec<&'a Value>) {
    match (path.split_first(), value) {
        (None, _) => found.push(value),
        (Some((name, rest)), Value::Object(members)) => {
            if let Some(member) = members.get(name) {
                find(member, rest, found);
            }
        }
        (Some(_), Value::Array(items)) => items.iter().for_each(|item| find(item, path, found)),
        _ => {}
    }
}

/// Returns an object, or each object of a list, with the chosen members alone. They keep their text.
pub(crate) fn select(json: &[u8], chosen: &[Chosen]) -> serde_json::Result<Box<RawValue>> {
    let paths: Vec<&[String]> = chosen.iter().map(|chosen| chosen.path.as_slice()).collect();
    let value: &RawValue = serde_json::from_slice(json)?;
    select_paths(value, &paths)
}

fn select_paths(value: &RawValue, paths: &[&[String]]) -> serde_json::Result<Box<RawValue>> {
    if value.get().starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(value.get())?;
        let items: Result<Vec<_>, _> = items.iter().map(|item| select_paths(item, paths)).collect();
        return to_raw_value(&items?);
    }
    let Ok(object) = RawObject::parse(value.get().as_bytes()) else {
        return to_raw_value(&RawObject::default());
    };
    let mut selected = RawObject::default();
    for path in paths {
        let Some((name, _)) = path.split_first() else {
            continue;
        };
        let Some(member) = object.get(name) else {
            continue;
        };
        let below = paths
            .iter()
            .filter_map(|path| path.strip_prefix(std::slice::from_ref(name)));
        let below: Vec<_> = below.collect();
        let member = match below.iter().any(|path| path.is_empty()) {
            true => member.to_owned(),
            false => select_paths(member, &below)?,
        };
        selected.set(name, Cow::Owned(member));
    }
    to_raw_value(&selected)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: Columns<'_> = &[("id", "/id"), ("flow", "/vars/flow/name"), ("a.b", "/a.b")];

    fn names(text: &str) -> Vec<String> {
        text.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn members_are_chosen_by_title_or_by_path_and_keep_their_text() {
        let json = br#"[{"id":1.50,"vars":{"flow":{"name":"x","id":2},"lead":{"email":"y"}},"a.b":[],"l":[{"n":1},{"n":2,"m":3}]},{}]"#;
        for (given, expected) in [
            ("id", r#"[{"id":1.50},{}]"#),
            (
                "flow,vars.lead.email",
                r#"[{"vars":{"flow":{"name":"x"},"lead":{"email":"y"}}},{}]"#,
            ),
            (
                "vars.flow,flow",
                r#"[{"vars":{"flow":{"name":"x","id":2}}},{}]"#,
            ),
            ("a.b", r#"[{"a.b":[]},{}]"#),
            ("l.n", r#"[{"l":[{"n":1},{"n":2}]},{}]"#),
            ("nothing,id.x", r#"[{"id":{}},{}]"#),
        ] {
            let chosen = chosen(COLUMNS, &names(given));
            assert_eq!(select(json, &chosen).unwrap().get(), expected, "{given}");
        }
    }

    #[test]
    fn a_table_has_the_values_of_every_item_of_a_list() {
        let object = serde_json::json!({"l": [{"n": 1}, {"n": 2}], "id": 3});
        let counts = |given: &str| {
            let chosen = chosen(COLUMNS, &names(given));
            chosen[0].values(&object).len()
        };
        assert_eq!(
            [counts("l.n"), counts("l"), counts("id"), counts("x.y")],
            [2, 1, 1, 0]
        );
        let shown: Vec<String> = known_names(COLUMNS).collect();
        assert_eq!(shown, ["id", "id", "flow", "vars.flow.name", "a.b", "a.b"]);
    }
}
