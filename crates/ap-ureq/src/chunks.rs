//! Follows a chunked body along, strictly. The library takes sizes that are none, and a body whose last
//! chunk is cut.

use std::io::{self, ErrorKind};

/// How long a line may be: a size with its extensions, or a trailer.
const LINE_LIMIT: usize = 16 * 1024;

/// How many bytes trailers may have together.
pub(crate) const TRAILER_LIMIT: usize = 64 * 1024;

#[derive(Debug)]
pub(crate) struct Chunks {
    state: State,
    size: u64,
    /// Bytes of the line so far, or of the trailers.
    length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the digits of a size.
    Size,
    Extension,
    SizeEnd,
    Data,
    DataEnd,
    DataLf,
    /// At the start of a trailer, or of the blank line.
    TrailerStart,
    Trailer,
    LastLf,
    Over,
}

impl Chunks {
    pub(crate) const fn new() -> Self {
        Self {
            state: State::Size,
            size: 0,
            length: 0,
        }
    }

    /// Whether the last byte of the body has been seen.
    pub(crate) fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// Whether all chunks have been seen, and the end behind them not yet.
    pub(crate) fn is_ending(&self) -> bool {
        matches!(
            self.state,
            State::TrailerStart | State::Trailer | State::LastLf
        )
    }

    /// # Errors
    ///
    /// `InvalidData` for bytes that a chunked body cannot have there.
    pub(crate) fn follow(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let (false, Some((&byte, rest))) = (self.is_over(), bytes.split_first()) {
            if self.state == State::Data {
                let here = usize::try_from(self.size).map_or(bytes.len(), |n| n.min(bytes.len()));
                self.size -= here as u64;
                bytes = &bytes[here..];
                if self.size == 0 {
                    self.state = State::DataEnd;
                }
                continue;
            }
            bytes = rest;
            // What follows the end belongs to no body; whoever would read it next sees it.
            self.state = self.step(byte)?;
        }
        Ok(())
    }

    fn step(&mut self, byte: u8) -> io::Result<State> {
        let invalid = || Err(io::Error::new(ErrorKind::InvalidData, "not a chunk"));
        match (self.state, byte) {
            (State::Size, digit) if digit.is_ascii_hexdigit() => {
                let value = (digit as char).to_digit(16).map_or(0, u64::from);
                let Some(size) = self.size.checked_mul(16) else {
                    return invalid();
                };
                self.size = size + value;
                self.count(LINE_LIMIT)?;
                Ok(State::Size)
            }
            (State::Size, _) if self.length == 0 => invalid(),
            (State::Size | State::Extension, b'\r') => Ok(State::SizeEnd),
            (State::Size, b';' | b' ' | b'\t') => Ok(State::Extension),
            (State::Extension, byte) if byte != b'\n' => {
                self.count(LINE_LIMIT)?;
                Ok(State::Extension)
            }
            (State::SizeEnd, b'\n') => {
                self.length = 0;
                Ok(if self.size == 0 {
                    State::TrailerStart
                } else {
                    State::Data
                })
            }
            (State::DataEnd, b'\r') => Ok(State::DataLf),
            (State::DataLf, b'\n') => Ok(State::Size),
            (State::TrailerStart, b'\r') => Ok(State::LastLf),
            (State::LastLf, b'\n') => Ok(State::Over),
            (State::Trailer, b'\n') => Ok(State::TrailerStart),
            (State::TrailerStart | State::Trailer, byte) if byte != b'\n' => {
                self.count(TRAILER_LIMIT)?;
                Ok(State::Trailer)
            }
            _ => invalid(),
        }
    }

    fn count(&mut self, limit: usize) -> io::Result<()> {
        self.length += 1;
        if self.length > limit {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                "a chunked body with too long a line",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_over_with_their_last_byte_and_not_before() {
        for body in [
            "0\r\n\r\n",
            "2\r\n{}\r\n0\r\n\r\n",
            "00A;a=\"b\"\r\n0123456789\r\n000\r\nX-End: 1\r\nX: 2\r\n\r\n",
        ] {
            let mut all = Chunks::new();
            all.follow(body.as_bytes()).unwrap();
            assert!(all.is_over(), "{body:?}");
            let mut each = Chunks::new();
            for byte in body.bytes() {
                assert!(!each.is_over(), "{body:?}");
                each.follow(&[byte]).unwrap();
            }
            assert!(each.is_over(), "{body:?}");
        }
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        for body in [
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
        ] {
            assert!(Chunks::new().follow(body.as_bytes()).is_err(), "{body:?}");
        }
        let long = format!("2;{}", "a".repeat(LINE_LIMIT + 1));
        assert!(Chunks::new().follow(long.as_bytes()).is_err());
    }
}
