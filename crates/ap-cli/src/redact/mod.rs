//! Removes secrets from what is printed: members of an answer that contain keys, and the account's keys
//! wherever a server repeats them.

mod json_text;

use std::borrow::Cow;
use std::ops::Range;

use activeprospect::ApiKey;
use activeprospect::ap_core::Credentials;
use memchr::memmem::Finder;
use serde::de::IgnoredAny;

/// What is printed instead of a secret.
pub(crate) const MARK: &str = "[redacted]";

/// Members whose values are keys, according to the vendor's description of the user and the account.
const SECRET_MEMBERS: [&str; 2] = ["api_key", "keen_read_api_key"];

/// The account's keys, in every spelling that a server may send back.
pub(crate) struct Secrets {
    spellings: Vec<Finder<'static>>,
}

impl Secrets {
    pub(crate) fn new(keys: &[ApiKey]) -> Self {
        let mut spellings = Vec::new();
        for key in keys {
            let credentials = Credentials::new(key.clone());
            let pair = credentials.authorization().as_bytes();
            let pair = pair.strip_prefix(b"Basic ").unwrap_or(pair);
            for secret in [pair, key.expose().as_bytes()] {
                let reversed: Vec<u8> = secret.iter().rev().copied().collect();
                spellings.push(Finder::new(secret).into_owned());
                spellings.push(Finder::new(&reversed).into_owned());
            }
        }
        Self { spellings }
    }

    /// Returns a body as it can be printed. Everything around a secret stays as it is, and valid JSON stays valid.
    pub(crate) fn redact_body(&self, body: &[u8]) -> Vec<u8> {
        let value = &body[json_text::value_start(body)..];
        // A text that begins like JSON, but ends early or has several values, may have the members as well.
        if !value.starts_with(b"{") && !value.starts_with(b"[") {
            return self.redact_text(body).into_owned();
        }
        let is_valid = serde_json::from_slice::<IgnoredAny>(value).is_ok();
        let redacted = self.redact_json(body, is_valid);
        if is_valid {
            redacted
        } else {
            self.redact_text(&redacted).into_owned()
        }
    }

    /// Returns a header's value, or any text that is not JSON, as it can be printed.
    pub(crate) fn redact_text<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        let found = self.find(text);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut redacted = Vec::with_capacity(text.len());
        let mut end = 0;
        for range in found {
            redacted.extend_from_slice(&text[end..range.start]);
            redacted.extend_from_slice(MARK.as_bytes());
            end = range.end;
        }
        redacted.extend_from_slice(&text[end..]);
        Cow::Owned(redacted)
    }

    /// Returns where the secrets are, in order. Secrets that overlap are one range, so that no part of either is
    /// left.
    fn find(&self, text: &[u8]) -> Vec<Range<usize>> {
        let positions = |finder: &'_ Finder<'static>| {
            let len = finder.needle().len();
            let starts: Vec<_> = finder.find_iter(text).collect();
            starts.into_iter().map(move |start| start..start + len)
        };
        let mut found: Vec<_> = self.spellings.iter().flat_map(positions).collect();
        found.sort_unstable_by_key(|range| range.start);
        found.dedup_by(|next, range| {
            let overlaps = next.start < range.end;
            if overlaps {
                range.end = range.end.max(next.end);
            }
            overlaps
        });
        found
    }

    /// Redacts JSON, and text that is nearly JSON. It reads no byte more than a few times, however deep the
    /// values are nested.
    fn redact_json(&self, body: &[u8], is_valid: bool) -> Vec<u8> {
        let mut redacted = Vec::with_capacity(body.len());
        let mut rest = body;
        while let Some(&first) = rest.first() {
            if first != b'"' {
                let (token, after) = rest.split_at(json_text::bare_length(rest));
                if is_valid && !self.find(token).is_empty() {
                    push_marked_string(&mut redacted);
                } else {
                    redacted.extend_from_slice(token);
                }
                rest = after;
                continue;
            }
            let (literal, after) = rest.split_at(json_text::string_length(rest));
            self.push_string(&mut redacted, literal);
            rest = after;
            if is_secret_member(literal)
                && let Some((colon, value, after)) = json_text::member_value(after)
            {
                redacted.extend_from_slice(colon);
                if value == b"null" {
                    redacted.extend_from_slice(value);
                } else {
                    push_marked_string(&mut redacted);
                }
                rest = after;
            }
        }
        redacted
    }

    fn push_string(&self, redacted: &mut Vec<u8>, literal: &[u8]) {
        // Escapes spell a key in another way, so the search is in what they mean.
        if literal.contains(&b'\\')
            && let Some(text) = json_text::decode(literal)
            && let Cow::Owned(text) = self.redact_text(text.as_bytes())
        {
            let text = String::from_utf8_lossy(&text);
            redacted.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
        } else {
            redacted.extend_from_slice(&self.redact_text(literal));
        }
    }
}

