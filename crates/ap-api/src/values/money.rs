//! [`Money`]: an amount as an exact decimal.

use std::fmt;
use std::ops::Deref;

use rust_decimal::Decimal;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::object::required_member;

/// An amount, in US dollars where the API means money. It dereferences to a [`rust_decimal::Decimal`].
///
/// The API writes a JSON number: `1.1` is exactly 1.1 here, and written back as it came.
///
/// ```
/// use ap_api::Money;
/// use rust_decimal::Decimal;
///
/// let price: Money = serde_json::from_str("1.1")?;
/// assert_eq!(*price * Decimal::from(3), Decimal::new(33, 1));
/// assert_eq!(serde_json::to_string(&price)?, "1.1");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Money {
    amount: Decimal,
    form: Form,
}

/// How the amount is written in JSON.
#[derive(Clone, Copy, Debug)]
enum Form {
    Integer,
    Float,
    Text,
}

impl Money {
    /// Returns the amount.
    #[must_use]
    pub const fn amount(self) -> Decimal {
        self.amount
    }
}

impl From<Decimal> for Money {
    fn from(amount: Decimal) -> Self {
        let form = match amount.scale() {
            0 => Form::Integer,
            _ => Form::Float,
        };
        Self { amount, form }
    }
}

impl From<u32> for Money {
    fn from(amount: u32) -> Self {
        Self::from(Decimal::from(amount))
    }
}

impl From<Money> for Decimal {
    fn from(money: Money) -> Self {
        money.amount
    }
}

impl Deref for Money {
    type Target = Decimal;

    fn deref(&self) -> &Decimal {
        &self.amount
    }
}

impl PartialEq for Money {
    fn eq(&self, other: &Self) -> bool {
        self.amount == other.amount
    }
}

impl Eq for Money {}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.amount.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Amount)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.form {
            Form::Text => serializer.collect_str(&self.amount),
            Form::Integer => match i64::try_from(self.amount) {
                Ok(integer) => serializer.serialize_i64(integer),
                Err(_) => serialize_float(self.amount, serializer),
            },
            Form::Float => serialize_float(self.amount, serializer),
        }
    }
}

/// The nearest float prints as the same decimal, up to 15 digits.
fn serialize_float<S: Serializer>(amount: Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    let float = amount.to_string().parse::<f64>();
    serializer.serialize_f64(float.map_err(serde::ser::Error::custom)?)
}

struct Amount;

impl Visitor<'_> for Amount {
    type Value = Money;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Money, E> {
        Ok(Money::from(Decimal::from(number)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Money, E> {
        Ok(Money::from(Decimal::from(number)))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Money, E> {
        // The shortest text that is read as this float is the one that was sent, up to 15 digits.
        let amount = exact(&number.to_string()).ok_or_else(|| E::custom("not an exact amount"))?;
        let form = Form::Float;
        Ok(Money { amount, form })
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Money, E> {
        let amount = exact(text).ok_or_else(|| E::custom("not an amount"))?;
        let form = Form::Text;
        Ok(Money { amount, form })
    }
}

fn exact(text: &str) -> Option<Decimal> {
    Decimal::from_str_exact(text).ok()
}

required_member!(Money);
