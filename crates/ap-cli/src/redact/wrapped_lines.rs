//! [`WrappedLines`]: text that goes on in the next line, such as base64 of which each line has 60 or 76 characters.

/// Says which bytes belong to the break between two lines of one text. It is asked for each byte in order.
#[derive(Default)]
pub(super) struct WrappedLines {
    is_after_break: bool,
}

impl WrappedLines {
    /// Returns `true` for a line break and for the indentation after it.
    pub(super) fn is_between(&mut self, byte: u8) -> bool {
        self.is_after_break = is_break(byte) || self.is_after_break && matches!(byte, b' ' | b'\t');
        self.is_after_break
    }
}

fn is_break(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Returns `true` if a text has more than one line.
pub(super) fn has_break(text: &[u8]) -> bool {
    memchr::memchr2(b'\n', b'\r', text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_without_their_indentation() {
        for (text, expected) in [
            ("", ""),
            ("a b\tc", "a b\tc"),
            ("a\nb", "ab"),
            ("a \r\n \t b c\n\n", "a b c"),
        ] {
            let mut lines = WrappedLines::default();
            let joined = text.bytes().filter(|byte| !lines.is_between(*byte));
            assert_eq!(joined.collect::<Vec<_>>(), expected.as_bytes(), "{text:?}");
            assert_eq!(has_break(text.as_bytes()), text.contains(['\n', '\r']));
        }
    }
}
