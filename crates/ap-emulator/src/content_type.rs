//! What the headers of a request or a response say that its body is.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// Returns `true` for a form.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    is(headers, "application/x-www-form-urlencoded")
}

/// Returns `true` for JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    is(headers, "application/json")
}

fn is(headers: &HeaderMap, name: &str) -> bool {
    let kind = headers.get(CONTENT_TYPE);
    let start = kind.and_then(|kind| kind.as_bytes().get(..name.len()));
    start.is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
}
