//! [`Scalar`]: one value of a lead or an event, for rules, groups and JSON.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use crate::state::events::id::Id;
use crate::state::events::time::Time;

/// One value of a lead or an event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar<'a> {
    Text(Cow<'a, str>),
    Id(Id),
    Time(Time),
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
            Self::Time(time) => Value::from(time.to_string()),
            Self::Integer(number) => Value::from(*number),
            Self::Money(amount) => number(*amount),
            Self::Bool(is_true) => Value::from(*is_true),
        }
    }

    /// Appends it to a JSON text.
    pub(crate) fn write_json(&self, json: &mut Vec<u8>) {
        match self {
            Self::Text(text) => write_text(text, json),
            Self::Id(id) => write_quoted(&id.digits(), json),
            Self::Time(time) => match time.digits() {
                Some(digits) => write_quoted(&digits, json),
                None => write_text(&time.to_string(), json),
            },
            Self::Integer(integer) => write_json(integer, json),
            Self::Money(amount) => match whole(*amount) {
                Some(whole) => write_json(&whole, json),
                None => write_json(&number(*amount), json),
            },
            Self::Bool(is_true) => write_json(is_true, json),
        }
    }

    pub(crate) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Id(id) => id.to_string().into(),
            Self::Time(time) => time.to_string().into(),
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

/// Appends a value to a JSON text.
pub(crate) fn write_json(value: &(impl Serialize + ?Sized), json: &mut Vec<u8>) {
    // Neither texts, numbers nor trees of them fail, and neither does writing to memory.
    let _ = serde_json::to_writer(json, value);
}

/// Appends a text to a JSON text.
pub(crate) fn write_text(text: &str, json: &mut Vec<u8>) {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    // Few texts have anything that must be escaped. To look at every byte costs less than to stop at the first.
    match text.bytes().fold(true, |all, byte| all & is_plain(byte)) {
        true => write_quoted(text.as_bytes(), json),
        false => write_json(text, json),
    }
}

/// Appends a text without anything that must be escaped.
fn write_quoted(text: &[u8], json: &mut Vec<u8>) {
    json.reserve(text.len() + 2);
    json.push(b'"');
    json.extend_from_slice(text);
    json.push(b'"');
}

/// Returns a whole amount as [`number`] does, which most are.
fn whole(amount: f64) -> Option<i64> {
    #[allow(clippy::cast_possible_truncation)]
    let whole = amount as i32;
    #[allow(clippy::float_cmp)]
    let is_whole = f64::from(whole) == amount;
    is_whole.then_some(whole.into())
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
