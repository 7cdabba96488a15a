//! [`State`]: where an export continues: after which event.

use std::path::Path;

use activeprospect::api::Id;
use serde_json::{Map, Value, json};

use super::file::Kind;
use super::{KEY, STREAM};
use crate::failure::Failure;
use crate::output;

const FILE: Kind = Kind {
    name: "state",
    hint: "give a state that this tap printed, or leave --state out to begin anew",
};

/// The names of a bookmark's members, as other taps have them.
const BOOKMARKS: &str = "bookmarks";
const NAME: &str = "replication_key";
const VALUE: &str = "replication_key_value";

/// Where an export continues. Members that this tap does not know are kept.
#[derive(Debug, Default)]
pub(super) struct State(Map<String, Value>);

impl State {
    /// Reads a state: the value of a message or the whole message, and of several the last one.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        FILE.read(path)?
            .map_or_else(|| Ok(Self::default()), Self::parse)
    }

    fn parse(value: Value) -> Result<Self, Failure> {
        match value {
            Value::Object(mut message) if message.get("type").is_some_and(|of| of == "STATE") => {
                let value = message.remove("value");
                Self::parse(value.ok_or_else(other_form)?)
            }
            Value::Object(members) => Ok(Self(members)),
            _ => Err(other_form()),
        }
    }

    /// Returns the event after which to continue, if there is one.
    pub(super) fn bookmark(&self) -> Result<Option<Id>, Failure> {
        let Some(bookmarks) = self.0.get(BOOKMARKS).filter(|found| !found.is_null()) else {
            return Ok(None);
        };
        let bookmarks = bookmarks.as_object().ok_or_else(other_form)?;
        let Some(bookmark) = bookmarks.get(STREAM).filter(|found| !found.is_null()) else {
            return Ok(None);
        };
        let bookmark = bookmark.as_object().ok_or_else(other_form)?;
        let Some(value) = bookmark.get(VALUE).filter(|found| !found.is_null()) else {
            return Ok(None);
        };
        let id = value.as_str().and_then(|text| Id::parse(text).ok());
        id.map(Some)
            .ok_or_else(|| FILE.problem("has a bookmark that is not the id of an event"))
    }

    /// Continues after this event.
    pub(super) fn set_bookmark(&mut self, id: &Id) -> Result<(), Failure> {
        let bookmarks = member(&mut self.0, BOOKMARKS)?;
        let bookmark = member(bookmarks, STREAM)?;
        bookmark.insert(NAME.to_owned(), KEY.into());
        bookmark.insert(VALUE.to_owned(), id.as_str().into());
        Ok(())
    }

    /// Returns it as a message.
    pub(super) fn message(&self) -> Result<Vec<u8>, Failure> {
        let message = json!({"type": "STATE", "value": self.0});
        output::json_line(&message).map(String::into_bytes)
    }
}

/// Returns a member that is an object, and creates it if there is none.
fn member<'a>(
    members: &'a mut Map<String, Value>,
    name: &str,
) -> Result<&'a mut Map<String, Value>, Failure> {
    let member = members.entry(name).or_insert(Value::Null);
    if member.is_null() {
        *member = Value::Object(Map::new());
    }
    member.as_object_mut().ok_or_else(other_form)
}

fn other_form() -> Failure {
    FILE.problem("has another form than that of this tap")
}

#[cfg(test)]
mod tests {
    use activeprospect::api::Id;
    use serde_json::{Value, json};

    use super::State;

    const ID: &str = "0000000000000000000000aa";

    fn bookmark(value: Value) -> Result<Option<String>, String> {
        let state = State::parse(value).map_err(|failure| failure.message)?;
        let id = state.bookmark().map_err(|failure| failure.message)?;
        Ok(id.map(|id| id.as_str().to_owned()))
    }

    #[test]
    fn a_state_is_accepted_as_a_value_and_as_a_message() {
        let value = json!({"bookmarks": {"events": {"replication_key": "id", "replication_key_value": ID}}});
        let message = json!({"type": "STATE", "value": value});
        for state in [value, message] {
            assert_eq!(bookmark(state), Ok(Some(ID.to_owned())));
        }
    }

    #[test]
    fn a_state_without_a_bookmark_begins_anew() {
        for state in [
            json!({}),
            json!({"bookmarks": null}),
            json!({"bookmarks": {}}),
            json!({"bookmarks": {"events": {}}}),
            json!({"bookmarks": {"flows": {"replication_key_value": 5}}}),
        ] {
            assert_eq!(bookmark(state.clone()), Ok(None), "{state}");
        }
    }

    #[test]
    fn a_state_of_another_form_is_refused() {
        let form = "the state has another form than that of this tap";
        for (state, message) in [
            (json!(5), form),
            (json!({"type": "STATE"}), form),
            (json!({"bookmarks": []}), form),
            (json!({"bookmarks": {"events": ID}}), form),
            (
                json!({"bookmarks": {"events": {"replication_key_value": "2026-11-01"}}}),
                "the state has a bookmark that is not the id of an event",
            ),
        ] {
            assert_eq!(bookmark(state.clone()), Err(message.to_owned()), "{state}");
        }
    }

    #[test]
    fn members_that_are_not_known_are_kept() {
        let old = json!({"x": 1, "bookmarks": {"flows": {"y": 2}, "events": {"z": 3}}});
        let mut state = State::parse(old).unwrap();
        state.set_bookmark(&Id::parse(ID).unwrap()).unwrap();
        let message: Value = serde_json::from_slice(&state.message().unwrap()).unwrap();
        let expected = json!({"x": 1, "bookmarks": {"flows": {"y": 2}, "events": {
            "z": 3, "replication_key": "id", "replication_key_value": ID,
        }}});
        assert_eq!(message, json!({"type": "STATE", "value": expected}));
    }
}
