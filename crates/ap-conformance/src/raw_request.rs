//! Reads requests from raw bytes, for the server and the judge.
//!
//! Nothing here refuses a request: what a subject sent must be shown as it arrived.

use std::collections::BTreeMap;

/// Returns the length of the request at the start of these bytes, once it is complete.
pub(crate) fn complete_length(bytes: &[u8], with_body: bool) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    if !with_body {
        return Some(head);
    }
    let header = |name| header_lines(&bytes[..head], name).into_iter().next();
    let is_chunked = header("transfer-encoding")
        .is_some_and(|value| value.to_ascii_lowercase().contains("chunked"));
    if is_chunked {
        let end = bytes[head..]
            .windows(5)
            .position(|window| window == b"0\r\n\r\n")?;
        return Some(head + end + 5);
    }
    let length = header("content-length")
        .and_then(|value| value.parse().ok())
        .unwrap_or(0);
    (bytes.len() >= head + length).then_some(head + length)
}

/// Returns the values of all header lines with this name.
pub(crate) fn header_lines(request: &[u8], wanted: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(request);
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    head.split("\r\n")
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))
        .map(|(_, value)| value.trim().to_owned())
        .collect()
}

/// Returns in what two requests differ, other than their `Authorization` lines. The text quotes no value.
///
/// The order of header lines with different names does not count (RFC 9110 section 5.3).
pub(crate) fn difference(one: &[u8], other: &[u8]) -> Option<String> {
    let (one, other) = (Parts::of(one), Parts::of(other));
    if one.line != other.line {
        return Some("the request line".to_owned());
    }
    let mut names = one.headers.keys().chain(other.headers.keys());
    if let Some(name) = names.find(|name| one.headers.get(*name) != other.headers.get(*name)) {
        return Some(format!("the header {name:?}"));
    }
    (one.body != other.body).then(|| "the body".to_owned())
}

/// The parts of a request that are compared.
struct Parts<'a> {
    line: &'a [u8],
    /// The values of each name but `authorization`, in their order.
    headers: BTreeMap<String, Vec<&'a [u8]>>,
    body: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(request: &'a [u8]) -> Self {
        let end = request.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, body) = request.split_at(end.unwrap_or(request.len()));
        let mut lines = head.split(|byte| *byte == b'\n');
        let line = lines.next().unwrap_or_default();
        let mut headers = BTreeMap::<_, Vec<_>>::new();
        for line in lines {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let colon = line.iter().position(|byte| *byte == b':');
            let (name, value) = line.split_at(colon.unwrap_or(line.len()));
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            headers.entry(name).or_default().push(value);
        }
        headers.remove("authorization");
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Self {
            line,
            headers,
            body,
        }
    }
}

/// Returns a request as text with its header names in lower case.
pub(crate) fn with_lower_case_names(request: &[u8]) -> String {
    let text = String::from_utf8_lossy(request);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lower = String::new();
    for (number, line) in head.split("\r\n").enumerate() {
        match line.split_once(':') {
            Some((name, value)) if number > 0 => {
                lower.push_str(&format!("{}:{value}\r\n", name.to_ascii_lowercase()));
            }
            _ => lower.push_str(&format!("{line}\r\n")),
        }
    }
    if text.contains("\r\n\r\n") {
        lower + "\r\n" + body
    } else {
        lower
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_differ_in_a_part_but_not_in_the_key_or_the_order_of_names() {
        let request =
            "POST / HTTP/1.1\r\nHost: a\r\nX-Tag: one\r\nX-Tag: two\r\nAuthorization: b\r\n\r\n{}";
        for (from, to, expected) in [
            ("Authorization: b", "Authorization: c", None),
            ("\r\nAuthorization: b", "", None),
            ("Host: a\r\nX-Tag: one", "x-tag: one\r\nhost: a", None),
            ("POST", "GET", Some("the request line")),
            ("{}", "[]", Some("the body")),
            ("one", "three", Some("the header \"x-tag\"")),
            (
                "one\r\nX-Tag: two",
                "two\r\nX-Tag: one",
                Some("the header \"x-tag\""),
            ),
            ("Host: a\r\n", "", Some("the header \"host\"")),
            (
                "Host: a",
                "Host: a\r\nCookie: d",
                Some("the header \"cookie\""),
            ),
        ] {
            let other = request.replacen(from, to, 1);
            let seen = difference(request.as_bytes(), other.as_bytes());
            assert_eq!(seen.as_deref(), expected, "{from} {to}");
        }
    }
}
