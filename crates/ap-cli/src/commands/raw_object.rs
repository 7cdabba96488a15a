//! [`RawObject`]: a JSON object whose members keep their text, so that no number and no unknown member changes.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::value::RawValue;

/// A JSON object, in the order of its members.
#[derive(Debug, Default)]
pub(crate) struct RawObject<'a>(pub(crate) Vec<(Cow<'a, str>, Cow<'a, RawValue>)>);

impl<'a> RawObject<'a> {
    /// Parses the text of an object.
    pub(crate) fn parse(text: &'a [u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(text)
    }

    /// Returns a member. Of several with the same name, the last one counts.
    pub(crate) fn get(&self, name: &str) -> Option<&RawValue> {
        let mut members = self.0.iter().rev();
        let found = members.find(|(found, _)| found == name);
        found.map(|(_, value)| &**value)
    }

    /// Sets a member, in its place if it is there.
    pub(crate) fn set(&mut self, name: &str, value: Cow<'a, RawValue>) {
        let mut members = self.0.iter_mut().rev();
        match members.find(|(found, _)| found == name) {
            Some((_, place)) => *place = value,
            None => self.0.push((Cow::Owned(name.to_owned()), value)),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RawObject<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = RawObject<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value::<&'de RawValue>()?;
            members.push((Cow::Owned(name), Cow::Borrowed(value)));
        }
        Ok(RawObject(members))
    }
}

impl Serialize for RawObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, &**value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_member_changes_and_the_others_keep_their_text() {
        let text = r#"{"b":1.50,"a":{"z":1e400, "y":[]},"name":"x","b":2}"#;
        let mut object = RawObject::parse(text.as_bytes()).unwrap();
        let value = RawValue::from_string("\"y\"".to_owned()).unwrap();
        object.set("name", Cow::Owned(value));
        assert_eq!(
            serde_json::to_string(&object).unwrap(),
            r#"{"b":1.50,"a":{"z":1e400, "y":[]},"name":"y","b":2}"#
        );
        assert_eq!(object.get("b").unwrap().get(), "2");
        assert!(RawObject::parse(b"[]").is_err());
    }
}
