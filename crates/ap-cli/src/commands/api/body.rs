//! The body given with `-d`: text, a file or standard input. It is JSON unless a header says otherwise.

use std::path::Path;

use activeprospect::http::{HeaderMap, header};
use serde::de::IgnoredAny;

use crate::failure::Failure;
use crate::limited_read::{self, read_body};

/// The type of a body, unless a header names another.
pub(super) const JSON: &str = "application/json";

/// Returns `true` if the body is read from standard input.
pub(super) fn is_standard_input(data: &str) -> bool {
    matches!(data, "-" | "@-")
}

/// Returns the file that the body is, if it is one.
pub(super) fn file(data: &str) -> Option<&Path> {
    data.strip_prefix('@')
        .map(Path::new)
        .filter(|file| !limited_read::is_standard_input(file))
}

/// Reads the body. It must be JSON if the headers name no other type.
pub(super) fn read(data: &str, headers: &HeaderMap) -> Result<Vec<u8>, Failure> {
    let (bytes, name) = bytes(data)?;
    // What is encoded is not read here: the header says how.
    if !is_encoded(headers) && Type::of(headers) == Type::Json {
        check_encoding(&bytes, &name)?;
        check_json(&bytes, &name)?;
    }
    Ok(bytes)
}

/// Returns the bytes of a text, a file or standard input, and their name for errors.
fn bytes(data: &str) -> Result<(Vec<u8>, String), Failure> {
    match data.strip_prefix('@') {
        Some(file) => read_body(Path::new(file)),
        None if is_standard_input(data) => read_body(Path::new(data)),
        None => {
            let name = "the body given with -d".to_owned();
            Ok((data.as_bytes().to_vec(), name))
        }
    }
}

/// Beginnings of bodies that are not UTF-8 text, what they are, and what to do.
const OTHER_ENCODINGS: [(&[u8], &str, &str); 7] = [
    (
        b"\xEF\xBB\xBF",
        "begins with a byte-order mark",
        "save it as UTF-8 without a byte-order mark",
    ),
    (b"\xFF\xFE\0\0", "is UTF-32", SAVE_AS_UTF_8),
    (b"\0\0\xFE\xFF", "is UTF-32", SAVE_AS_UTF_8),
    (b"\xFF\xFE", "is UTF-16", SAVE_AS_UTF_8),
    (b"\xFE\xFF", "is UTF-16", SAVE_AS_UTF_8),
    (
        b"\x1F\x8B",
        "is compressed with gzip",
        "add -H 'Content-Encoding: gzip', or decompress it",
    ),
    (
        b"\x28\xB5\x2F\xFD",
        "is compressed with zstd",
        "add -H 'Content-Encoding: zstd', or decompress it",
    ),
];

const SAVE_AS_UTF_8: &str = "save it as UTF-8, which JSON needs (RFC 8259 section 8.1)";

/// Refuses what is not UTF-8 text, and says what it is.
pub(in crate::commands) fn check_encoding(bytes: &[u8], name: &str) -> Result<(), Failure> {
    let known = OTHER_ENCODINGS.iter();
    let found = known
        .filter(|(start, ..)| bytes.starts_with(start))
        .map(|(_, what, hint)| (*what, *hint))
        .next();
    // JSON begins with two characters of ASCII, except for a single digit (RFC 4627 section 3).
    let (what, hint) = match (found, bytes) {
        (Some(found), _) => found,
        (None, [0, 0, 0, other, ..] | [other, 0, 0, 0, ..]) if *other != 0 => {
            ("is UTF-32", SAVE_AS_UTF_8)
        }
        (None, [0, other, ..] | [other, 0, ..]) if *other != 0 => ("is UTF-16", SAVE_AS_UTF_8),
        _ => return Ok(()),
    };
    Err(Failure::usage(format!("{name} {what}"), hint))
}

/// Returns `true` if the headers say that the body is encoded, for example compressed.
fn is_encoded(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    encodings.any(|encoding| {
        !encoding.is_empty() && !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
    })
}

fn check_json(bytes: &[u8], name: &str) -> Result<(), Failure> {
    let (line, column) = match std::str::from_utf8(bytes) {
        Ok(text) => match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => return Ok(()),
            Err(error) => (error.line(), error.column()),
        },
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let lines: Vec<&[u8]> = before.split(|&byte| byte == b'\n').collect();
            (lines.len(), lines.last().map_or(0, |line| line.len()) + 1)
        }
    };
    Err(Failure::usage(
        format!("{name} is not JSON (line {line}, column {column})"),
        "correct it, or name another type with -H 'Content-Type: TYPE'",
    ))
}

/// What the headers say that a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// By default, by name, or by suffix (RFC 6839 section 3.1). A sequence of JSON lines is another type.
    Json,
    Form,
    Other,
}

impl Type {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let Some(value) = headers.get(header::CONTENT_TYPE) else {
            return Self::Json;
        };
        let media_type = value.to_str().unwrap_or_default().split(';').next();
        let media_type = media_type.unwrap_or_default().trim().to_ascii_lowercase();
        match &*media_type {
            "application/x-www-form-urlencoded" => Self::Form,
            JSON => Self::Json,
            other if other.ends_with("+json") => Self::Json,
            _ => Self::Other,
        }
    }
}
