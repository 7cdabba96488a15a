//! Takes secrets out of what is printed: the members of an answer that hold keys, and the keys of this
//! call wherever a server repeats them.

use ap_core::{ApiKey, Credentials};
use serde::de::IgnoredAny;

use crate::json;

pub(crate) const MARK: &str = "[redacted]";

/// Members whose values are keys, by the vendor's description of the user and the account.
const SECRET_MEMBERS: [&str; 2] = ["api_key", "keen_read_api_key"];

/// What must not be shown, in every spelling that a server may send back.
pub(crate) struct Secrets {
    spellings: Vec<Vec<u8>>,
}

impl Secrets {
    pub(crate) fn of(keys: &[ApiKey]) -> Self {
        let mut spellings = Vec::new();
        for key in keys {
            let credentials = Credentials::new(key.clone());
            let pair = credentials.authorization().as_bytes();
            let pair = pair.strip_prefix(b"Basic ").unwrap_or(pair);
            for secret in [pair, key.expose().as_bytes()] {
                spellings.push(secret.to_vec());
                spellings.push(secret.iter().rev().copied().collect());
            }
        }
        // A key may be a part of another one, and must then not leave the rest of it behind.
        spellings.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self { spellings }
    }

    /// A body as it may be shown. Without a secret in it the bytes are the same; with one, everything
    /// around it keeps its form, and sound JSON stays sound.
    pub(crate) fn out_of_body(&self, body: &[u8]) -> Vec<u8> {
        let begin = json::start(body);
        // What begins like JSON and breaks off, or comes several times in a row, holds the members all
        // the same.
        if !body[begin..].starts_with(b"{") && !body[begin..].starts_with(b"[") {
            return self.out_of_text(body);
        }
        let is_sound = serde_json::from_slice::<IgnoredAny>(&body[begin..]).is_ok();
        let shown = self.out_of_json(body, is_sound);
        if is_sound {
            shown
        } else {
            self.out_of_text(&shown)
        }
    }

    /// A header's value, or any text without structure, as it may be shown.
    pub(crate) fn out_of_text(&self, text: &[u8]) -> Vec<u8> {
        self.spellings
            .iter()
            .fold(text.to_vec(), |text, secret| replace(&text, secret))
    }

    fn out_of_json(&self, body: &[u8], is_sound: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(body.len());
        let mut rest = body;
        while let Some(&first) = rest.first() {
            if first != b'"' {
                let (token, after) = rest.split_at(json::bare_length(rest));
                if is_sound && self.out_of_text(token) != token {
                    out.extend_from_slice(format!("\"{MARK}\"").as_bytes());
                } else {
                    out.extend_from_slice(token);
                }
                rest = after;
                continue;
            }
            let (literal, after) = rest.split_at(json::string_length(rest));
            self.push_string(&mut out, literal);
            rest = after;
            if let Some((gap, value, after)) = json::member_value(after)
                && json::text(literal).is_some_and(|name| SECRET_MEMBERS.contains(&name.as_str()))
            {
                out.extend_from_slice(gap);
                if value == b"null" {
                    out.extend_from_slice(value);
                } else {
                    out.extend_from_slice(format!("\"{MARK}\"").as_bytes());
                }
                rest = after;
            }
        }
        out
    }

    fn push_string(&self, out: &mut Vec<u8>, literal: &[u8]) {
        // Escapes spell a key in another way, so it is looked for in what they mean.
        if literal.contains(&b'\\')
            && let Some(text) = json::text(literal)
        {
            let shown = self.out_of_text(text.as_bytes());
            if shown != text.as_bytes() {
                let shown = String::from_utf8_lossy(&shown);
                out.extend_from_slice(serde_json::Value::from(shown).to_string().as_bytes());
                return;
            }
        }
        out.extend_from_slice(&self.out_of_text(literal));
    }
}

fn replace(bytes: &[u8], secret: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = find(rest, secret) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(MARK.as_bytes());
        rest = &rest[at + secret.len()..];
    }
    out.extend_from_slice(rest);
    out
}

fn find(bytes: &[u8], secret: &[u8]) -> Option<usize> {
    if secret.is_empty() {
        return None;
    }
    bytes
        .windows(secret.len())
        .position(|window| window == secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_with(keys: &[&str], text: &str) -> String {
        let keys: Vec<_> = keys.iter().map(|k| ApiKey::parse(k).unwrap()).collect();
        String::from_utf8(Secrets::of(&keys).out_of_body(text.as_bytes())).unwrap()
    }

    #[test]
    fn secret_members_are_replaced_and_all_else_keeps_its_form() {
        for (given, expected) in [
            (
                r#"{"api_key":"k","a":1}"#,
                r#"{"api_key":"[redacted]","a":1}"#,
            ),
            (
                "\u{feff}\n{ \"a\" : [ {\"api_key\" :\t\"k\\\"k\" } ] }",
                "\u{feff}\n{ \"a\" : [ {\"api_key\" :\t\"[redacted]\" } ] }",
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
            (r#"{"api_key":"breaks o"#, r#"{"api_key":"[redacted]""#),
            (
                "{\"api_key\":\"a\"}\n{\"api_key\":\"b\"}\n",
                "{\"api_key\":\"[redacted]\"}\n{\"api_key\":\"[redacted]\"}\n",
            ),
            (r#"not json "api_key":"k""#, r#"not json "api_key":"k""#),
            ("", ""),
        ] {
            assert_eq!(shown_with(&[], given), expected);
        }
    }

    #[test]
    fn depth_is_no_limit() {
        let deep = format!(
            "{}{{\"api_key\":\"k\"}}{}",
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert!(shown_with(&[], &deep).contains(r#"{"api_key":"[redacted]"}"#));
    }

    #[test]
    fn keys_themselves_are_replaced_in_anything() {
        let key = "placeholder-key-1";
        let pair = "QVBJOnBsYWNlaG9sZGVyLWtleS0x";
        assert_eq!(
            shown_with(
                &[key],
                &format!("<p>{key} and {pair}, 1-yek-redlohecalp</p>\0")
            ),
            "<p>[redacted] and [redacted], [redacted]</p>\0"
        );
        assert_eq!(
            shown_with(
                &[key],
                &format!(r#"{{"{key}":["placeholder\u002Dkey\u002d1\n"]}}"#)
            ),
            r#"{"[redacted]":["[redacted]\n"]}"#
        );
        assert_eq!(
            shown_with(&[key, "placeholder-key-12"], "placeholder-key-12"),
            "[redacted]"
        );
    }

    #[test]
    fn a_key_of_digits_leaves_sound_json() {
        let shown = shown_with(&["1234567890"], r#"{"id":1234567890,"n":[-12345678901.0]}"#);
        assert_eq!(shown, r#"{"id":"[redacted]","n":["[redacted]"]}"#);
    }
}
