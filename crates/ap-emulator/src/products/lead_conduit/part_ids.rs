//! Ids of the parts of an item, such as the steps of a flow.

use crate::json_object::{JsonObject, elements};

/// A member with a list of objects, each of which has an id.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts {
    pub(super) member: &'static str,
    /// The number of hexadecimal digits of an id.
    pub(super) digits: usize,
}

/// Returns the list with an id in each object that has none, or `None` if no object lacks one.
pub(super) fn completed(list: &str, digits: usize) -> Option<String> {
    elements(list).find_map(lacks_id)?;
    // Ids must differ within an item, no more, so they are counted from a random one.
    let mut next = u64::from_str_radix(&crate::state::random::hex::<4>(), 16).unwrap_or_default();
    let mut text = String::with_capacity(list.len());
    let mut separator = '[';
    for element in elements(list) {
        text.push(separator);
        match lacks_id(element) {
            Some(mut members) => {
                let id = format!("\"{}\"", id(next, digits));
                next += 1;
                members.insert("id", &id);
                text.push_str(&members.to_text());
            }
            None => text.push_str(element),
        }
        separator = ',';
    }
    text.push(']');
    Some(text)
}

/// Returns the members of an object without an id.
fn lacks_id(element: &str) -> Option<JsonObject<'_>> {
    let members = JsonObject::parse(element.as_bytes()).ok()?;
    matches!(members.get("id"), None | Some("null")).then_some(members)
}

/// Returns the last digits of a number.
fn id(number: u64, digits: usize) -> String {
    let text = format!("{number:0digits$x}");
    text.get(text.len() - digits..).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::{completed, id};

    #[test]
    fn only_objects_without_an_id_get_one() {
        for whole in [
            "[]",
            r#"[{"id":"abc123"}]"#,
            "[1,[],null]",
            "null",
            "{}",
            "",
        ] {
            assert_eq!(completed(whole, 6), None, "{whole}");
        }
        let text = completed(r#"[{"id":"abc123"},{"a":1.50},{"id":null},[]]"#, 6).unwrap();
        let list: serde_json::Value = serde_json::from_str(&text).unwrap();
        let made = [&list[1]["id"], &list[2]["id"]].map(|id| id.as_str().unwrap());
        assert!(made.iter().all(|id| id.len() == 6), "{text}");
        assert_ne!(made[0], made[1]);
        assert_eq!(list[0]["id"], "abc123");
        assert!(text.contains("1.50") && text.ends_with(",[]]"), "{text}");
    }

    #[test]
    fn an_id_has_as_many_digits_as_are_asked_for() {
        assert_eq!(id(0xffff_ffff, 6), "ffffff");
        assert_eq!(id(1, 24), "000000000000000000000001");
    }
}
