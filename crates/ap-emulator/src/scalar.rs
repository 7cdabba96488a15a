//! [`Scalar`]: one value of a lead or an event, for rules, groups and JSON.

use std::borrow::Cow;

use serde_json::Value;

/// One value of a lead or an event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar<'a> {
    Text(Cow<'a, str>),
    Integer(i64),
    /// An amount in US dollars.
    Money(f64),
    Bool(bool),
}

impl Scalar<'_> {
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => Value::from(&**text),
            Self::Integer(number) => Value::from(*number),
            Self::Money(amount) => number(*amount),
            Self::Bool(is_true) => Value::from(*is_true),
        }
    }

    pub(crate) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
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
