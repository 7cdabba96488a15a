//! A strict decoder of chunked bodies (RFC 9112 section 7.1).

use ap_core::{ErrorKind, TransportError};

/// The longest line with the size of a chunk and its extensions, in bytes.
const MAX_LINE: usize = 16 * 1024;

/// How many bytes all trailers may have together.
const MAX_TRAILERS: usize = 64 * 1024;

/// Decodes one body, in pieces of any length.
#[derive(Debug)]
pub(super) struct ChunkDecoder {
    state: State,
    /// What is left of the current chunk, or its size so far.
    size: u64,
    /// Bytes of the current line so far, or of the trailers.
    length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size,
    Extension,
    SizeLineFeed,
    Data,
    DataReturn,
    DataLineFeed,
    /// At the start of a trailer, or of the empty line that ends the body.
    TrailerStart,
    Trailer,
    LastLineFeed,
    Complete,
}

impl ChunkDecoder {
    pub(super) const fn new() -> Self {
        Self {
            state: State::Size,
            size: 0,
            length: 0,
        }
    }

    /// Returns `true` once the last byte of the body was decoded.
    pub(super) fn is_complete(&self) -> bool {
        self.state == State::Complete
    }

    /// Decodes a piece, appends its data to `body`, and returns how many bytes belong to the body.
    ///
    /// # Errors
    ///
    /// `Malformed` for a byte that no chunked body can have there, `TooLarge` for data, lines or trailers
    /// beyond their limits.
    pub(super) fn decode(
        &mut self,
        input: &[u8],
        body: &mut Vec<u8>,
        max_body: usize,
    ) -> Result<usize, TransportError> {
        let mut rest = input;
        while let (false, Some((&byte, after))) = (self.is_complete(), rest.split_first()) {
            if self.state != State::Data {
                self.state = self.step(byte)?;
                rest = after;
                continue;
            }
            let count = usize::try_from(self.size).map_or(rest.len(), |size| size.min(rest.len()));
            let (data, after) = rest.split_at(count);
            if count > max_body - body.len() {
                return Err(TransportError::new(ErrorKind::TooLarge));
            }
            body.extend_from_slice(data);
            rest = after;
            self.size -= count as u64;
            if self.size == 0 {
                self.state = State::DataReturn;
            }
        }
        Ok(input.len() - rest.len())
    }

    fn step(&mut self, byte: u8) -> Result<State, TransportError> {
        match (self.state, byte) {
            (State::Size, digit) if digit.is_ascii_hexdigit() => {
                let value = char::from(digit).to_digit(16).unwrap_or_default();
                let Some(size) = self.size.checked_mul(16) else {
                    return Err(malformed("the size of a chunk is too large to count"));
                };
                self.size = size + u64::from(value);
                self.count(MAX_LINE)?;
                Ok(State::Size)
            }
            (State::Size, _) if self.length == 0 => Err(malformed("a chunk has no size")),
            (State::Size | State::Extension, b'\r') => Ok(State::SizeLineFeed),
            (State::Size, b';' | b' ' | b'\t') => Ok(State::Extension),
            (State::Extension, byte) if byte != b'\n' => {
                self.count(MAX_LINE)?;
                Ok(State::Extension)
            }
            (State::SizeLineFeed, b'\n') => {
                self.length = 0;
                Ok(if self.size == 0 {
                    State::TrailerStart
                } else {
                    State::Data
                })
            }
            (State::DataReturn, b'\r') => Ok(State::DataLineFeed),
            (State::DataLineFeed, b'\n') => Ok(State::Size),
            (State::TrailerStart, b'\r') => Ok(State::LastLineFeed),
            (State::LastLineFeed, b'\n') => Ok(State::Complete),
            (State::Trailer, b'\n') => Ok(State::TrailerStart),
            (State::TrailerStart | State::Trailer, byte) if byte != b'\n' => {
                self.count(MAX_TRAILERS)?;
                Ok(State::Trailer)
            }
            _ => Err(malformed("a chunk does not end where its size says")),
        }
    }

    fn count(&mut self, limit: usize) -> Result<(), TransportError> {
        self.length += 1;
        if self.length > limit {
            return Err(malformed("a line of the chunked body is too long"));
        }
        Ok(())
    }
}

fn malformed(reason: &'static str) -> TransportError {
    TransportError::new(ErrorKind::Malformed).with_source(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_complete_with_its_last_byte_and_not_before() {
        for (chunks, expected) in [
            ("0\r\n\r\n", ""),
            ("2\r\n{}\r\n0\r\n\r\n", "{}"),
            (
                "00A;a=\"b\"\r\n0123456789\r\n000\r\nX-End: 1\r\nX: 2\r\n\r\n",
                "0123456789",
            ),
        ] {
            let mut body = Vec::new();
            let mut at_once = ChunkDecoder::new();
            let with_more = format!("{chunks}HTTP/1.1");
            let used = at_once.decode(with_more.as_bytes(), &mut body, 10);
            assert_eq!(used.unwrap(), chunks.len(), "{chunks:?}");
            assert!(at_once.is_complete(), "{chunks:?}");
            assert_eq!(body, expected.as_bytes());

            let mut body = Vec::new();
            let mut by_bytes = ChunkDecoder::new();
            for byte in chunks.bytes() {
                assert!(!by_bytes.is_complete(), "{chunks:?}");
                assert_eq!(by_bytes.decode(&[byte], &mut body, 10).unwrap(), 1);
            }
            assert!(by_bytes.is_complete(), "{chunks:?}");
            assert_eq!(body, expected.as_bytes());
        }
    }

    #[test]
    fn bytes_that_are_no_chunks_are_malformed() {
        let long_line = format!("2;{}", "a".repeat(MAX_LINE + 1));
        let long_trailers = format!("0\r\n{}", "a: b\r\n".repeat(MAX_TRAILERS / 4));
        for chunks in [
            "zz\r\n",
            "+2\r\n",
            " 2\r\n",
            "-2\r\n",
            "0x2\r\n",
            "\r\n",
            "2\n",
            "10000000000000002\r\n",
            "2\r\n{}{}\r\n",
            "2\r\n{}\n",
            "0\r\n\n",
            &long_line,
            &long_trailers,
        ] {
            let mut decoder = ChunkDecoder::new();
            let decoded = decoder.decode(chunks.as_bytes(), &mut Vec::new(), 100);
            let kind = decoded.map_err(|error| error.kind());
            assert_eq!(kind, Err(ErrorKind::Malformed), "{chunks:?}");
        }
    }

    #[test]
    fn data_beyond_the_limit_is_too_large() {
        let decode = |max_body| {
            let mut decoder = ChunkDecoder::new();
            let decoded = decoder.decode(b"2\r\nab\r\n1\r\nc\r\n", &mut Vec::new(), max_body);
            decoded.map_err(|error| error.kind())
        };
        assert_eq!(decode(3), Ok(13));
        assert_eq!(decode(2), Err(ErrorKind::TooLarge));
    }
}