fn push_marked_string(redacted: &mut Vec<u8>) {
    redacted.extend_from_slice(format!("\"{MARK}\"").as_bytes());
}

/// Returns `true` if a string is the name of a member whose value is a key.
fn is_secret_member(literal: &[u8]) -> bool {
    json_text::decode(literal).is_some_and(|name| SECRET_MEMBERS.contains(&name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redact(keys: &[&str], text: &str) -> String {
        let keys: Vec<_> = keys.iter().map(|k| ApiKey::parse(k).unwrap()).collect();
        String::from_utf8(Secrets::new(&keys).redact_body(text.as_bytes())).unwrap()
    }

    #[test]
    fn secret_members_are_replaced_and_everything_else_stays_as_it_is() {
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
            assert_eq!(redact(&[], given), expected);
        }
    }

    #[test]
    fn depth_has_no_limit() {
        let deep = format!(
            "{}{{\"api_key\":\"k\"}}{}",
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert!(redact(&[], &deep).contains(r#"{"api_key":"[redacted]"}"#));
    }

    /// Each of these takes minutes if a part of it is read again for every other part.
    #[test]
    fn the_time_is_linear_in_the_length() {
        const TIMES: usize = 100_000;
        for part in [r#"{"a":"#, r#"{"api_key":"#, r#"["\u006b","#, "[\"", "{"] {
            let text = format!("{}{{\"a\":\"the-key-x\"", part.repeat(TIMES));
            assert!(!redact(&["the-key-x"], &text).contains("the-key-x"));
        }
    }

    #[test]
    fn keys_are_replaced_in_anything() {
        let key = "placeholder-key-1";
        let pair = "QVBJOnBsYWNlaG9sZGVyLWtleS0x";
        assert_eq!(
            redact(
                &[key],
                &format!("<p>{key} and {pair}, 1-yek-redlohecalp</p>\0")
            ),
            "<p>[redacted] and [redacted], [redacted]</p>\0"
        );
        assert_eq!(
            redact(
                &[key],
                &format!(r#"{{"{key}":["placeholder\u002Dkey\u002d1\n"]}}"#)
            ),
            r#"{"[redacted]":["[redacted]\n"]}"#
        );
    }

    #[test]
    fn of_keys_that_overlap_no_part_is_left() {
        let (short, long) = ("placeholder-key-1", "placeholder-key-12");
        assert_eq!(redact(&[short, long], long), "[redacted]");
        let (one, other) = ("first-placeholder", "placeholder-second");
        assert_eq!(
            redact(&[one, other], "<first-placeholder-second>"),
            "<[redacted]>"
        );
        assert_eq!(
            redact(&[one, other], &format!("{other}{one}")),
            "[redacted][redacted]"
        );
    }

    #[test]
    fn a_key_of_digits_leaves_valid_json() {
        let shown = redact(&["1234567890"], r#"{"id":1234567890,"n":[-12345678901.0]}"#);
        assert_eq!(shown, r#"{"id":"[redacted]","n":["[redacted]"]}"#);
    }
}
