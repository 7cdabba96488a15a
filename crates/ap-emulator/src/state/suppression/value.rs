//! [`Md5Hash`]: a value of a list.

use md5::{Digest, Md5};

/// The MD5 of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Md5Hash([u8; 16]);

impl Md5Hash {
    /// Hashes a value in lower case, without white space around it. 32 hexadecimal digits are an MD5 already, and nothing
    /// but white space is no value.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        if text.is_empty() {
            return None;
        }
        Some(Self(
            from_hex(&text).unwrap_or_else(|| Md5::digest(&text).into()),
        ))
    }
}

fn from_hex(text: &str) -> Option<[u8; 16]> {
    let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u128::from_str_radix(is_hex.then_some(text)?, 16).ok()?;
    Some(number.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::Md5Hash;

    #[test]
    fn values_are_hashed_as_the_vendor_does() {
        let hash = Md5Hash::of("93942e96f5acd83e2e047ad8fe03114d");
        for (text, is_same) in [
            ("test@email.com", true),
            (" Test@Email.com\n", true),
            ("93942E96F5ACD83E2E047AD8FE03114D", true),
            ("te st@email.com", false),
            ("93942e96f5acd83e2e047ad8fe03114", false),
            ("+3942e96f5acd83e2e047ad8fe03114d", false),
        ] {
            assert_eq!(Md5Hash::of(text) == hash, is_same, "{text}");
        }
        assert_eq!(Md5Hash::of(" \t"), None);
    }
}
