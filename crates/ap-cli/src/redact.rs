//! Takes secrets out of what is printed: the members of an answer that hold keys, and the key itself.

use ap_core::{ApiKey, Credentials};
use serde::de::IgnoredAny;

const MARK: &str = "[redacted]";

/// Members whose values are keys, by the vendor's description of the user and the account.
const SECRET_MEMBERS: [&str; 2] = ["api_key", "keen_read_api_key"];

/// A body as it may be shown. Without a secret in it the bytes are the same; with one, everything
/// around it keeps its form.
pub(crate) fn body(body: &[u8], key: Option<&ApiKey>) -> Vec<u8> {
    let members = match std::str::from_utf8(body) {
        Ok(text) if serde_json::from_str::<IgnoredAny>(text).is_ok() => members(text).into_bytes(),
        _ => body.to_vec(),
    };
    without_key(members, key)
}

/// A header's value as it may be shown.
pub(crate) fn header(value: &[u8], key: Option<&ApiKey>) -> Vec<u8> {
    without_key(value.to_vec(), key)
}

fn without_key(mut bytes: Vec<u8>, key: Option<&ApiKey>) -> Vec<u8> {
    let Some(key) = key else { return bytes };
    let credentials = Credentials::new(key.clone());
    let pair = credentials
        .authorization()
        .as_bytes()
        .strip_prefix(b"Basic ")
        .unwrap_or_default();
    for secret in [pair, key.expose().as_bytes()] {
        bytes = replace(&bytes, secret);
    }
    bytes
}

fn replace(bytes: &[u8], secret: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest
        .windows(secret.len())
        .position(|window| window == secret)
    {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(MARK.as_bytes());
        rest = &rest[at + secret.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// Sound JSON with the values of the secret members replaced, `null` aside.
fn members(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('"') {
        let string_end = at + string_length(&rest[at..]);
        let string = &rest[at..string_end];
        out.push_str(&rest[..string_end]);
        rest = &rest[string_end..];
        let after_name = rest.trim_ascii_start();
        let is_secret = after_name.starts_with(':')
            && serde_json::from_str::<String>(string)
                .is_ok_and(|name| SECRET_MEMBERS.contains(&name.as_str()));
        if is_secret {
            let colon = rest.len() - after_name.len() + 1;
            let value = rest[colon..].trim_ascii_start();
            let start = rest.len() - value.len();
            let end = start + value_length(value);
            out.push_str(&rest[..start]);
            if &rest[start..end] == "null" {
                out.push_str("null");
            } else {
                out.push_str(&format!("\"{MARK}\""));
            }
            rest = &rest[end..];
        }
    }
    out + rest
}

/// The length of the string literal at the start of sound JSON, quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of the value at the start of sound JSON.
fn value_length(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
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
            b'}' | b']' | b',' if depth == 0 => return at,
            b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        String::from_utf8(body(text.as_bytes(), None)).unwrap()
    }

    #[test]
    fn secret_members_are_replaced_and_all_else_keeps_its_form() {
        for (given, expected) in [
            (
                r#"{"api_key":"k","a":1}"#,
                r#"{"api_key":"[redacted]","a":1}"#,
            ),
            (
                r#"{ "a" : [ {"api_key" : "k\"k" } ] }"#,
                r#"{ "a" : [ {"api_key" : "[redacted]" } ] }"#,
            ),
            (
                r#"{"keen_read_api_key":12 ,"b":2.50}"#,
                r#"{"keen_read_api_key":"[redacted]" ,"b":2.50}"#,
            ),
            (
                r#"{"api_key":{"x":["}"]},"b":[]}"#,
                r#"{"api_key":"[redacted]","b":[]}"#,
            ),
            (
                r#"{"api\u005fkey":"k"}"#,
                r#"{"api\u005fkey":"[redacted]"}"#,
            ),
            (r#"{"api_key":null}"#, r#"{"api_key":null}"#),
            (r#"["api_key","k"]"#, r#"["api_key","k"]"#),
            (r#"{"note":"api_key: x"}"#, r#"{"note":"api_key: x"}"#),
            (r#"{"api_key":[]}"#, r#"{"api_key":"[redacted]"}"#),
            (r#"not json "api_key":"k""#, r#"not json "api_key":"k""#),
            ("", ""),
        ] {
            assert_eq!(shown(given), expected);
        }
    }

    #[test]
    fn the_key_itself_is_replaced_in_anything() {
        let key = ApiKey::parse("placeholder-key-1").unwrap();
        let pair = "QVBJOnBsYWNlaG9sZGVyLWtleS0x";
        let text = format!("<p>placeholder-key-1 and {pair}</p>\u{0}");
        let shown = body(text.as_bytes(), Some(&key));
        assert_eq!(shown, b"<p>[redacted] and [redacted]</p>\0");
    }
}
