//! The pieces of JSON text, for a rewrite that leaves every other byte alone. Nothing here fails: text
//! that breaks off ends the piece.

const MARK_OF_ORDER: &[u8] = b"\xEF\xBB\xBF";

/// Where the first value begins: after a byte-order mark and blanks.
pub(crate) fn start(text: &[u8]) -> usize {
    let mark = if text.starts_with(MARK_OF_ORDER) {
        MARK_OF_ORDER.len()
    } else {
        0
    };
    mark + blank_length(&text[mark..])
}

fn blank_length(text: &[u8]) -> usize {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    text.iter().take_while(|&byte| is_blank(byte)).count()
}

/// The length of the string literal at the start, quotes included.
pub(crate) fn string_length(text: &[u8]) -> usize {
    let mut escaped = false;
    for (at, byte) in text.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a number or word at the start, or of the one character that is neither.
pub(crate) fn bare_length(text: &[u8]) -> usize {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
    text.iter()
        .take_while(|&byte| is_word(byte))
        .count()
        .max(1)
        .min(text.len())
}

/// What a string literal means.
pub(crate) fn text(literal: &[u8]) -> Option<String> {
    serde_json::from_slice(literal).ok()
}

/// After a member's name: the colon with its blanks, the value, and the rest.
pub(crate) fn member_value(after_name: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let colon = blank_length(after_name);
    if after_name.get(colon) != Some(&b':') {
        return None;
    }
    let value = colon + 1 + blank_length(&after_name[colon + 1..]);
    let (gap, rest) = after_name.split_at(value);
    let (value, rest) = rest.split_at(value_length(rest));
    Some((gap, value, rest))
}

/// The length of the value at the start.
fn value_length(text: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at += string_length(&text[at..]);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            b'}' | b']' | b',' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    text.len()
}
