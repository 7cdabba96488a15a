//! The pieces of JSON text, for a rewrite that leaves every other byte as it is. Nothing here fails: a piece
//! that is not complete ends where the text ends.

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Returns where the first value begins: after a byte-order mark and white space.
pub(super) fn value_start(text: &[u8]) -> usize {
    let mark = if text.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len()
    } else {
        0
    };
    mark + space_length(&text[mark..])
}

fn space_length(text: &[u8]) -> usize {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    text.iter().take_while(|&byte| is_space(byte)).count()
}

/// Returns the length of the string at the start, quotes included.
pub(super) fn string_length(text: &[u8]) -> usize {
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

/// Returns the length of the number or the word at the start, or of the one character that is neither.
pub(super) fn bare_length(text: &[u8]) -> usize {
    let is_bare = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
    text.iter()
        .take_while(|&byte| is_bare(byte))
        .count()
        .max(1)
        .min(text.len())
}

/// Returns what a string means; `None` if it is not valid.
pub(super) fn decode(literal: &[u8]) -> Option<String> {
    serde_json::from_slice(literal).ok()
}

/// Splits what comes after a member's name: the colon with its white space, the value, and the rest.
pub(super) fn member_value(after_name: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let colon = space_length(after_name);
    if after_name.get(colon) != Some(&b':') {
        return None;
    }
    let value = colon + 1 + space_length(&after_name[colon + 1..]);
    let (colon, rest) = after_name.split_at(value);
    let (value, rest) = rest.split_at(value_length(rest));
    Some((colon, value, rest))
}

/// Returns the length of the value at the start.
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
