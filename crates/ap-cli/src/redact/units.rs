//! [`Units`]: a text byte by byte as it is, or as what its escapes mean, read from the start to the end.

use std::collections::VecDeque;

use memchr::memchr3;

use super::escapes::{self, LONGEST_ESCAPE};

/// What stands for a character that is not ASCII, and for a part that was skipped. It is in no key and no name.
pub(super) const OTHER: u8 = 0xFF;

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
    pub(super) fn len(self) -> usize {
        self.end - self.start
    }
}

/// The units of a text.
pub(super) struct Units<'a> {
    text: &'a [u8],
    depth: usize,
    layer: Layer<'a>,
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
            depth,
            layer: Layer::new(text, 0, depth),
            at: 0,
            last_escape: 0,
            next_escape: find_escape(text, 0),
            context,
        }
    }

    /// Returns the next unit. If it may skip, it goes on to the next escape, since a part without one means what a
    /// reader of fewer layers sees.
    pub(super) fn next(&mut self, may_skip: bool) -> Option<Unit> {
        if may_skip && self.depth > 0 && self.at - self.last_escape >= self.context {
            if self.next_escape < self.at {
                self.next_escape = find_escape(self.text, self.at);
            }
            let end = match self.next_escape {
                at if at == self.text.len() => at,
                at => at.saturating_sub(self.context),
            };
            if end > self.at {
                self.layer = Layer::new(self.text, end, self.depth);
                let start = std::mem::replace(&mut self.at, end);
                return Some(Unit {
                    byte: OTHER,
                    start,
                    end,
                });
            }
        }
        let unit = self.layer.next()?;
        self.at = unit.end;
        if unit.len() > 1 {
            self.last_escape = unit.end;
        }
        Some(unit)
    }
}

/// Returns `true` if a text may contain an escape.
pub(super) fn has_escapes(text: &[u8]) -> bool {
    find_escape(text, 0) < text.len()
}

/// Returns where the next escape may begin; the text's length if there is none.
fn find_escape(text: &[u8], from: usize) -> usize {
    let [one, two, three] = escapes::INTRODUCERS;
    memchr3(one, two, three, &text[from..]).map_or(text.len(), |at| from + at)
}

enum Layer<'a> {
    Plain { text: &'a [u8], at: usize },
    Decoded(Box<Decoded<'a>>),
}

impl<'a> Layer<'a> {
    fn new(text: &'a [u8], at: usize, depth: usize) -> Self {
        let plain = Self::Plain { text, at };
        (0..depth).fold(plain, |below, _| {
            Self::Decoded(Box::new(Decoded {
                below,
                ahead: VecDeque::new(),
            }))
        })
    }

    fn next(&mut self) -> Option<Unit> {
        match self {
            Self::Plain { text, at } => {
                let byte = *text.get(*at)?;
                *at += 1;
                Some(Unit {
                    byte,
                    start: *at - 1,
                    end: *at,
                })
            }
            Self::Decoded(decoded) => decoded.next(),
        }
    }
}

/// What the escapes in the units of another layer mean.
struct Decoded<'a> {
    below: Layer<'a>,
    /// Units that were read to see if they are an escape.
    ahead: VecDeque<Unit>,
}

impl Decoded<'_> {
    fn next(&mut self) -> Option<Unit> {
        let first = match self.ahead.pop_front() {
            Some(unit) => unit,
            None => self.below.next()?,
        };
        if !escapes::INTRODUCERS.contains(&first.byte) {
            return Some(first);
        }
        while self.ahead.len() < LONGEST_ESCAPE - 1
            && let Some(unit) = self.below.next()
        {
            self.ahead.push_back(unit);
        }
        let mut spelling = [0; LONGEST_ESCAPE];
        let bytes = self.ahead.iter().map(|unit| unit.byte);
        spelling[0] = first.byte;
        for (place, byte) in spelling[1..].iter_mut().zip(bytes) {
            *place = byte;
        }
        let Some((byte, length)) = escapes::decode(&spelling[..=self.ahead.len()]) else {
            return Some(first);
        };
        let rest = self.ahead.drain(..length - 1).next_back();
        Some(Unit {
            byte,
            start: first.start,
            end: rest.map_or(first.end, |last| last.end),
        })
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
