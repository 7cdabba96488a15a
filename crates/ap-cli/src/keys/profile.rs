//! [`ProfileName`]: the name of an account's keys and settings.

use crate::possible_key::may_be_key;

const MAX_LEN: usize = 32;

/// The name of a profile. It is safe as the name of a folder: letters, digits, `-`, `_` and, not at the start, `.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ProfileName(String);

impl ProfileName {
    /// Parses a name. The error does not repeat it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let is_name = (1..=MAX_LEN).contains(&text.len())
            && text.bytes().all(is_safe)
            && !text.starts_with(['.', '-'])
            && !text.ends_with('.');
        if !is_name {
            return Err("write up to 32 letters, digits, hyphens, underscores and dots");
        }
        if may_be_key(text) {
            return Err("it may be a key; choose a shorter name");
        }
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::ProfileName;

    #[test]
    fn a_name_is_one_part_of_a_path_and_no_key() {
        for (text, is_name) in [
            ("production", true),
            ("client-2_eu.v1", true),
            ("A", true),
            ("", false),
            (".", false),
            ("..", false),
            (".hidden", false),
            ("a.", false),
            ("-v", false),
            ("a/b", false),
            ("a\\b", false),
            ("a b", false),
            ("a\0", false),
            ("caf\u{e9}", false),
            ("C:", false),
            ("0123456789abcdef", false),
            (&*"x-".repeat(17), false),
        ] {
            assert_eq!(ProfileName::parse(text).is_ok(), is_name, "{text:?}");
        }
    }
}
