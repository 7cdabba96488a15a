//! [`Change`]: what changelogs tell of a change.

use bytes::Bytes;
use jiff::Timestamp;

use crate::example_data::{self, iso_8601};
use crate::json_object::JsonObject;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Create,
    Update,
    Delete,
}

/// A change of an item.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    /// The type of the item, for example `flow`.
    pub(crate) kind: &'static str,
    pub(crate) action: Action,
    pub(crate) id: &'a str,
    /// The item before an update.
    pub(crate) before: Option<&'a Bytes>,
    /// The item after the change. If it was deleted, the item as it was.
    pub(crate) after: &'a Bytes,
}

impl Action {
    const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl Change<'_> {
    /// Returns the changelog with this id. An update is told member by member.
    pub(crate) fn to_text(&self, id: &str) -> String {
        let (kind, action) = (self.kind, self.action.name());
        let (changes, delta) = match self.before {
            Some(before) => differences(before, self.after),
            None => (
                format!(r#"{{"action":"{action}","target":"{kind}"}}"#),
                String::new(),
            ),
        };
        let now = iso_8601(Timestamp::now());
        let user = example_data::changing_user();
        let after = String::from_utf8_lossy(self.after);
        format!(
            r#"{{"id":"{id}","type":"{kind}","action":"{action}","created_at":"{now}","user":{user},"changes":[{changes}],"delta_from_last_revision":{{{delta}}},"current_revision":{after}}}"#
        )
    }
}

/// Compares members by their text, and returns the elements of `changes` and the members of the delta: the
/// old value, the new one, or both.
fn differences(before: &[u8], after: &[u8]) -> (String, String) {
    let before = JsonObject::parse(before).unwrap_or_default();
    let after = JsonObject::parse(after).unwrap_or_default();
    let (mut changes, mut delta) = (Vec::new(), Vec::new());
    let names = before
        .names()
        .chain(after.names().filter(|name| before.get(name).is_none()));
    for name in names.filter(|name| *name != "updated_at") {
        let (action, values) = match (before.get(name), after.get(name)) {
            (Some(old), Some(new)) if old != new => ("changed", format!("[{old},{new}]")),
            (None, Some(new)) => ("added", format!("[{new}]")),
            (Some(old), None) => ("removed", format!("[{old},0,0]")),
            _ => continue,
        };
        let name_text = serde_json::Value::from(name);
        let mut change =
            format!(r#"{{"action":"{action}","target":{name_text},"delta_path":{name_text}"#);
        for (side, object) in [("previous", &before), ("current", &after)] {
            if let Some(value) = object.get(name).filter(|value| is_told(value)) {
                change += &format!(r#","{side}":{{"value":{value}}}"#);
            }
        }
        changes.push(change + "}");
        delta.push(format!("{name_text}:{values}"));
    }
    (changes.join(","), delta.join(","))
}

/// The vendor's changes have texts and flags as values; the rest is in the delta.
fn is_told(value: &str) -> bool {
    value.starts_with('"') || matches!(value, "true" | "false")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};

    use super::{Action, Change};

    #[test]
    fn an_update_is_told_member_by_member() {
        let before =
            Bytes::from_static(br#"{"id":"x","name":"Old","a":1,"b":[2],"updated_at":"1"}"#);
        let after =
            Bytes::from_static(br#"{"id":"x","name":"New","b":[3],"c":true,"updated_at":"2"}"#);
        let change = Change {
            kind: "flow",
            action: Action::Update,
            id: "x",
            before: Some(&before),
            after: &after,
        };
        let changelog: Value = serde_json::from_str(&change.to_text("1")).unwrap();
        let delta = json!({"name": ["Old", "New"], "a": [1, 0, 0], "b": [[2], [3]], "c": [true]});
        assert_eq!(changelog["delta_from_last_revision"], delta);
        assert_eq!(changelog["current_revision"]["name"], "New");
        let changes = json!([
            {"action": "removed", "target": "a", "delta_path": "a"},
            {"action": "changed", "target": "b", "delta_path": "b"},
            {"action": "changed", "target": "name", "delta_path": "name",
             "previous": {"value": "Old"}, "current": {"value": "New"}},
            {"action": "added", "target": "c", "delta_path": "c", "current": {"value": true}},
        ]);
        assert_eq!(changelog["changes"], changes);
    }
}
