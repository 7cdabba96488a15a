//! Strings in the text of JSON.

use memchr::memchr2;

/// Returns the length of the JSON string at the start of a text, with both quotes. Without a second quote, it is the whole
/// text.
///
/// ```
/// use ap_core::redact::json_string_len;
///
/// assert_eq!(json_string_len(br#""a\"b", 1"#), 6);
/// ```
#[must_use]
pub fn json_string_len(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(found) = memchr2(b'"', b'\\', text.get(at..).unwrap_or_default()) {
        at += found;
        if text.get(at) == Some(&b'"') {
            return at + 1;
        }
        // Whatever comes after a backslash is part of the string.
        at += 2;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_quote_does_not_end_a_string() {
        for (text, expected) in [
            (r#""""#, 2),
            (r#""a", 1"#, 3),
            (r#""a\"b" "#, 6),
            (r#""\\" "#, 4),
            (r#""open\""#, 7),
            (r#""open\"#, 6),
            ("", 0),
        ] {
            assert_eq!(json_string_len(text.as_bytes()), expected, "{text}");
        }
    }
}
