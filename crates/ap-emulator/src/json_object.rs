//! [`JsonObject`]: a JSON object whose members stay text.
//!
//! As a tree, a text of many small values takes up to a hundred times its length. The emulator gives
//! members back as it got them, so it only checks them.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// The members of an object, each with the text of its value. Of two with the same name, the last counts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct JsonObject<'a>(BTreeMap<String, &'a str>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ParseError {
    NotJson,
    NotAnObject,
}

impl<'a> JsonObject<'a> {
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, ParseError> {
        let text = std::str::from_utf8(text).map_err(|_| ParseError::NotJson)?;
        serde_json::from_str::<Checked>(text).map_err(|_| ParseError::NotJson)?;
        let members = text.trim_start().strip_prefix('{').and_then(members);
        members.map(Self).ok_or(ParseError::NotAnObject)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).copied()
    }

    /// Returns the members, sorted by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    pub(crate) fn insert(&mut self, name: &str, value: &'a str) {
        self.0.insert(name.to_owned(), value);
    }

    /// Inserts a member, or removes it.
    pub(crate) fn set(&mut self, name: &str, value: Option<&'a str>) {
        match value {
            Some(value) => self.insert(name, value),
            None => drop(self.0.remove(name)),
        }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Writes the object, sorted by the names of its members.
    pub(crate) fn to_text(&self) -> String {
        let length = self
            .0
            .iter()
            .map(|(name, value)| name.len() + value.len() + 4);
        let mut text = String::with_capacity(length.sum::<usize>() + 2);
        let mut separator = '{';
        for (name, value) in &self.0 {
            text.push(separator);
            text.push_str(&serde_json::Value::from(name.as_str()).to_string());
            text.push(':');
            text.push_str(value);
            separator = ',';
        }
        if self.0.is_empty() {
            text.push('{');
        }
        text.push('}');
        text
    }
}

/// Splits what follows the `{` of a valid object.
fn members(mut rest: &str) -> Option<BTreeMap<String, &str>> {
    let mut members = BTreeMap::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n', ',']);
        if rest.starts_with('}') {
            return Some(members);
        }
        let (name, after_name) = first::<String>(rest)?;
        let value = after_name.trim_start().strip_prefix(':')?.trim_start();
        let (Checked, after_value) = first(value)?;
        members.insert(name, value.get(..value.len() - after_value.len())?);
        rest = after_value;
    }
}

/// Splits a valid array into the texts of its elements. Anything else has none.
pub(crate) fn elements(array: &str) -> impl Iterator<Item = &str> {
    let mut rest = array.trim_start().strip_prefix('[').unwrap_or_default();
    std::iter::from_fn(move || {
        let value = rest.trim_start_matches([' ', '\t', '\r', '\n', ',']);
        let (Checked, after) = first(value)?;
        rest = after;
        value.get(..value.len() - after.len())
    })
}

/// The JSON value at the start of `text`, and what follows it.
fn first<'a, T: Deserialize<'a>>(text: &'a str) -> Option<(T, &'a str)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<T>();
    let value = values.next()?.ok()?;
    Some((value, text.get(values.byte_offset()..)?))
}

/// A value that was read and not kept. Unlike with `IgnoredAny`, its strings, numbers and depth are
/// checked, so that clients can read what they get back.
struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Checked {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self, A::Error> {
        while elements.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        while members.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{JsonObject, ParseError, elements};

    #[test]
    fn elements_keep_their_text() {
        for (text, expected) in [
            ("[]", vec![]),
            (" [ ] ", vec![]),
            (
                r#"[1,"]",[2, 3] , {"a":[]},null]"#,
                vec!["1", "\"]\"", "[2, 3]", r#"{"a":[]}"#, "null"],
            ),
            ("{}", vec![]),
            ("\"[1]\"", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(elements(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn members_keep_their_text() {
        let table = [
            ("{}", "{}"),
            (" { } \n", "{}"),
            (
                r#"{"b":1,"a":[ 2, {"c":"}"} ]}"#,
                r#"{"a":[ 2, {"c":"}"} ],"b":1}"#,
            ),
            (
                "{ \"a\"\t:\r\n1.50e3 , \"b\" : null }",
                r#"{"a":1.50e3,"b":null}"#,
            ),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
            (r#"{"\u0061\"":true}"#, r#"{"a\"":true}"#),
            (r#"{"":"ü,:{"}"#, r#"{"":"ü,:{"}"#),
        ];
        for (text, expected) in table {
            let object = JsonObject::parse(text.as_bytes()).unwrap();
            assert_eq!(object.to_text(), expected, "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
        for text in [
            "",
            " ",
            "{",
            "}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{\"a\":1}x",
            "{\"a\":01}",
            "{a:1}",
            "{\"a\":1 \"b\":2}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":1e999}",
            "{\"a\":\"\n\"}",
            "\u{a0}{}",
            &deep,
        ] {
            let refusal = JsonObject::parse(text.as_bytes()).unwrap_err();
            assert_eq!(refusal, ParseError::NotJson, "{text:?}");
        }
        let refusal = JsonObject::parse(b"{\"a\":\"\xff\"}").unwrap_err();
        assert_eq!(refusal, ParseError::NotJson);
        for text in ["[]", "1", "null", " \"{}\"", "[{}]"] {
            let refusal = JsonObject::parse(text.as_bytes()).unwrap_err();
            assert_eq!(refusal, ParseError::NotAnObject, "{text:?}");
        }
    }
}
