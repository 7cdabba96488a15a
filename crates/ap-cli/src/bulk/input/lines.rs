//! [`Lines`]: lines of a limited length. A longer one is read to its end and not kept.

use std::io::{self, BufRead, BufReader, Read};

use super::MAX_ROW_LEN;

/// Reads lines, without the characters that end them.
pub(crate) struct Lines<R> {
    reader: R,
    line: u64,
    buffer: Vec<u8>,
}

/// One line.
pub(crate) struct Line<'a> {
    /// From 1.
    pub(crate) number: u64,
    /// Its beginning, if it is too long.
    pub(crate) bytes: &'a [u8],
    pub(crate) is_too_long: bool,
    /// The input ended before the line did.
    pub(crate) is_cut: bool,
    /// Of the whole line, with what ends it.
    pub(crate) checksum: u32,
}

impl<R: Read> Lines<BufReader<R>> {
    /// Returns what was read and not used yet.
    pub(crate) fn buffer(&self) -> &[u8] {
        self.reader.buffer()
    }
}

impl<R: BufRead> Lines<R> {
    pub(crate) const fn new(reader: R) -> Self {
        Self {
            reader,
            line: 0,
            buffer: Vec::new(),
        }
    }

    /// Returns the next line; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        let mut checksum = crc32fast::Hasher::new();
        let mut len = 0;
        let mut is_ended = false;
        while !is_ended {
            let bytes = match self.reader.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if bytes.is_empty() {
                break;
            }
            let end = memchr::memchr(b'\n', bytes);
            is_ended = end.is_some();
            let bytes = &bytes[..end.map_or(bytes.len(), |end| end + 1)];
            checksum.update(bytes);
            let space = (MAX_ROW_LEN + 2).saturating_sub(self.buffer.len());
            self.buffer.extend(&bytes[..bytes.len().min(space)]);
            len += bytes.len();
            let used = bytes.len();
            self.reader.consume(used);
        }
        if len == 0 {
            return Ok(None);
        }
        self.line += 1;
        let bytes = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        Ok(Some(Line {
            is_cut: !is_ended,
            number: self.line,
            bytes,
            is_too_long: len > self.buffer.len() || bytes.len() > MAX_ROW_LEN,
            checksum: checksum.finalize(),
        }))
    }
}
