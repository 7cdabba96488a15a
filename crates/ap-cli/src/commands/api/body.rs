//! What `-d` gives: text, a file or standard input, which is JSON unless a header says otherwise.

use std::fs::File;

use bytes::Bytes;
use http::{HeaderMap, header};
use serde::de::IgnoredAny;

use crate::exit::Failure;
use crate::{bounded, output};

/// The largest body that is sent, as large as the largest answer that is read.
const LIMIT_MIB: u64 = 64;

/// Whether the body is read from standard input.
pub(crate) fn is_standard_input(data: &str) -> bool {
    matches!(data, "-" | "@-")
}

pub(crate) fn read(data: &str, headers: &HeaderMap) -> Result<Bytes, Failure> {
    let to_do = "nothing was sent";
    let (bytes, what) = if is_standard_input(data) {
        let what = "standard input".to_owned();
        let stdin = Ok(std::io::stdin().lock());
        (bounded::read(stdin, &what, LIMIT_MIB, to_do)?, what)
    } else if let Some(file) = data.strip_prefix('@') {
        let what = format!("the file {}", output::name(file));
        (
            bounded::read(File::open(file), &what, LIMIT_MIB, to_do)?,
            what,
        )
    } else {
        (
            data.as_bytes().to_vec(),
            "the body given with -d".to_owned(),
        )
    };
    if must_be_json(headers) {
        check_json(&bytes, &what)?;
    }
    Ok(bytes.into())
}

fn check_json(bytes: &[u8], what: &str) -> Result<(), Failure> {
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
        format!("{what} is not JSON (line {line}, column {column})"),
        "mend it, or name another type with -H 'Content-Type: TYPE'",
    ))
}

/// Whether the type is JSON: by default, by name, or by suffix (RFC 6839 section 3.1). A sequence of
/// JSON lines is another type.
fn must_be_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_none_or(|value| {
        let essence = value.to_str().unwrap_or_default().split(';').next();
        let essence = essence.unwrap_or_default().trim().to_ascii_lowercase();
        essence == "application/json" || essence.ends_with("+json")
    })
}
