//! Reads requests from raw bytes, for the server and the judge.
//!
//! Nothing here refuses a request: what a subject sent must be shown as it arrived.

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

/// Returns a request without its `Authorization` lines, and otherwise unchanged.
pub(crate) fn without_authorization(request: &[u8]) -> Vec<u8> {
    let end = request.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, body) = request.split_at(end.unwrap_or(request.len()));
    let name = b"authorization:";
    let mut kept: Vec<&[u8]> = head
        .split(|byte| *byte == b'\n')
        .filter(|line| {
            !line
                .get(..name.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(name))
        })
        .collect();
    kept.push(body);
    kept.join(&b'\n')
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
