//! [`TargetEncoder`]: percent-encodes what the target of a request may not contain.

use percent_encoding::percent_encode_byte;

/// Percent-encodes the bytes of targets that servers refuse, or cut the target at, though what is meant is clear.
#[derive(Debug, Default)]
pub(crate) struct TargetEncoder {
    /// Where they are in the bytes that are scanned, in order.
    positions: Vec<usize>,
}

impl TargetEncoder {
    /// Notes what is to be encoded in a part of a target, which begins at `start`.
    pub(crate) fn add(&mut self, part: &[u8], start: usize) {
        // Most targets have nothing of this. No early exit: this way the compiler unrolls the loop.
        if part.iter().fold(false, |any, byte| any | is_encoded(*byte)) {
            let bytes = part.iter().enumerate();
            let found = bytes.filter(|(_, byte)| is_encoded(**byte));
            self.positions.extend(found.map(|(at, _)| start + at));
        }
    }

    /// Returns where the first byte is that is encoded, and all bytes from there on; `None` if there is none.
    pub(crate) fn encode(&mut self, bytes: &[u8]) -> Option<(usize, Vec<u8>)> {
        let first = *self.positions.first()?;
        let mut encoded = Vec::with_capacity(bytes.len() - first + 2 * self.positions.len());
        let mut start = first;
        for at in self.positions.drain(..) {
            encoded.extend_from_slice(bytes.get(start..at).unwrap_or_default());
            let byte = bytes.get(at).copied().unwrap_or_default();
            encoded.extend_from_slice(percent_encode_byte(byte).as_bytes());
            start = at + 1;
        }
        encoded.extend_from_slice(bytes.get(start..).unwrap_or_default());
        Some((first, encoded))
    }
}

fn is_encoded(byte: u8) -> bool {
    IS_ENCODED[usize::from(byte)]
}

/// A table, because comparing takes more instructions a byte.
static IS_ENCODED: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = matches!(byte as u8, b'"' | b'#' | b'<' | b'>' | b'`' | 0x80..);
        byte += 1;
    }
    table
};
