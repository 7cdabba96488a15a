//! The body given with `-d`: text, a file or standard input. It is JSON unless a header says otherwise.

use std::fs::File;

use activeprospect::http::{HeaderMap, header};
use serde::de::IgnoredAny;

use crate::failure::Failure;
use crate::{limited_read, output};

/// The largest body that is sent, which is also the largest answer that is read.
const LIMIT_MIB: u64 = 64;

/// Returns `true` if the body is read from standard input.
pub(super) fn is_standard_input(data: &str) -> bool {
    matches!(data, "-" | "@-")
}

/// Reads the body. It must be JSON if the headers name no other type.
pub(super) fn read(data: &str, headers: &HeaderMap) -> Result<Vec<u8>, Failure> {
    let hint = "nothing was sent";
    let (bytes, name) = if is_standard_input(data) {
        let name = "standard input".to_owned();
        let stdin = Ok(std::io::stdin().lock());
        (limited_read::read(stdin, LIMIT_MIB, &name, hint)?, name)
    } else if let Some(file) = data.strip_prefix('@') {
        let name = format!("the file {}", output::display_path(file));
        let file = File::open(file);
        (limited_read::read(file, LIMIT_MIB, &name, hint)?, name)
    } else {
        let name = "the body given with -d".to_owned();
        (data.as_bytes().to_vec(), name)
    };
    if must_be_json(headers) {
        check_json(&bytes, &name)?;
    }
    Ok(bytes)
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

/// Returns `true` if the type is JSON: by default, by name, or by suffix (RFC 6839 section 3.1). A sequence of
/// JSON lines is another type.
fn must_be_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_none_or(|value| {
        let media_type = value.to_str().unwrap_or_default().split(';').next();
        let media_type = media_type.unwrap_or_default().trim().to_ascii_lowercase();
        media_type == "application/json" || media_type.ends_with("+json")
    })
}
