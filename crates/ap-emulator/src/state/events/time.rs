//! [`Time`]: when something happened to a lead, and its text.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::Offset;

use crate::example_data;

/// The text of a time, with zeros for its digits.
const ZEROS: [u8; 24] = *b"0000-00-00T00:00:00.000Z";

/// Milliseconds since 1970. Its text is that of [`example_data::iso_8601`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time {
    ms: i64,
}

impl Time {
    pub(crate) const fn new(ms: i64) -> Self {
        Self { ms }
    }

    /// Returns it as text, without the work of a formatter: each event has such times. `None` for a year that does not
    /// have four digits.
    pub(crate) fn digits(self) -> Option<[u8; 24]> {
        let time = Offset::UTC.to_datetime(self.timestamp());
        let year = u16::try_from(time.year()).ok()?;
        if year > 9999 {
            return None;
        }
        let mut text = ZEROS;
        put(&mut text[..4], year);
        put(&mut text[20..23], time.millisecond().unsigned_abs());
        for (start, number) in [
            (5, time.month()),
            (8, time.day()),
            (11, time.hour()),
            (14, time.minute()),
            (17, time.second()),
        ] {
            put(&mut text[start..start + 2], number.unsigned_abs().into());
        }
        Some(text)
    }

    fn timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.ms).unwrap_or_default()
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&example_data::iso_8601(self.timestamp()))
    }
}

/// Writes the last digits of a number, as many as there is space for.
fn put(digits: &mut [u8], mut number: u16) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::Time;

    #[test]
    fn its_digits_are_those_of_the_formatter() {
        let day = 24 * 60 * 60 * 1000;
        let days = (-800_000_i64..2_900_000).step_by(97);
        let times = days.map(|number| number * day + number.rem_euclid(day));
        for ms in times.chain([-62_135_596_800_001, -1, 0, 999, 253_402_207_200_999]) {
            let time = Time::new(ms);
            match time.digits() {
                Some(digits) => assert_eq!(digits, *time.to_string().as_bytes(), "{ms}"),
                None => assert!(ms < 0 && time.to_string().starts_with('-'), "{ms}"),
            }
        }
        assert!(Time::new(-1).digits().is_some());
    }
}
