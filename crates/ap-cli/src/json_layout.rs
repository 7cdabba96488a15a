//! JSON for people: laid out over several lines, and coloured. No token changes its text.

use std::io::{self, IsTerminal as _};

use activeprospect::ap_core::redact;
use serde::de::IgnoredAny;

/// The longest text that is laid out, in bytes. Nobody reads a longer one on a terminal.
const MAX_LEN: usize = 4 << 20;

const RESET: &str = "\x1b[0m";

/// How JSON is shown on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    /// Each member has a line.
    is_laid_out: bool,
    is_colored: bool,
}

impl Style {
    /// Returns the style for standard output: laid out on a terminal, unchanged elsewhere. The variables `NO_COLOR`,
    /// `CLICOLOR`, `CLICOLOR_FORCE` and `TERM` decide about colours.
    pub(crate) fn of_stdout() -> Self {
        let is_terminal = io::stdout().is_terminal();
        let is_off = std::env::var_os("CLICOLOR_FORCE").is_some_and(|value| value == "0");
        let is_forced = anstyle_query::clicolor_force() && !is_off;
        let is_wanted = anstyle_query::clicolor().unwrap_or(true);
        let can_color = is_terminal && is_wanted && anstyle_query::term_supports_color();
        Self {
            is_laid_out: is_terminal || is_forced,
            is_colored: !anstyle_query::no_color() && (is_forced || can_color),
        }
    }

    /// Returns a text as it is shown, with a line feed at its end; `None` if it is written as it is: elsewhere than on a
    /// terminal, or because it is not JSON, or very long.
    pub(crate) fn lay_out(self, text: &[u8]) -> Option<Vec<u8>> {
        if !self.is_laid_out || text.len() > MAX_LEN {
            return None;
        }
        let text = std::str::from_utf8(text).ok()?;
        serde_json::from_str::<IgnoredAny>(text).ok()?;
        let mut layout = Layout::new(self);
        layout.push(text);
        Some(layout.finish())
    }

    /// Returns `true` if JSON is laid out.
    pub(crate) const fn is_laid_out(self) -> bool {
        self.is_laid_out
    }

    /// Returns a layout for JSON that comes in parts; `None` if it is written as it is.
    pub(crate) fn layout(self) -> Option<Layout> {
        self.is_laid_out.then(|| Layout::new(self))
    }
}

/// Valid JSON that is being laid out. Each part that is pushed is one or more whole tokens.
pub(crate) struct Layout {
    shown: String,
    is_colored: bool,
    /// The open containers; `true` for an object.
    open: Vec<bool>,
    /// The last token opened a container.
    is_just_opened: bool,
    /// The next string is the name of a member.
    is_name_next: bool,
}

impl Layout {
    fn new(style: Style) -> Self {
        Self {
            shown: String::new(),
            is_colored: style.is_colored,
            open: Vec::new(),
            is_just_opened: false,
            is_name_next: false,
        }
    }

    /// Adds tokens.
    pub(crate) fn push(&mut self, text: &str) {
        let mut rest = text.trim_start_matches(is_space);
        while let Some(first) = rest.chars().next() {
            let len = match first {
                '"' => redact::json_string_len(rest.as_bytes()),
                '{' | '}' | '[' | ']' | ',' | ':' => 1,
                _ => rest.find(is_end_of_word).unwrap_or(rest.len()),
            };
            let (token, after) = rest.split_at(len.max(first.len_utf8()));
            self.token(first, token);
            rest = after.trim_start_matches(is_space);
        }
    }

