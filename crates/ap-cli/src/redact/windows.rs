//! [`Windows`]: a quick look for the spellings of keys.

use super::wrapped_lines::{self, WrappedLines};

/// How many bytes in a row are looked up at once.
const LEN: usize = 8;

/// With this bit, a letter is in lower case. That other characters become the same too does no harm.
const LOWER_CASE: u64 = 0x2020_2020_2020_2020;

/// The bits of a place in the table.
const PLACE_BITS: u32 = 16;

/// The parts of [`LEN`] bytes that spellings have.
pub(super) struct Windows {
    /// Wherever a spelling is, one of so many windows in a row is at a multiple of this.
    step: usize,
    /// Sorted.
    known: Vec<u64>,
    /// Which places one of them has.
    table: Vec<bool>,
}

impl Windows {
    /// Returns `None` if a spelling is shorter than a window.
    pub(super) fn new(spellings: &[Vec<u8>]) -> Option<Self> {
        let shortest = spellings.iter().map(Vec::len).min()?;
        let step = (shortest + 1).checked_sub(LEN).filter(|step| *step > 0)?;
        let mut known: Vec<u64> = spellings
            .iter()
            .flat_map(|spelling| spelling.windows(LEN).filter_map(number))
            .collect();
        known.sort_unstable();
        known.dedup();
        let mut table = vec![false; 1 << PLACE_BITS];
        for window in &known {
            table[place(*window)] = true;
        }
        Some(Self { step, known, table })
    }

    /// Returns `false` if none of the spellings is in a text, in upper or lower case.
    pub(super) fn may_be_in(&self, text: &[u8]) -> bool {
        if wrapped_lines::has_break(text) {
            return self.may_be_in_lines(text);
        }
        let windows = text.windows(LEN).step_by(self.step);
        windows
            .filter_map(number)
            .any(|window| self.is_known(window))
    }

    /// The same for a text of several lines, in which a spelling may go on in the next line. It keeps nothing of them.
    fn may_be_in_lines(&self, text: &[u8]) -> bool {
        let mut lines = WrappedLines::default();
        let mut window = 0;
        let mut skip = LEN;
        text.iter()
            .filter(|byte| !lines.is_between(**byte))
            .any(|byte| {
                window = window >> 8 | u64::from(*byte) << (u64::BITS - 8);
                skip -= 1;
                if skip > 0 {
                    return false;
                }
                skip = self.step;
                self.is_known(window | LOWER_CASE)
            })
    }

    /// Returns `true` if a spelling has this window.
    fn is_known(&self, window: u64) -> bool {
        self.table[place(window)] && self.known.binary_search(&window).is_ok()
    }
}

/// Returns a window as a number, in lower case.
fn number(window: &[u8]) -> Option<u64> {
    let bytes = window.try_into().ok()?;
    Some(u64::from_le_bytes(bytes) | LOWER_CASE)
}

/// Returns a window's place in the table (Fibonacci hashing).
fn place(window: u64) -> usize {
    (window.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - PLACE_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::{LEN, Windows};

    #[test]
    fn a_spelling_is_seen_wherever_it_is() {
        for spellings in [&["placeholder-key-1"][..], &["12345678", "cGxhY2Vob2xkZXI"]] {
            let bytes: Vec<_> = spellings
                .iter()
                .map(|text| text.as_bytes().to_vec())
                .collect();
            let windows = Windows::new(&bytes).unwrap();
            for spelling in spellings {
                for before in 0..40 {
                    for text in [spelling.to_ascii_uppercase(), spelling.to_ascii_lowercase()] {
                        let text = format!("{}{text}", ".".repeat(before));
                        assert!(windows.may_be_in(text.as_bytes()), "{text}");
                        assert!(windows.may_be_in(format!("{text}...").as_bytes()), "{text}");
                        for at in 1..text.len() {
                            let (line, rest) = text.split_at(at);
                            let lines = format!("{line}\r\n  {rest}\n");
                            assert!(windows.may_be_in(lines.as_bytes()), "{lines}");
                        }
                    }
                }
            }
            for text in [
                "",
                "placeho",
                "a text without any of them",
                "a text\nof\n\n2 lines",
            ] {
                assert!(!windows.may_be_in(text.as_bytes()), "{text}");
            }
        }
    }

    #[test]
    fn there_is_no_quick_look_for_a_short_key() {
        assert!(Windows::new(&[vec![b'k'; LEN], vec![b'k'; LEN - 1]]).is_none());
        assert!(Windows::new(&[]).is_none());
    }
}
