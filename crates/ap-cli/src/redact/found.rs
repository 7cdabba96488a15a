//! [`Found`]: a secret in a text. [`InOrder`]: what several searches found, in the text's order.

use std::iter::Peekable;
use std::ops::Range;

/// A part of a text that is a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found<'a> {
    pub(super) range: Range<usize>,
    /// What the mark needs around it to be a string, where no string is.
    pub(super) quote: &'a [u8],
}

impl Found<'_> {
    pub(super) fn plain(range: Range<usize>) -> Self {
        Self { range, quote: b"" }
    }
}

/// A search. It returns what it finds from the start of the text to its end, without overlaps.
pub(super) type Search<'a> = Box<dyn Iterator<Item = Found<'a>> + 'a>;

/// What several searches of one text found. What overlaps is one, so that no part of either is left.
pub(super) struct InOrder<'a> {
    searches: Vec<Peekable<Search<'a>>>,
}

impl<'a> InOrder<'a> {
    pub(super) fn new(searches: impl IntoIterator<Item = Search<'a>>) -> Self {
        Self {
            searches: searches.into_iter().map(Iterator::peekable).collect(),
        }
    }

    /// Returns what begins first, if it begins before this position.
    fn next_before(&mut self, end: usize) -> Option<Found<'a>> {
        let (start, search) = self
            .searches
            .iter_mut()
            .filter_map(|search| Some((search.peek()?.range.start, search)))
            .min_by_key(|(start, _)| *start)?;
        if start < end { search.next() } else { None }
    }
}

impl<'a> Iterator for InOrder<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        let mut found = self.next_before(usize::MAX)?;
        while let Some(other) = self.next_before(found.range.end) {
            let (one, two) = (found.range.clone(), other.range);
            if two.end > one.end || two == one && found.quote.is_empty() {
                let covers = two.start == one.start;
                found.quote = if covers { other.quote } else { b"" };
            }
            found.range.end = one.end.max(two.end);
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_overlaps_is_one_and_what_touches_is_two() {
        for (lists, expected) in [
            (
                vec![vec![(0, 2), (4, 6)], vec![(2, 3)]],
                vec![(0, 2), (2, 3), (4, 6)],
            ),
            (vec![vec![(0, 2), (4, 6)], vec![(1, 5)]], vec![(0, 6)]),
            (vec![vec![(3, 4)], vec![(0, 9)], vec![(5, 6)]], vec![(0, 9)]),
            (vec![vec![], vec![(7, 8)]], vec![(7, 8)]),
        ] {
            let searches = lists.into_iter().map(|list| -> Search<'_> {
                Box::new(
                    list.into_iter()
                        .map(|(start, end)| Found::plain(start..end)),
                )
            });
            let found: Vec<_> = InOrder::new(searches)
                .map(|found| (found.range.start, found.range.end))
                .collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn the_quotes_are_those_of_what_covers_the_rest() {
        let quoted = |range| Found {
            range,
            quote: b"\"",
        };
        let search = |found| -> Search<'_> { Box::new(std::iter::once(found)) };
        for (one, two, expected) in [
            (quoted(0..9), Found::plain(2..4), quoted(0..9)),
            (Found::plain(0..4), quoted(0..9), quoted(0..9)),
            (quoted(0..4), Found::plain(2..9), Found::plain(0..9)),
            (Found::plain(0..4), quoted(0..4), quoted(0..4)),
            (quoted(0..4), Found::plain(0..4), quoted(0..4)),
        ] {
            let found: Vec<_> = InOrder::new([search(one), search(two)]).collect();
            assert_eq!(found, [expected]);
        }
    }
}
