//! [`Units`]: a text byte by byte as it is, or as what its escapes mean, read from the start to the end.

use memchr::memchr3;

use super::escapes::{self, LONGEST_ESCAPE, OTHER};

/// One byte of what a text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) byte: u8,
    /// Where its spelling begins and ends in the text.
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Unit {
    /// Returns the length of its spelling.
    #[inline]
    pub(super) fn len(self) -> usize {
        self.end - self.start
    }
}

/// How many bytes of the text are decoded at once. Of a block in which a part is skipped, the rest is decoded again.
const BLOCK: usize = 128;

/// Returns `false` for the zeros between the characters of ASCII in UTF-16. No reader sees them, so that every secret
/// is found in such a text, in whichever order its bytes are.
pub(super) fn is_read(byte: u8) -> bool {
    byte != 0
}

/// The units of a text.
pub(super) struct Units<'a> {
    text: &'a [u8],
    decoder: Decoder,
    /// How much of the text was decoded, and how much of it was returned.
    decoded: usize,
    at: usize,
    /// Where the last escape ended, and where the next may begin.
    last_escape: usize,
    next_escape: usize,
    context: usize,
}

impl<'a> Units<'a> {
    /// Begins to read a text whose escapes are decoded this many times. Before and after an escape, at least so
    /// many bytes of context are not skipped.
    pub(super) fn new(text: &'a [u8], depth: usize, context: usize) -> Self {
        Self {
            text,
            decoder: Decoder::new(depth),
            decoded: 0,
            at: 0,
            last_escape: 0,
            next_escape: if depth > 0 { find_escape(text, 0) } else { 0 },
            context,
        }
    }

    /// Returns the next unit. If it may skip, it goes on to the next escape, since a part without one means what a
    /// reader of fewer layers sees.
    #[inline]
    pub(super) fn next(&mut self, may_skip: bool) -> Option<Unit> {
        if may_skip
            && self.at - self.last_escape >= self.context
            && !self.decoder.layers.is_empty()
            && let Some(skipped) = self.skip()
        {
            return Some(skipped);
        }
        let unit = match self.decoder.next() {
            Some(unit) => unit,
            None => self.decode()?,
        };
        self.at = unit.end;
        if unit.len() > 1 {
            self.last_escape = unit.end;
        }
        Some(unit)
    }

    fn skip(&mut self) -> Option<Unit> {
        if self.next_escape < self.at {
            self.next_escape = find_escape(self.text, self.at);
        }
        let end = match self.next_escape {
            at if at == self.text.len() => at,
            at => at.saturating_sub(self.context),
        };
        if end <= self.at {
            return None;
        }
        self.decoder.clear();
        self.decoded = end;
        let start = std::mem::replace(&mut self.at, end);
        Some(Unit {
            byte: OTHER,
            start,
            end,
        })
    }

    /// Decodes blocks until there is a unit.
    fn decode(&mut self) -> Option<Unit> {
        while self.decoded < self.text.len() {
            let start = self.decoded;
            let end = self.text.len().min(start + BLOCK);
            let block = &self.text[start..end];
            let units = (start..).zip(block).map(|(at, byte)| Unit {
                byte: *byte,
                start: at,
                end: at + 1,
            });
            self.decoder.decode(units, end == self.text.len());
            self.decoded = end;
            if let Some(unit) = self.decoder.next() {
                return Some(unit);
            }
        }
        None
    }
}

/// Returns how often the escapes in a text can be decoded until nothing changes any more, at most so many times.
pub(super) fn depth(text: &[u8], most: usize) -> usize {
    let mut units = Units::new(text, most, 2 * BLOCK);
    while units.decoder.deepest < most && units.next(true).is_some() {}
    units.decoder.deepest
}

/// Returns `true` if a text has what may be an escape.
pub(super) fn has_escape(text: &[u8]) -> bool {
    find_escape(text, 0) < text.len()
}

/// Returns what a text without zeros means after its escapes were decoded once.
pub(super) fn decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let escape = find_escape(text, at);
        decoded.extend_from_slice(&text[at..escape]);
        let rest = &text[escape..];
        let spelling = &rest[..rest.len().min(LONGEST_ESCAPE)];
        let (byte, length) = match escapes::decode(spelling) {
            Some((byte, length)) => (Some(byte), length),
            None => (rest.first().copied(), 1),
        };
        decoded.extend(byte.filter(|byte| is_read(*byte)));
        at = escape + length;
    }
    decoded
}

/// Returns where the next escape may begin; the text's length if there is none.
fn find_escape(text: &[u8], from: usize) -> usize {
    let [one, two, three] = escapes::INTRODUCERS;
    memchr3(one, two, three, &text[from..]).map_or(text.len(), |at| from + at)
}

