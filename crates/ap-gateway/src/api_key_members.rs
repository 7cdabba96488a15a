//! [`ApiKeyMembers`]: finds API keys in JSON by the names of their members.

use std::ops::Range;
use std::sync::LazyLock;

use ap_client::ap_core::redact::{is_api_key_name, json_string_len};
use bytes::Bytes;
use memchr::{Memchr, memchr_iter, memchr3_iter, memmem, memrchr};

/// What stands in an answer instead of an API key.
pub(crate) const MARK: &str = "[redacted]";

const QUOTED_MARK: &[u8] = b"\"[redacted]\"";

/// It is prepared once, because most bodies are shorter than that is worth.
static MARK_FINDER: LazyLock<memmem::Finder<'static>> =
    LazyLock::new(|| memmem::Finder::new(QUOTED_MARK));

/// The longest name that is compared, in bytes.
const MAX_NAME: usize = 256;

/// The values of members that are API keys: strings that are not empty, numbers, and whole arrays and objects.
///
/// It looks for colons that stand after a quote, so it does not need to understand what is between them, and it finds
/// members in several JSON texts in a row and in one that breaks off. JSON that is in a string of another JSON text is
/// not looked at.
struct ApiKeyMembers<'a> {
    text: &'a [u8],
    colons: Memchr<'a>,
    end: usize,
}

impl<'a> ApiKeyMembers<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            colons: memchr_iter(b':', text),
            end: 0,
        }
    }

    /// Returns `true` if the name before a colon is that of an API key.
    fn is_api_key(&self, colon: usize) -> bool {
        let before = self.text.get(..colon).unwrap_or_default().trim_ascii_end();
        let Some(before) = before.strip_suffix(b"\"") else {
            return false;
        };
        let escapes = before.iter().rev().take_while(|byte| **byte == b'\\');
        if escapes.count() % 2 == 1 {
            return false;
        }
        let tail = before.len().saturating_sub(MAX_NAME);
        let tail = before.get(tail..).unwrap_or_default();
        let start = memrchr(b'"', tail).map_or(0, |quote| quote + 1);
        let name = String::from_utf8_lossy(tail.get(start..).unwrap_or_default());
        if name.contains('\\') {
            let name = serde_json::from_str::<String>(&format!("\"{name}\""));
            return name.is_ok_and(|name| is_api_key_name(&name));
        }
        is_api_key_name(&*name)
    }

    /// Returns the value after a colon, unless it says that there is no key.
    fn value(&self, after_colon: usize) -> Option<Range<usize>> {
        let rest = self.text.get(after_colon..)?;
        let start = self.text.len() - rest.trim_ascii_start().len();
        let value = self.text.get(start..)?;
        let len = match value.first()? {
            b'"' => json_string_len(value),
            b'[' | b'{' => container_len(value),
            _ => value
                .iter()
                .position(|byte| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace())
                .unwrap_or(value.len()),
        };
        let is_key = match value.get(..len)? {
            b"" | b"\"\"" | b"null" | b"true" | b"false" | QUOTED_MARK => false,
            [b'[' | b'{', inside @ .., _] => !inside.trim_ascii().is_empty(),
            _ => true,
        };
        is_key.then(|| start..start + len)
    }
}

impl Iterator for ApiKeyMembers<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        while let Some(colon) = self.colons.next() {
            if colon >= self.end
                && self.is_api_key(colon)
                && let Some(value) = self.value(colon + 1)
            {
                self.end = value.end;
                return Some(value);
            }
        }
        None
    }
}

