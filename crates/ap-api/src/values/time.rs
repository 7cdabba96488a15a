//! The three forms of a moment: [`Time`], [`UnixMillis`] and [`UnixSeconds`].

use std::fmt;
use std::ops::Deref;

use jiff::Timestamp;
use jiff::fmt::temporal::Pieces;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::object::required_member;

/// A moment that the API writes as text (ISO 8601, RFC 3339). It dereferences to a [`jiff::Timestamp`].
///
/// The text is written back as it came. Two times are equal if they are the same moment. A time at the end of the year
/// 9999, which means "never" in many programs, is the last moment that a timestamp can be.
///
/// ```
/// use ap_api::Time;
///
/// let time: Time = serde_json::from_str(r#""2026-11-26T09:30:00.000+01:00""#)?;
/// assert_eq!(time.as_second(), 1_795_681_800);
/// assert_eq!(time.to_string(), "2026-11-26T08:30:00Z");
/// assert_eq!(serde_json::to_string(&time)?, r#""2026-11-26T09:30:00.000+01:00""#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Time {
    timestamp: Timestamp,
    /// As it came, if it came from the API.
    text: Option<Box<str>>,
}

impl Time {
    /// Returns the moment.
    #[must_use]
    pub const fn timestamp(&self) -> Timestamp {
        self.timestamp
    }
}

impl PartialEq for Time {
    fn eq(&self, other: &Self) -> bool {
        self.timestamp == other.timestamp
    }
}

impl Eq for Time {}

impl From<Timestamp> for Time {
    fn from(timestamp: Timestamp) -> Self {
        Self {
            timestamp,
            text: None,
        }
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::text::deserialize(deserializer, |text| {
            Ok(Self {
                timestamp: parse(text).ok_or("not a time")?,
                text: Some(text.into()),
            })
        })
    }
}

/// Parses a moment. One that is too far away to be counted is the last one that can be, or the first one.
fn parse(text: &str) -> Option<Timestamp> {
    if let Ok(timestamp) = text.parse() {
        return Some(timestamp);
    }
    let pieces = Pieces::parse(text).ok()?;
    let (Some(_), Some(_)) = (pieces.time(), pieces.to_numeric_offset()) else {
        return None;
    };
    match pieces.date().year() {
        9999 => Some(Timestamp::MAX),
        -9999 => Some(Timestamp::MIN),
        _ => None,
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.text {
            Some(text) => serializer.serialize_str(text),
            None => serializer.collect_str(&self.timestamp),
        }
    }
}

/// What the three forms have in common.
macro_rules! a_timestamp {
    ($($name:ident,)*) => {$(
        impl Deref for $name {
            type Target = Timestamp;

            fn deref(&self) -> &Timestamp {
                &self.timestamp
            }
        }

        impl From<$name> for Timestamp {
            fn from(time: $name) -> Self {
                time.timestamp
            }
        }

        /// Shows it in RFC 3339, in UTC.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.timestamp.fmt(f)
            }
        }

        required_member!($name);
    )*};
}

a_timestamp!(Time, UnixMillis, UnixSeconds,);

/// The two forms that are numbers.
macro_rules! unix_time {
    ($($(#[$meta:meta])* $name:ident, $from:ident, $to:ident;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            timestamp: Timestamp,
            /// As it came: a timestamp cannot be every number.
            number: i64,
        }

        impl $name {
            /// Returns the moment.
            #[must_use]
            pub const fn timestamp(self) -> Timestamp {
                self.timestamp
            }
        }

        /// What is finer than the unit is lost when it is written.
        impl From<Timestamp> for $name {
            fn from(timestamp: Timestamp) -> Self {
                Self {
                    timestamp,
                    number: timestamp.$to(),
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let number = deserializer.deserialize_i64(Integer)?;
                let nearest = if number > 0 { Timestamp::MAX } else { Timestamp::MIN };
                let timestamp = Timestamp::$from(number).unwrap_or(nearest);
                Ok(Self { timestamp, number })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_i64(self.number)
            }
        }
    )*};
}

unix_time! {
    /// A moment that the API writes as milliseconds since 1970. It dereferences to a [`jiff::Timestamp`], which is the
    /// nearest one if there is none for the number.
    UnixMillis, from_millisecond, as_millisecond;
    /// A moment that the API writes as seconds since 1970. It dereferences to a [`jiff::Timestamp`], which is the
    /// nearest one if there is none for the number.
    UnixSeconds, from_second, as_second;
}

struct Integer;

impl Visitor<'_> for Integer {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<i64, E> {
        Ok(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<i64, E> {
        i64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }
}
