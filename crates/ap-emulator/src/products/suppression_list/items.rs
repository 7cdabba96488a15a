//! [`Items`]: the values to add or to remove, hashed as they are read, so that a long body takes little memory.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::request_body;
use crate::state::suppression::Md5Hash;

/// The values to add or to remove.
#[derive(Debug, Default)]
pub(super) struct Items {
    pub(super) values: Vec<Md5Hash>,
    /// How many values are none.
    pub(super) rejected: usize,
    pub(super) timestamp: Option<String>,
}

/// The body is not one of the documented forms, for this reason.
#[derive(Debug)]
pub(super) struct Unreadable(pub(super) &'static str);

#[derive(Deserialize)]
struct Body {
    values: Values,
    timestamp: Option<String>,
}

#[derive(Default)]
struct Values(Items);

impl Items {
    /// Parses a body: `values` is one text, several joined by `|`, or a list.
    pub(super) fn parse(is_form: bool, body: &[u8]) -> Result<Self, Unreadable> {
        if is_form {
            return Self::parse_form(body);
        }
        let body: Body = serde_json::from_slice(body).map_err(|_| {
            Unreadable(
                "the request body is not a JSON object with values: a text or a list of texts",
            )
        })?;
        let Values(items) = body.values;
        Ok(Self {
            timestamp: body.timestamp,
            ..items
        })
    }

    fn parse_form(body: &[u8]) -> Result<Self, Unreadable> {
        let mut items = Self::default();
        let mut has_values = false;
        for (name, value) in request_body::form_members(body) {
            match name.as_str() {
                "values" | "values[]" => {
                    has_values = true;
                    items.push_joined(&value);
                }
                "timestamp" => items.timestamp = Some(value),
                _ => {}
            }
        }
        match has_values {
            true => Ok(items),
            false => Err(Unreadable("the form has no values")),
        }
    }

    /// Parses values that are joined by `|`.
    pub(super) fn joined(values: &str) -> Self {
        let mut items = Self::default();
        items.push_joined(values);
        items
    }

    fn push_joined(&mut self, values: &str) {
        values.split('|').for_each(|value| self.push(value));
    }

    fn push(&mut self, value: &str) {
        match Md5Hash::of(value) {
            Some(hash) => self.values.push(hash),
            None => self.rejected += 1,
        }
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self::default())
    }
}

impl<'de> Visitor<'de> for Values {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of texts")
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<Self, E> {
        self.0.push_joined(text);
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element_seed(Value(&mut self.0))?.is_some() {}
        Ok(self)
    }
}

/// A value in a list. Numbers count as texts, and everything else as no value.
struct Value<'a>(&'a mut Items);

impl<'de> serde::de::DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.push(text);
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.0.push(&number.to_string());
        Ok(())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.0.push(&number.to_string());
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.rejected += 1;
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        self.visit_unit()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.visit_unit()
    }
}
