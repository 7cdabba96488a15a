//! [`KeySearch`]: finds the account's keys in a text, in all their spellings at once.

use std::collections::VecDeque;
use std::ops::Range;

use activeprospect::ApiKey;
use aho_corasick::Anchored;
use aho_corasick::automaton::{Automaton as _, StateID};
use aho_corasick::nfa::noncontiguous::NFA;

use super::found::Found;
use super::spellings::spellings;
use super::units::Units;
use super::windows::Windows;
use super::wrapped_lines::WrappedLines;

/// An automaton of all spellings of all keys.
pub(super) struct KeySearch {
    automaton: NFA,
    /// `None` if a key is too short for it.
    windows: Option<Windows>,
}

impl KeySearch {
    /// Returns `None` if the keys have more spellings than an automaton can contain.
    pub(super) fn new(keys: &[ApiKey]) -> Option<Self> {
        let spellings: Vec<_> = keys.iter().flat_map(spellings).collect();
        let windows = Windows::new(&spellings);
        // The form that is made fastest: few texts are searched.
        let automaton = NFA::builder()
            .ascii_case_insensitive(true)
            .prefilter(false)
            .build(spellings);
        let automaton = automaton.ok()?;
        Some(Self { automaton, windows })
    }

    /// Returns `false` if no key is in a text, as it is. This costs much less than a search.
    pub(super) fn may_be_in(&self, text: &[u8]) -> bool {
        let windows = self.windows.as_ref();
        windows.is_none_or(|windows| windows.may_be_in(text))
    }

    /// Returns where keys are in a text, after its escapes were decoded this many times.
    pub(super) fn search<'a>(&'a self, text: &'a [u8], depth: usize) -> Matches<'a> {
        let longest = self.automaton.max_pattern_len();
        Matches {
            automaton: &self.automaton,
            // In UTF-16, each character has two bytes.
            units: Units::new(text, depth, 2 * longest),
            lines: WrappedLines::default(),
            state: None,
            starts: vec![0; longest],
            count: 0,
            pending: VecDeque::new(),
        }
    }
}

/// The matches in one text, without overlaps.
pub(super) struct Matches<'a> {
    automaton: &'a NFA,
    units: Units<'a>,
    lines: WrappedLines,
    state: Option<StateID>,
    /// Where the last units begin, as many as the longest spelling has. The oldest is at `count`, a ring.
    starts: Vec<usize>,
    count: usize,
    /// Matches that a longer one may still overlap.
    pending: VecDeque<Range<usize>>,
}

impl Matches<'_> {
    fn push(&mut self, mut range: Range<usize>) {
        while let Some(last) = self.pending.pop_back() {
            if last.end <= range.start {
                self.pending.push_back(last);
                break;
            }
            range.start = range.start.min(last.start);
        }
        self.pending.push_back(range);
    }
}

impl<'a> Iterator for Matches<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        loop {
            if let Some(front) = self.pending.front()
                && front.end <= self.starts[self.count]
            {
                return self.pending.pop_front().map(Found::plain);
            }
            let Some(unit) = self.units.next(true) else {
                return self.pending.pop_front().map(Found::plain);
            };
            if self.lines.is_between(unit.byte) {
                continue;
            }
            self.starts[self.count] = unit.start;
            self.count += 1;
            if self.count == self.starts.len() {
                self.count = 0;
            }
            let state = match self.state {
                Some(state) => state,
                None => self.automaton.start_state(Anchored::No).ok()?,
            };
            let state = self.automaton.next_state(Anchored::No, state, unit.byte);
            self.state = Some(state);
            if self.automaton.is_match(state) {
                let lengths = (0..self.automaton.match_len(state)).map(|index| {
                    let pattern = self.automaton.match_pattern(state, index);
                    self.automaton.pattern_len(pattern)
                });
                let longest = lengths.max().unwrap_or_default();
                let first = (self.count + self.starts.len() - longest) % self.starts.len();
                self.push(self.starts[first]..unit.end);
            }
        }
    }
}
