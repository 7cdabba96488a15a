//! The head of a response: its status line and header lines.

use std::mem::MaybeUninit;

use ap_client::transport::{TransportError, TransportErrorKind};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, Version, header, response};
use httparse::{ParserConfig, Status};
use memchr::memchr_iter;

/// Up to this limit of header lines, parsing them allocates nothing.
const USUAL_HEADERS: usize = 100;

/// A complete head.
pub(super) struct Head {
    pub(super) parts: response::Parts,
    /// How many bytes it has.
    pub(super) length: usize,
}

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(usize),
    Chunked,
}

impl Head {
    /// Parses the head that `input` begins with. Returns `None` if it is not complete yet.
    ///
    /// # Errors
    ///
    /// `Malformed` if it is not the head of an HTTP/1 response, `TooLarge` if it has more header lines
    /// than allowed.
    pub(super) fn parse(input: &[u8], max_headers: usize) -> Result<Option<Self>, TransportError> {
        let mut usual_room = [const { MaybeUninit::uninit() }; USUAL_HEADERS];
        let mut more_room = Vec::new();
        let room = match usual_room.get_mut(..max_headers) {
            Some(room) => room,
            None => {
                // Never more entries than the input can contain, so a huge limit costs no memory.
                more_room.reserve_exact(max_headers.min(input.len() / 2));
                more_room.spare_capacity_mut()
            }
        };
        let mut parsed = httparse::Response::new(&mut []);
        let status =
            ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, input, room);
        let length = match status {
            Ok(Status::Complete(length)) => length,
            Ok(Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => {
                return Err(TransportError::new(TransportErrorKind::TooLarge));
            }
            Err(error) => {
                return Err(TransportError::new(TransportErrorKind::Malformed).with_source(error));
            }
        };
        let (mut parts, ()) = Response::new(()).into_parts();
        parts.version = match parsed.version {
            Some(1) => Version::HTTP_11,
            _ => Version::HTTP_10,
        };
        parts.status = StatusCode::from_u16(parsed.code.unwrap_or_default()).map_err(malformed)?;
        let too_many = |_| TransportError::new(TransportErrorKind::TooLarge);
        let count = parsed.headers.len();
        parts.headers.try_reserve(count).map_err(too_many)?;
        // All values share one copy.
        let copy = Bytes::copy_from_slice(&input[..length]);
        for line in parsed.headers.iter() {
            let name = HeaderName::from_bytes(line.name.as_bytes()).map_err(malformed)?;
            let start = line.value.as_ptr() as usize - input.as_ptr() as usize;
            let value = copy.slice(start..start + line.value.len());
            let value = HeaderValue::from_maybe_shared(value).map_err(malformed)?;
            parts.headers.try_append(name, value).map_err(too_many)?;
        }
        Ok(Some(Self { parts, length }))
    }

    /// Returns `true` if another head follows this one. A 101 counts as final, because no upgrade was
    /// requested.
    pub(super) fn is_informational(&self) -> bool {
        self.parts.version == Version::HTTP_11
            && self.parts.status.is_informational()
            && self.parts.status != StatusCode::SWITCHING_PROTOCOLS
    }

    /// Returns how the end of the body is found. The head must have passed
    /// [`check_head`](ap_client::transport::check_head), so what it says is unambiguous.
    pub(super) fn framing(&self, method: &Method) -> Result<Framing, TransportError> {
        let has_no_body = *method == Method::HEAD
            || matches!(
                self.parts.status,
                StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
            );
        if has_no_body {
            return Ok(Framing::Length(0));
        }
        if self.parts.headers.contains_key(header::TRANSFER_ENCODING) {
            return Ok(Framing::Chunked);
        }
        let length = self.parts.headers.get(header::CONTENT_LENGTH);
        length
            .and_then(|length| length.to_str().ok()?.parse().ok())
            .map(Framing::Length)
            .ok_or_else(|| TransportError::new(TransportErrorKind::Malformed))
    }

    /// Returns `true` if the connection may carry another request after this response.
    pub(super) fn keeps_connection(&self) -> bool {
        let says_close = |value: &HeaderValue| {
            let mut options = value.as_bytes().split(|&byte| byte == b',');
            options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
        };
        self.parts.version == Version::HTTP_11
            && !self
                .parts
                .headers
                .get_all(header::CONNECTION)
                .iter()
                .any(says_close)
    }
}

fn malformed(error: impl Into<http::Error>) -> TransportError {
    TransportError::new(TransportErrorKind::Malformed).with_source(error.into())
}

/// Returns `true` if a response that begins with these bytes may turn out to be an informational one.
pub(super) fn may_be_informational(input: &[u8]) -> bool {
    const BEGINNING: &[u8] = b"HTTP/1.1 1";
    let length = input.len().min(BEGINNING.len());
    BEGINNING.starts_with(&input[..length])
}

