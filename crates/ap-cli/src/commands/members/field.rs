//! [`Field`]: one value of `-f` or `-F`, as it was given.

use std::path::Path;

use serde_json::value::RawValue;

use crate::failure::Failure;
use crate::limited_read::read_body;

/// The option and which of its values this is, for errors: they do not repeat what was typed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Occurrence {
    pub(super) option: &'static str,
    pub(super) number: usize,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) occurrence: Occurrence,
    pub(super) name: String,
    /// `None` for an empty list, written `name[]`.
    pub(super) value: Option<Value>,
}

#[derive(Debug)]
pub(super) enum Value {
    Text(String),
    /// `true`, `false`, `null` or a number, as it was written.
    Json(Box<RawValue>),
}

impl Occurrence {
    pub(super) fn refuse(self, what: &str) -> Failure {
        self.refuse_with(what, "write it as NAME=VALUE")
    }

    /// Refuses where the name says that the value belongs.
    pub(super) fn refuse_name(self, what: &str) -> Failure {
        self.refuse_with(
            what,
            "a[b]=c is a member of the object a, a[]=c an item of the list a, and each member is given once",
        )
    }

    fn refuse_with(self, what: &str, hint: &str) -> Failure {
        let Self { option, number } = self;
        Failure::usage(format!("value {number} of {option} {what}"), hint)
    }
}

impl Field {
    /// Splits a value of an option at its first `=`. A file that it names is read here.
    pub(super) fn parse(
        text: &str,
        occurrence: Occurrence,
        value: impl FnOnce(String) -> Result<Value, Failure>,
    ) -> Result<Self, Failure> {
        if text.ends_with("[]") && !text.contains('=') {
            return Ok(Self {
                occurrence,
                name: text.to_owned(),
                value: None,
            });
        }
        let (name, given) = split(text, occurrence)?;
        Ok(Self {
            occurrence,
            name: name.to_owned(),
            value: Some(value(given.to_owned())?),
        })
    }
}

/// Splits a name and a value.
pub(super) fn split(text: &str, occurrence: Occurrence) -> Result<(&str, &str), Failure> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name, value)),
        _ => Err(occurrence.refuse("has no name or no =")),
    }
}

impl Value {
    /// Returns what `-F` makes of a text.
    pub(super) fn typed(text: String) -> Result<Self, Failure> {
        if let Some(file) = text.strip_prefix('@') {
            return read_text(file).map(Self::Text);
        }
        Ok(typed_json(&text).map_or(Self::Text(text), Self::Json))
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Json(json) => json.get(),
        }
    }
}

/// Returns `true` if a value of `-F` is read from standard input.
pub(super) fn is_standard_input(text: &str) -> bool {
    text.split_once('=').is_some_and(|(_, value)| value == "@-")
}

/// Reads the text of a file, or of standard input for `-`.
fn read_text(file: &str) -> Result<String, Failure> {
    let (bytes, name) = read_body(Path::new(file))?;
    String::from_utf8(bytes).map_err(|_| {
        Failure::usage(
            format!("{name} is not UTF-8"),
            "a value of -F is a text; send other bytes with `ap api -d`",
        )
    })
}

/// Returns `true`, `false`, `null` or a number as it was written. A number that JSON does not have, such as 007, is a text.
fn typed_json(text: &str) -> Option<Box<RawValue>> {
    let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    let is_typed = is_number || matches!(text, "true" | "false" | "null");
    is_typed
        .then(|| RawValue::from_string(text.to_owned()).ok())
        .flatten()
}
