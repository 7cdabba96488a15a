//! [`Scalar`]: one value of a lead or an event, for rules, groups and JSON.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value;

use crate::state::events::id::Id;

/// One value of a lead or an event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar<'a> {
    Text(Cow<'a, str>),
    Id(Id),
    Integer(i64),
    /// An amount in US dollars.
    Money(f64),
    Bool(bool),
}

impl Scalar<'_> {
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => Value::from(&**text),
            Self::Id(id) => Value::from(id.to_string()),
            Self::Integer(number) => Value::from(*number),
            Self::Money(amount) => number(*amount),
            Self::Bool(is_true) => Value::from(*is_true),
        }
    }

    /// Appends it to a JSON text.
    pub(crate) fn write_json(&self, json: &mut String) {
        // Writing to a string does not fail.
        let _ = match self {
            Self::Text(text) => {
                write_text(text, json);
                Ok(())
            }
            Self::Id(id) => write!(json, "\"{id}\""),
            Self::Integer(integer) => write!(json, "{integer}"),
            Self::Money(amount) => write!(json, "{}", number(*amount)),
            Self::Bool(is_true) => write!(json, "{is_true}"),
        };
    }

    pub(crate) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Id(id) => id.to_string().into(),
            Self::Integer(number) => number.to_string().into(),
            Self::Money(amount) => number(*amount).to_string().into(),
            Self::Bool(is_true) => is_true.to_string().into(),
        }
    }
}

impl<'a> From<&'a str> for Scalar<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<u32> for Scalar<'_> {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

/// Appends a text to a JSON text.
pub(crate) fn write_text(text: &str, json: &mut String) {
    let is_plain = |byte: u8| byte >= b' ' && !matches!(byte, b'"' | b'\\');
    if text.bytes().all(is_plain) {
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        json.push_str(&Value::from(text).to_string());
    }
}

/// Writes a number as a whole one if it is one, and with two decimals otherwise.
pub(crate) fn number(amount: f64) -> Value {
    let hundredths = (amount * 100.0).round();
    #[allow(clippy::cast_possible_truncation)]
    let is_whole = hundredths % 100.0 == 0.0 && hundredths.abs() < 1e15;
    if is_whole {
        #[allow(clippy::cast_possible_truncation)]
        return Value::from((hundredths / 100.0) as i64);
    }
    Value::from(hundredths / 100.0)
}