/// Returns `true` if these bytes may be the start of a response. A single `\r` may be: an empty line can come
/// before a response, and this may be its first half.
pub(super) fn may_be_response(input: &[u8]) -> bool {
    const BEGINNING: &[u8] = b"HTTP/1.";
    let length = input.len().min(BEGINNING.len());
    BEGINNING.starts_with(&input[..length]) || input == b"\r"
}

/// Returns `true` if an empty line ends a head in `input`. The first `searched` bytes contain no such end.
pub(super) fn has_end(input: &[u8], searched: usize) -> bool {
    // An end that was half there begins up to two bytes before.
    let start = searched.saturating_sub(2).min(input.len());
    memchr_iter(b'\n', &input[start..]).any(|at| {
        let after = &input[start + at + 1..];
        after.starts_with(b"\n") || after.starts_with(b"\r\n")
    })
}

/// Returns how many bytes of empty lines `input` begins with.
pub(super) fn empty_lines(mut input: &[u8]) -> usize {
    let all = input.len();
    while let [b'\n', rest @ ..] | [b'\r', b'\n', rest @ ..] = input {
        input = rest;
    }
    all - input.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Option<Head>, TransportErrorKind> {
        Head::parse(text.as_bytes(), 3).map_err(|error| error.kind())
    }

    #[test]
    fn a_head_is_complete_at_its_empty_line() {
        for (text, length) in [
            ("HTTP/1.1 200 OK\r\n\r\nrest", Some(19)),
            ("HTTP/1.1 200 OK\n\nrest", Some(17)),
            ("HTTP/1.1 200 OK\r\na: b\r\n\r\n", Some(25)),
            ("HTTP/1.1 200 OK\r\na: b\r\n", None),
            ("HTTP/1.1 200 OK\r\na: b\r\n\r", None),
            ("", None),
        ] {
            let head = parse(text).unwrap();
            assert_eq!(head.map(|head| head.length), length, "{text:?}");
            for searched in 0..text.len().min(length.unwrap_or(text.len())) {
                let has_end = has_end(text.as_bytes(), searched);
                assert_eq!(has_end, length.is_some(), "{text:?} after {searched}");
            }
        }
    }

    #[test]
    fn a_head_that_breaks_the_grammar_is_malformed_and_one_with_too_many_lines_too_large() {
        for (text, kind) in [
            ("HTTP/1.2 200 OK\r\n\r\n", TransportErrorKind::Malformed),
            ("HTTP/1.1 20 OK\r\n\r\n", TransportErrorKind::Malformed),
            ("HTTP/1.1 099 OK\r\n\r\n", TransportErrorKind::Malformed),
            (
                "HTTP/1.1 200 OK\r\na : b\r\n\r\n",
                TransportErrorKind::Malformed,
            ),
            (
                "HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n",
                TransportErrorKind::Malformed,
            ),
            (
                "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
                TransportErrorKind::Malformed,
            ),
            (
                "HTTP/1.1 200 OK\r\na:\r\nb:\r\nc:\r\nd:\r\n",
                TransportErrorKind::TooLarge,
            ),
        ] {
            assert_eq!(parse(text).err(), Some(kind), "{text:?}");
        }
    }

    #[test]
    fn informational_heads_are_those_that_another_follows() {
        for (text, expected) in [
            ("HTTP/1.1 100 Continue\r\n\r\n", true),
            ("HTTP/1.1 103\r\n\r\n", true),
            ("HTTP/1.1 101 Switching Protocols\r\n\r\n", false),
            ("HTTP/1.0 100 Continue\r\n\r\n", false),
            ("HTTP/1.1 200 OK\r\n\r\n", false),
        ] {
            let head = parse(text).unwrap().unwrap();
            assert_eq!(head.is_informational(), expected, "{text:?}");
        }
        for (text, expected) in [
            ("", true),
            ("HTT", true),
            ("HTTP/1.1 1", true),
            ("HTTP/1.1 100 Con", true),
            ("HTTP/1.1 2", false),
            ("<html>", false),
        ] {
            assert_eq!(may_be_informational(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn a_connection_is_kept_unless_the_head_says_otherwise() {
        for (text, expected) in [
            ("HTTP/1.1 200\r\n\r\n", true),
            ("HTTP/1.1 200\r\nConnection: keep-alive\r\n\r\n", true),
            ("HTTP/1.1 200\r\nConnection: Close\r\n\r\n", false),
            ("HTTP/1.1 200\r\nConnection: foo , close\r\n\r\n", false),
            (
                "HTTP/1.1 200\r\nConnection: foo\r\nConnection: close\r\n\r\n",
                false,
            ),
            ("HTTP/1.0 200\r\nConnection: keep-alive\r\n\r\n", false),
        ] {
            let head = parse(text).unwrap().unwrap();
            assert_eq!(head.keeps_connection(), expected, "{text:?}");
        }
    }

    #[test]
    fn empty_lines_before_a_head_are_counted() {
        for (text, expected) in [("", 0), ("H", 0), ("\r\n\nH\r\n", 3), ("\r", 0), ("\rH", 0)] {
            assert_eq!(empty_lines(text.as_bytes()), expected, "{text:?}");
        }
    }
}