/// Returns the length of the array or object at the start of a text.
fn container_len(text: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => at += json_string_len(text.get(at..).unwrap_or_default()) - 1,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// Returns `true` if a text can have a member for an API key. Most have none, which costs one fast pass.
fn may_name_api_key(text: &[u8]) -> bool {
    memchr3_iter(b'k', b'K', b'\\', text).any(|at| match text.get(at..) {
        Some([b'\\', next, ..]) => *next == b'u',
        Some([_, b'e' | b'E', b'y' | b'Y', ..]) => true,
        _ => false,
    })
}

/// Replaces the API keys that members of a JSON text show, and leaves every other byte as it is. `None` if there are none.
pub(crate) fn redact(text: &[u8]) -> Option<Bytes> {
    if !may_name_api_key(text) {
        return None;
    }
    let mut members = ApiKeyMembers::new(text).peekable();
    members.peek()?;
    let mut redacted = Vec::with_capacity(text.len());
    let mut end = 0;
    for value in members {
        redacted.extend_from_slice(text.get(end..value.start).unwrap_or_default());
        redacted.extend_from_slice(QUOTED_MARK);
        end = value.end;
    }
    redacted.extend_from_slice(text.get(end..).unwrap_or_default());
    Some(redacted.into())
}

/// Returns `true` if a JSON text has [`MARK`] where an API key was, as a program sends it that saves what it read.
pub(crate) fn has_mark(text: &[u8]) -> bool {
    MARK_FINDER.find_iter(text).any(|mark| {
        let before = text.get(..mark).unwrap_or_default().trim_ascii_end();
        let colon = before.strip_suffix(b":").map(<[u8]>::len);
        colon.is_some_and(|colon| ApiKeyMembers::new(text).is_api_key(colon))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_values_of_api_key_members_are_replaced() {
        // `#` stands for the mark with its quotes; what has none stays as it is.
        for (text, expected) in [
            (r#"{"api_key":"a1"}"#, r#"{"api_key":#}"#),
            (
                r#"{"api_key" : "a1" , "b":1}"#,
                r#"{"api_key" : # , "b":1}"#,
            ),
            (
                r#"[{"user":{"apiKey":"a\"1"}},{"API-KEY":"b"}]"#,
                r#"[{"user":{"apiKey":#}},{"API-KEY":#}]"#,
            ),
            (
                r#"{"keen_write_api_key":"a","id":"b"}"#,
                r#"{"keen_write_api_key":#,"id":"b"}"#,
            ),
            (r#"{"\u0061pi_\u006bey":"a"}"#, r#"{"\u0061pi_\u006bey":#}"#),
            (r#"{"api_key":1234567890}"#, r#"{"api_key":#}"#),
            (
                r#"{"api_keys":["a",{"b":"]"}],"c":1}"#,
                r#"{"api_keys":#,"c":1}"#,
            ),
            (r#"{"a":1}"#.repeat(2).as_str(), r#"{"a":1}{"a":1}"#),
            (
                "{\"api_key\":\"a\"}\n{\"api_key\":\"b\"}\n",
                "{\"api_key\":#}\n{\"api_key\":#}\n",
            ),
            // Text that breaks off, or that is no JSON before.
            (r#"{"api_key":"a"#, r#"{"api_key":#"#),
            (r#"{"api_key":["a"#, r#"{"api_key":#"#),
            (r#"say "({"api_key":"a"})"#, r#"say "({"api_key":#})"#),
            // No key.
            (r#"{"api_key":""}"#, r#"{"api_key":""}"#),
            (
                r#"{"api_key":null,"api_keys":[ ]}"#,
                r#"{"api_key":null,"api_keys":[ ]}"#,
            ),
            (r#"{"api_key":true}"#, r#"{"api_key":true}"#),
            (r#"{"api_key":"[redacted]"}"#, r#"{"api_key":#}"#),
            (
                r#"{"key":"a","token":"b","api_key_id":"c"}"#,
                r#"{"key":"a","token":"b","api_key_id":"c"}"#,
            ),
            (r#"["api_key","b"]"#, r#"["api_key","b"]"#),
            (r#"{"a":"api_key: b"}"#, r#"{"a":"api_key: b"}"#),
            (
                r#"{"name":"api_key","value":"b"}"#,
                r#"{"name":"api_key","value":"b"}"#,
            ),
            // A text in a string is data, such as a delivery that an event shows.
            (
                r#"{"body":"{\"api_key\":\"a\"}"}"#,
                r#"{"body":"{\"api_key\":\"a\"}"}"#,
            ),
            (r#"{"api_key":"#, r#"{"api_key":"#),
            ("", ""),
        ] {
            let redacted = redact(text.as_bytes()).unwrap_or_else(|| text.to_owned().into());
            let expected = expected.replace('#', &format!("\"{MARK}\""));
            assert_eq!(redacted, expected, "{text}");
        }
    }

    #[test]
    fn a_text_without_a_key_in_a_name_is_not_looked_at() {
        for (text, expected) in [
            (r#"{"api_key":1}"#, true),
            (r#"{"apiKEY":1}"#, true),
            (r#"{"a\u0070i":1}"#, true),
            (r"\key", true),
            (r"kkey", true),
            (r"\\u", true),
            (r"ke", false),
            (r"k\ey", false),
            (r"\ey", false),
            (r"\n\", false),
            (r#"{"token":"a"}"#, false),
            ("", false),
        ] {
            assert_eq!(may_name_api_key(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_mark_is_found_only_in_place_of_an_api_key() {
        for (text, expected) in [
            (r#"{"api_key":"[redacted]"}"#, true),
            (r#"{"a":"[redacted]","api_key" : "[redacted]"}"#, true),
            (r#"{"comment":"[redacted]"}"#, false),
            (r#"{"api_key":"a"}"#, false),
            (r#"["[redacted]"]"#, false),
        ] {
            assert_eq!(has_mark(text.as_bytes()), expected, "{text}");
        }
    }
}
