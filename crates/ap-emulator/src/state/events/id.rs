//! [`Id`]: the id of an event or a lead.

use std::fmt;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// 24 hexadecimal digits. The first eight are the second of its creation, so ids sort by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id {
    seconds: u32,
    rest: u64,
}

impl Id {
    pub(crate) fn new(created_ms: i64, rest: u64) -> Self {
        Self {
            seconds: u32::try_from(created_ms.div_euclid(1000)).unwrap_or_default(),
            rest,
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != 24 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        Some(Self {
            seconds: u32::from_str_radix(text.get(..8)?, 16).ok()?,
            rest: u64::from_str_radix(text.get(8..)?, 16).ok()?,
        })
    }

    /// Returns it as text.
    pub(crate) fn digits(self) -> [u8; 24] {
        let mut digits = [0; 24];
        let (seconds, rest) = (self.seconds.to_be_bytes(), self.rest.to_be_bytes());
        let bytes = seconds.into_iter().chain(rest);
        for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
            pair.copy_from_slice(&[
                DIGITS[usize::from(byte >> 4)],
                DIGITS[usize::from(byte & 0xf)],
            ]);
        }
        digits
    }

    /// What follows the second.
    pub(crate) const fn rest(self) -> u64 {
        self.rest
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.digits()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::Id;

    #[test]
    fn ids_are_24_digits_that_sort_by_age() {
        let older = Id::new(1_700_000_000_999, u64::MAX);
        let newer = Id::new(1_700_000_001_000, 0);
        assert!(older < newer && older.to_string() < newer.to_string());
        for id in [older, newer] {
            assert_eq!(Id::parse(&id.to_string()), Some(id));
        }
        assert_eq!(older.to_string(), "6553f100ffffffffffffffff");
        assert_eq!(newer.to_string(), "6553f1010000000000000000");
        for text in [
            "",
            "65e0a100000000000000000",
            "+5e0a1000000000000000001",
            "é5e0a100000000000000001",
        ] {
            assert_eq!(Id::parse(text), None, "{text}");
        }
    }
}
