//! The lines of a chunked body (RFC 9112 section 7.1).
//!
//! Each function parses a line with its line feed, or the first bytes of one that has none yet. It returns `None`
//! if the line is not complete.

use ap_client::transport::{TransportError, TransportErrorKind};
use httparse::{EMPTY_HEADER, Status};

/// What a parser of this file returns.
pub(super) type Parsed<T> = Result<Option<T>, TransportError>;

/// A line after the last chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trailer {
    /// A field, which is not read.
    Field,
    /// The empty line that ends the body.
    End,
}

/// Parses the line with the size of a chunk.
pub(super) fn size(line: &[u8]) -> Parsed<u64> {
    // httparse accepts a missing size as zero, and skips line feeds in extensions.
    let has_size = line.first().is_none_or(u8::is_ascii_hexdigit);
    match httparse::parse_chunk_size(line) {
        Ok(Status::Complete((_, size))) if has_size => Ok(Some(size)),
        Ok(Status::Partial) if has_size && !is_complete(line) => Ok(None),
        _ => Err(malformed("the size of a chunk is not a hexadecimal number")),
    }
}

/// Parses the line end after the data of a chunk.
pub(super) fn end_of_data(line: &[u8]) -> Parsed<()> {
    match line {
        b"\r\n" => Ok(Some(())),
        b"" | b"\r" => Ok(None),
        _ => Err(malformed("a chunk does not end where its size says")),
    }
}

/// Parses a line after the last chunk.
pub(super) fn trailer(line: &[u8]) -> Parsed<Trailer> {
    if !is_complete(line) {
        return Ok(None);
    }
    // httparse lets a line end without a carriage return.
    if !line.ends_with(b"\r\n") {
        return Err(malformed(
            "a line after the last chunk has no carriage return",
        ));
    }
    if line == b"\r\n" {
        return Ok(Some(Trailer::End));
    }
    // More lines must follow a field.
    match httparse::parse_headers(line, &mut [EMPTY_HEADER]) {
        Ok(Status::Partial) => Ok(Some(Trailer::Field)),
        _ => Err(malformed("what follows the last chunk is no trailer")),
    }
}

fn is_complete(line: &[u8]) -> bool {
    line.ends_with(b"\n")
}

fn malformed(reason: &'static str) -> TransportError {
    TransportError::new(TransportErrorKind::Malformed).with_source(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses a line. If it is valid, its beginnings must be incomplete.
    fn parse<T>(line: &str, parse: fn(&[u8]) -> Parsed<T>) -> Option<T> {
        let value = parse(line.as_bytes()).ok()?;
        for end in 0..line.len() {
            let beginning = parse(&line.as_bytes()[..end]);
            assert!(matches!(beginning, Ok(None)), "{line:?} up to {end}");
        }
        Some(value.expect("the line is complete"))
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
            ("2;a\rb\r\n", None),
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
    fn trailers_are_fields_up_to_an_empty_line() {
        for (line, expected) in [
            ("\r\n", Some(Trailer::End)),
            ("X-End: 1\r\n", Some(Trailer::Field)),
            ("X:\r\n", Some(Trailer::Field)),
            ("\n", None),
            ("X: 2\n", None),
            ("no colon\r\n", None),
            (" folded: 1\r\n", None),
            ("X: a\rb\r\n", None),
        ] {
            assert_eq!(parse(line, trailer), expected, "{line:?}");
        }
    }
}
