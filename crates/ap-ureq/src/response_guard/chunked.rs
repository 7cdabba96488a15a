//! The parts of a chunked body (RFC 9112 section 7.1). Each function parses one such part at the start of
//! `input`, and returns its length and value, or `None` if it is not complete yet.

use ap_client::transport::{TransportError, TransportErrorKind};
use httparse::{EMPTY_HEADER, Status};
use memchr::{memchr, memchr_iter};

/// The longest line with the size of a chunk, and the longest trailers, in bytes.
pub(super) const MAX_LENGTH: usize = 16 * 1024;

const MAX_TRAILERS: usize = 100;

/// What a parser of this file returns.
pub(super) type Parsed<T> = Result<Option<(usize, T)>, TransportError>;

/// Parses the line with the size of a chunk.
pub(super) fn size(input: &[u8]) -> Parsed<u64> {
    // httparse accepts a missing size as zero, and skips line feeds in extensions.
    let has_size = input.first().is_none_or(u8::is_ascii_hexdigit);
    let line_feed = memchr(b'\n', input);
    match httparse::parse_chunk_size(input) {
        Ok(Status::Complete((length, size))) if has_size && line_feed == Some(length - 1) => {
            Ok(Some((length, size)))
        }
        Ok(Status::Partial) if has_size && line_feed.is_none() => Ok(None),
        _ => Err(malformed("the size of a chunk is not a hexadecimal number")),
    }
}

/// Parses the line end after the data of a chunk.
pub(super) fn end_of_data(input: &[u8]) -> Parsed<()> {
    match input {
        [b'\r', b'\n', ..] => Ok(Some((2, ()))),
        [] | [b'\r'] => Ok(None),
        _ => Err(malformed("a chunk does not end where its size says")),
    }
}

/// Parses the trailers after the last chunk, with the empty line that ends the body.
pub(super) fn trailers(input: &[u8]) -> Parsed<()> {
    let mut lines = [EMPTY_HEADER; MAX_TRAILERS];
    match httparse::parse_headers(input, &mut lines) {
        Ok(Status::Complete((length, _))) => {
            // httparse lets a line end without a carriage return.
            let is_strict =
                memchr_iter(b'\n', &input[..length]).all(|at| at > 0 && input[at - 1] == b'\r');
            if is_strict {
                Ok(Some((length, ())))
            } else {
                Err(malformed(
                    "a line after the last chunk has no carriage return",
                ))
            }
        }
        Ok(Status::Partial) => Ok(None),
        Err(_) => Err(malformed("what follows the last chunk is no trailer")),
    }
}

fn malformed(reason: &'static str) -> TransportError {
    TransportError::new(TransportErrorKind::Malformed).with_source(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses a text with more after it. If it is valid, its beginnings must be incomplete.
    fn parse<T>(text: &str, parse: fn(&[u8]) -> Parsed<T>) -> Option<T> {
        let more = format!("{text}more");
        let parsed = parse(more.as_bytes()).ok()?;
        let (length, value) = parsed.expect("all of it is there");
        assert_eq!(length, text.len(), "{text:?}");
        for end in 0..length {
            let beginning = parse(&text.as_bytes()[..end]);
            assert!(matches!(beginning, Ok(None)), "{text:?} up to {end}");
        }
        Some(value)
    }

    #[test]
    fn a_size_is_a_hexadecimal_number_with_extensions() {
        for (line, expected) in [
            ("0\r\n", Some(0)),
            ("2\r\n", Some(2)),
            ("00A;a=\"b\"\r\n", Some(10)),
            ("fF ;x\r\n", Some(255)),
            ("7fffffffffffffff\r\n", Some(i64::MAX as u64)),
            ("10000000000000002\r\n", None),
            ("zz\r\n", None),
            ("+2\r\n", None),
            (" 2\r\n", None),
            ("-2\r\n", None),
            ("0x2\r\n", None),
            ("\r\n", None),
            (";a\r\n", None),
            ("2\n", None),
            ("2;a\n", None),
            ("2;a\nb\r\n", None),
        ] {
            assert_eq!(parse(line, size), expected, "{line:?}");
        }
    }

    #[test]
    fn data_ends_where_its_size_says() {
        assert_eq!(parse("\r\n", end_of_data), Some(()));
        for text in ["\n", "x\r\n", "\rx"] {
            assert_eq!(parse(text, end_of_data), None, "{text:?}");
        }
    }

    #[test]
    fn trailers_end_with_an_empty_line() {
        for (text, expected) in [
            ("\r\n", Some(())),
            ("X-End: 1\r\nX: 2\r\n\r\n", Some(())),
            ("\n", None),
            ("X: 2\n\r\n", None),
            ("X: 2\r\n\n", None),
            ("no colon\r\n\r\n", None),
        ] {
            assert_eq!(parse(text, trailers), expected, "{text:?}");
        }
        let many = "X: 1\r\n".repeat(MAX_TRAILERS + 1);
        assert_eq!(parse(&many, trailers), None);
    }
}