/// Decodes escapes, once in each layer.
struct Decoder {
    /// For each layer, units that may be the start of an escape whose rest is in the next block.
    layers: Vec<Vec<Unit>>,
    /// What the last block means, and how much of it was returned.
    units: Vec<Unit>,
    returned: usize,
    /// How many layers had an escape until now, counted to the deepest of them.
    deepest: usize,
}

impl Decoder {
    fn new(depth: usize) -> Self {
        Self {
            layers: vec![Vec::new(); depth],
            units: Vec::new(),
            returned: 0,
            deepest: 0,
        }
    }

    fn clear(&mut self) {
        self.layers.iter_mut().for_each(Vec::clear);
        self.units.clear();
        self.returned = 0;
    }

    #[inline]
    fn next(&mut self) -> Option<Unit> {
        let unit = *self.units.get(self.returned)?;
        self.returned += 1;
        Some(unit)
    }

    fn decode(&mut self, block: impl Iterator<Item = Unit>, is_last: bool) {
        self.units.clear();
        self.returned = 0;
        self.units.extend(block.filter(|unit| is_read(unit.byte)));
        for (index, layer) in self.layers.iter_mut().enumerate() {
            layer.append(&mut self.units);
            let mut at = 0;
            while let Some(&unit) = layer.get(at) {
                if !escapes::INTRODUCERS.contains(&unit.byte) {
                    self.units.push(unit);
                    at += 1;
                } else if layer.len() - at >= LONGEST_ESCAPE || is_last {
                    let (unit, length) = decode_escape(&layer[at..]);
                    if is_read(unit.byte) {
                        self.units.push(unit);
                    }
                    at += length;
                    if length > 1 {
                        self.deepest = self.deepest.max(index + 1);
                    }
                } else {
                    break;
                }
            }
            layer.drain(..at);
        }
    }
}

/// Decodes the escape at the start, and returns how many units it has: one if it is none.
fn decode_escape(units: &[Unit]) -> (Unit, usize) {
    let mut spelling = [0; LONGEST_ESCAPE];
    let length = units.len().min(LONGEST_ESCAPE);
    for (place, unit) in spelling.iter_mut().zip(units) {
        *place = unit.byte;
    }
    match escapes::decode(&spelling[..length]) {
        Some((byte, length)) => {
            let (start, end) = (units[0].start, units[length - 1].end);
            (Unit { byte, start, end }, length)
        }
        None => (units[0], 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, depth: usize, may_skip: bool) -> Vec<Unit> {
        let mut units = Units::new(text.as_bytes(), depth, 2);
        std::iter::from_fn(|| units.next(may_skip)).collect()
    }

    fn meaning(text: &str, depth: usize) -> String {
        let units = read(text, depth, false);
        units.iter().map(|unit| char::from(unit.byte)).collect()
    }

    #[test]
    fn each_layer_decodes_what_the_one_below_means() {
        for (depth, expected) in [r"a\\u0026amp;%2562", r"a\u0026amp;%62", "a&amp;b", "a&b"]
            .into_iter()
            .enumerate()
        {
            assert_eq!(meaning(r"a\\u0026amp;%2562", depth), expected);
        }
    }

    #[test]
    fn the_zeros_of_utf_16_are_not_read() {
        for text in ["a\0%\0\x36\x31\0", "\0a\0%\0\x36\0\x31", r"a\u0000\u0061"] {
            assert_eq!(meaning(text, 1), "aa", "{text:?}");
        }
    }

    #[test]
    fn the_depth_is_that_of_the_deepest_escape() {
        let far = "-".repeat(1_000);
        for (text, expected) in [
            ("", 0),
            ("100% & more", 0),
            (r#"a\"b"#, 1),
            (r"a\u0025b", 1),
            (r"a\u002562", 2),
            (r"\\u0025\u0032%356", 3),
        ] {
            assert_eq!(depth(text.as_bytes(), 3), expected, "{text}");
            assert_eq!(depth(format!("{far}{text}{far}").as_bytes(), 3), expected);
        }
        assert_eq!(depth(br"\\\\\\\\", 2), 2);
    }

    #[test]
    fn units_cover_the_text_without_gaps_also_if_parts_are_skipped() {
        for text in [
            "",
            "a",
            "abcdef",
            "abcdef%6",
            "abcd%61efghij\\u0026k&",
            "%%%\\",
        ] {
            for depth in 0..4 {
                for may_skip in [false, true] {
                    let mut end = 0;
                    for unit in read(text, depth, may_skip) {
                        assert_eq!(unit.start, end, "{text} {depth} {may_skip}");
                        end = unit.end;
                    }
                    assert_eq!(end, text.len(), "{text} {depth} {may_skip}");
                }
            }
        }
        let skipped = read("abcdef%67hijk", 1, true);
        let bytes: Vec<u8> = skipped.iter().map(|unit| unit.byte).collect();
        assert_eq!(
            bytes,
            [b'a', b'b', OTHER, b'e', b'f', b'g', b'h', b'i', OTHER]
        );
    }
}
