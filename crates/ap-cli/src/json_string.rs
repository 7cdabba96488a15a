//! Strings in the text of JSON.

/// Returns the length of the string at the start of a text, with both quotes. Without a second quote, it is the whole text.
pub(crate) fn length(text: &[u8]) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.iter().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
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
        ] {
            assert_eq!(length(text.as_bytes()), expected, "{text}");
        }
    }
}
