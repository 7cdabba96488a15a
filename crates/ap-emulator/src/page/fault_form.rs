//! The fault form of the page, as a browser sends it.

use serde_json::{Map, Value};

/// Returns the members of a form as the JSON that `POST fault` takes, or `None` if it is no form.
///
/// It decodes nothing, because no allowed value contains a character that forms encode.
pub(crate) fn to_json(form: &[u8]) -> Option<Value> {
    let mut members = Map::new();
    for member in std::str::from_utf8(form).ok()?.split('&') {
        let (name, text) = member.split_once('=')?;
        let number = match name {
            "count" | "ms" => text.parse::<u64>().ok(),
            _ => None,
        };
        let value = number.map_or_else(|| Value::from(text), Value::from);
        members.insert(name.to_owned(), value);
    }
    Some(Value::Object(members))
}
