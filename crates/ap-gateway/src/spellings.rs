//! [`Spellings`]: finds several texts in another one, of which it looks at few bytes.

use secrecy::zeroize::Zeroizing;

/// A few bytes in a row.
type Gram = [u8; 4];

const GRAM_LEN: usize = size_of::<Gram>();

/// The set of grams has two to the power of so many places.
const PLACE_BITS: u32 = 14;

/// The spellings of one key. None is shorter than a gram.
pub(crate) struct Spellings {
    texts: Vec<Zeroizing<Vec<u8>>>,
    /// The places of all grams of the texts, a bit for each. For a usual key, fewer than one in a hundred is set.
    places: Zeroizing<Vec<u64>>,
    /// So many grams has the shortest text.
    step: usize,
}

impl Spellings {
    pub(crate) fn new(texts: Vec<Zeroizing<Vec<u8>>>) -> Self {
        let mut places = Zeroizing::new(vec![0; 1 << (PLACE_BITS - u64::BITS.ilog2())]);
        for gram in texts.iter().flat_map(|text| grams(text)) {
            let (word, bit) = place(gram);
            if let Some(word) = places.get_mut(word) {
                *word |= bit;
            }
        }
        let step = texts.iter().map(|text| grams(text).count()).min();
        Self {
            texts,
            places,
            step: step.unwrap_or_default().max(1),
        }
    }

    /// Returns `true` if a text contains one of them.
    ///
    /// All grams of a spelling are then in the text, in a row. There are at least `step` of them, so that one begins at a
    /// multiple of `step`, and it is enough to look at those.
    pub(crate) fn is_in(&self, text: &[u8]) -> bool {
        let mut at = 0;
        while let Some(gram) = text.get(at..).and_then(<[u8]>::first_chunk) {
            if self.may_have(gram) && self.is_around(text, at, gram) {
                return true;
            }
            at += self.step;
        }
        false
    }

    /// Returns the length of the longest one.
    pub(crate) fn max_len(&self) -> usize {
        let lens = self.texts.iter().map(|text| text.len());
        lens.max().unwrap_or_default()
    }

    /// Returns `false` if no spelling has a gram.
    fn may_have(&self, gram: &Gram) -> bool {
        let (word, bit) = place(gram);
        self.places.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Returns `true` if a gram of a text is there because a spelling is. Few grams of other texts get here.
    #[cold]
    fn is_around(&self, text: &[u8], at: usize, gram: &Gram) -> bool {
        self.texts.iter().any(|spelling| {
            let is_here = |before: usize| {
                let rest = at.checked_sub(before).and_then(|start| text.get(start..));
                rest.is_some_and(|rest| rest.starts_with(spelling))
            };
            let mut grams = grams(spelling).enumerate();
            grams.any(|(before, other)| other == gram && is_here(before))
        })
    }
}

/// Returns all grams of a text. Each begins one byte after the one before.
fn grams(text: &[u8]) -> impl Iterator<Item = &Gram> {
    text.windows(GRAM_LEN).filter_map(<[u8]>::first_chunk)
}

/// Returns the word and the bit in it of a gram's place in the set.
fn place(gram: &Gram) -> (usize, u64) {
    // The upper bits depend on all bytes of the gram. The factor is that of Fibonacci hashing.
    let hash = u32::from_ne_bytes(*gram).wrapping_mul(0x9E37_79B9) >> (u32::BITS - PLACE_BITS);
    ((hash / u64::BITS) as usize, 1 << (hash % u64::BITS))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn is_in(spellings: &[String], text: &str) -> bool {
        let texts = spellings.iter().map(|one| one.clone().into_bytes());
        let texts = texts.map(Zeroizing::new).collect();
        Spellings::new(texts).is_in(text.as_bytes())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Two letters make texts in which many grams are known, and some spellings are there.
        #[test]
        fn what_a_plain_search_finds_is_found_and_nothing_else(
            spellings in vec("[ab]{4,12}", 0..4),
            text in "[ab]{0,60}",
        ) {
            let is_found = spellings.iter().any(|one| text.contains(one.as_str()));
            prop_assert_eq!(is_in(&spellings, &text), is_found);
        }

        #[test]
        fn every_spelling_is_found_at_every_place(
            spellings in vec("[!-~]{8,60}", 1..7),
            before in "[ -~]{0,200}",
            after in "[ -~]{0,200}",
        ) {
            for one in &spellings {
                let text = format!("{before}{one}{after}");
                prop_assert!(is_in(&spellings, &text));
                // In the shortest texts as well.
                prop_assert!(is_in(&spellings, one));
            }
        }
    }
}