    /// Returns what was laid out since the last call.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.shown).into_bytes()
    }

    /// Ends the line, and returns the rest.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.shown.push('\n');
        self.shown.into_bytes()
    }

    fn token(&mut self, first: char, token: &str) {
        match first {
            '}' | ']' => {
                self.open.pop();
                if !std::mem::take(&mut self.is_just_opened) {
                    self.begin_line();
                }
                self.shown.push(first);
                return;
            }
            ',' => {
                self.shown.push(',');
                self.begin_line();
                self.is_name_next = self.open.last() == Some(&true);
                return;
            }
            ':' => {
                self.shown.push_str(": ");
                return;
            }
            _ => {}
        }
        if std::mem::take(&mut self.is_just_opened) {
            self.begin_line();
        }
        if matches!(first, '{' | '[') {
            self.shown.push(first);
            self.open.push(first == '{');
            self.is_just_opened = true;
            self.is_name_next = first == '{';
            return;
        }
        let is_name = std::mem::take(&mut self.is_name_next);
        let color = match first {
            '"' if is_name => "\x1b[1;34m",
            '"' => "\x1b[32m",
            't' | 'f' => "\x1b[33m",
            'n' => "\x1b[36m",
            _ => "\x1b[35m",
        };
        self.color(color);
        self.escaped(token);
        self.color(RESET);
    }

    fn color(&mut self, color: &str) {
        if self.is_colored {
            self.shown.push_str(color);
        }
    }

    /// Adds a token. What a terminal would act on becomes an escape of JSON: it can only be in a string.
    fn escaped(&mut self, token: &str) {
        let mut escape = String::new();
        for character in token.chars() {
            escape.clear();
            redact::escape_char(&mut escape, character);
            if escape.len() == character.len_utf8() {
                self.shown.push(character);
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    self.shown.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }

    fn begin_line(&mut self) {
        self.shown.push('\n');
        for _ in &self.open {
            self.shown.push_str("  ");
        }
    }
}

const fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

const fn is_end_of_word(character: char) -> bool {
    is_space(character) || matches!(character, '{' | '}' | '[' | ']' | ',' | ':' | '"')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    const PLAIN: Style = Style {
        is_laid_out: true,
        is_colored: false,
    };

    fn lay_out(text: &str) -> String {
        String::from_utf8(PLAIN.lay_out(text.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn every_token_keeps_its_text() {
        for (text, expected) in [
            ("1e400", "1e400\n"),
            (" -0.10 ", "-0.10\n"),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890\n",
            ),
            ("{}", "{}\n"),
            ("[ ]", "[]\n"),
            (r#"{"a":1,"a":2}"#, "{\n  \"a\": 1,\n  \"a\": 2\n}\n"),
            (
                r#"{"a":[1,{"b":null}],"c":{}}"#,
                "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n  \"c\": {}\n}\n",
            ),
            (r#""a\"b\\,:{""#, "\"a\\\"b\\\\,:{\"\n"),
            ("\"\u{9b}\u{202e}\"", "\"\\u009b\\u202e\"\n"),
        ] {
            assert_eq!(lay_out(text), expected);
        }
    }

    #[test]
    fn what_is_not_json_or_very_long_is_written_as_it_is() {
        let long = format!("\"{}\"", "x".repeat(MAX_LEN));
        for text in ["", "{", "<html>", "{}{}", "\"\u{1}\"", long.as_str()] {
            assert_eq!(PLAIN.lay_out(text.as_bytes()), None);
        }
        assert_eq!(PLAIN.lay_out(b"\"\xff\""), None);
    }

    #[test]
    fn colours_are_around_tokens() {
        let style = Style {
            is_colored: true,
            ..PLAIN
        };
        let shown = String::from_utf8(style.lay_out(br#"{"a":["b",1]}"#).unwrap()).unwrap();
        let expected = "{\n  \x1b[1;34m\"a\"\x1b[0m: [\n    \x1b[32m\"b\"\x1b[0m,\n    \x1b[35m1\x1b[0m\n  ]\n}\n";
        assert_eq!(shown, expected);
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".*", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_value_stays_the_same(value in json()) {
            let shown = lay_out(&value.to_string());
            prop_assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), value);
        }
    }
}
