//! The last item of a JSON array, found from its end.

/// Returns the last item of an array in JSON, without reading those before it.
///
/// In JSON, a backslash is in a string, and a quotation mark with an even number of backslashes before it begins or ends one.
/// So strings and brackets can be distinguished from the end too. The answer is only right if the text is valid, which is not
/// checked. `None` if there is no item, or no array.
pub(super) fn last_item(text: &[u8]) -> Option<&[u8]> {
    let items = text.trim_ascii().strip_prefix(b"[")?.strip_suffix(b"]")?;
    let mut depth = 0_usize;
    let mut is_in_string = false;
    for (at, byte) in items.iter().enumerate().rev() {
        match byte {
            b'"' if !is_escaped(&items[..at]) => is_in_string = !is_in_string,
            _ if is_in_string => {}
            b'}' | b']' => depth += 1,
            b'{' | b'[' => depth = depth.checked_sub(1)?,
            b',' if depth == 0 => return Some(items[at + 1..].trim_ascii()),
            _ => {}
        }
    }
    Some(items.trim_ascii()).filter(|item| !item.is_empty())
}

/// Returns `true` if what comes after this text is escaped.
fn is_escaped(before: &[u8]) -> bool {
    let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\');
    !backslashes.count().is_multiple_of(2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::last_item;

    #[test]
    fn what_has_no_last_item_has_none() {
        for text in [
            "", "[", "]", "[]", " [ ] \n", "null", "{}", "\"[1]\"", "[{1]",
        ] {
            assert_eq!(last_item(text.as_bytes()), None, "{text}");
        }
        assert_eq!(last_item(br#" [1, "a,\\\"]" ] "#).unwrap(), br#""a,\\\"]""#);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let text = r#"[\\"\[\]{},: aé]{0,6}"#;
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            text.prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map(text, inner, 0..4).prop_map(|members| json!(members)),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_is_the_last_that_a_parser_finds(items in prop::collection::vec(any_json(), 0..5), is_pretty: bool) {
            let text = match is_pretty {
                true => serde_json::to_vec_pretty(&items),
                false => serde_json::to_vec(&items),
            };
            let text = text.unwrap();
            let found = last_item(&text).map(|item| serde_json::from_slice::<Value>(item).unwrap());
            prop_assert_eq!(found.as_ref(), items.last());
        }
    }
}
