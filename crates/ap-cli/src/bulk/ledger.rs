//! [`Ledger`]: which rows are done, which were sent, and what to do with the next one. Pure: it reads and writes
//! nothing.

use std::collections::{BTreeMap, VecDeque};

use super::journal::record::{Marked, State};

/// What to do with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Todo {
    /// It is in the result file already.
    Nothing,
    /// It is new.
    Send,
    /// An earlier run may have sent it, and it must not be sent twice.
    Doubt,
}

/// The input is not what an earlier run read. The row is the first that differs, as far as that is known.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InputChanged {
    pub(crate) row: u64,
}

/// The rows of a run, in the order of the input.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// Every row up to this one is done.
    rows: u64,
    input: u32,
    /// The rows after it that were read.
    window: VecDeque<Entry>,
    /// What an earlier run had done, as long as its rows were not read again.
    earlier: Earlier,
    /// The rows that an earlier run had done are other ones now.
    is_changed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    checksum: u32,
    is_done: bool,
    is_sent: bool,
}

#[derive(Debug)]
struct Earlier {
    rows: u64,
    input: u32,
    done: BTreeMap<u64, u32>,
    sending: BTreeMap<u64, u32>,
}

impl Ledger {
    /// Creates a ledger for an input with this header, and for what an earlier run has done.
    pub(crate) fn new(header_checksum: u32, state: &State) -> Self {
        Self {
            rows: 0,
            input: header_checksum,
            window: VecDeque::new(),
            earlier: Earlier {
                rows: state.rows,
                input: state.input,
                done: state.done.iter().copied().collect(),
                sending: state.sending.iter().copied().collect(),
            },
            is_changed: false,
        }
    }

    /// Returns the number of the last row before which, and with which, everything is done.
    pub(crate) const fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns how many rows are read and wait for others before them, or for their result.
    pub(crate) fn window_len(&self) -> usize {
        self.window.len()
    }

    /// Accepts the next row of the input, and returns what to do with it.
    pub(crate) fn admit(&mut self, row: u64, checksum: u32) -> Result<Todo, InputChanged> {
        if row <= self.earlier.rows {
            self.pass(checksum);
            if row == self.earlier.rows && self.input != self.earlier.input {
                self.is_changed = true;
                return Err(InputChanged { row });
            }
            return Ok(Todo::Nothing);
        }
        let check = |found: Option<&u32>| match found {
            Some(found) if *found != checksum => Err(InputChanged { row }),
            found => Ok(found.is_some()),
        };
        let is_done = check(self.earlier.done.get(&row))?;
        let is_sent = check(self.earlier.sending.get(&row))?;
        self.earlier.done.remove(&row);
        self.earlier.sending.remove(&row);
        self.window.push_back(Entry {
            checksum,
            is_done,
            is_sent,
        });
        self.advance();
        Ok(match (is_done, is_sent) {
            (true, _) => Todo::Nothing,
            (_, true) => Todo::Doubt,
            _ => Todo::Send,
        })
    }

    /// Fails if the input ended before the rows that an earlier run read.
    pub(crate) fn end(&self) -> Result<(), InputChanged> {
        let missing = self.earlier.done.keys().chain(self.earlier.sending.keys());
        let missing = missing.min().copied();
        let is_short = self.rows < self.earlier.rows;
        match missing.or_else(|| is_short.then_some(self.rows + 1)) {
            Some(row) => Err(InputChanged { row }),
            None => Ok(()),
        }
    }

    /// Notes that a row is about to be sent, and returns it as the journal has it.
    pub(crate) fn send(&mut self, row: u64) -> Option<Marked> {
        let entry = self.entry(row)?;
        entry.is_sent = true;
        Some((row, entry.checksum))
    }

    /// Notes that a row was not applied.
    pub(crate) fn withdraw(&mut self, row: u64) {
        if let Some(entry) = self.entry(row) {
            entry.is_sent = false;
        }
    }

    /// Notes that the result of a row is about to be written to the result file.
    pub(crate) fn finish(&mut self, row: u64) {
        if let Some(entry) = self.entry(row) {
            entry.is_done = true;
        }
        self.advance();
    }

    /// Returns the state for the journal, apart from the result file.
    pub(crate) fn state(&self) -> State {
        // Rows that were not read again yet, or that are other ones now, are as they were.
        let earlier = &self.earlier;
        if self.rows < earlier.rows || self.is_changed {
            let marked = |rows: &BTreeMap<u64, u32>| rows.iter().map(|(r, c)| (*r, *c)).collect();
            return State {
                rows: earlier.rows,
                input: earlier.input,
                done: marked(&earlier.done),
                sending: marked(&earlier.sending),
                ..State::default()
            };
        }
        let window = (self.rows + 1..).zip(&self.window);
        let marked = |is_wanted: fn(&Entry) -> bool, earlier: &BTreeMap<u64, u32>| {
            let read = window.clone().filter(|(_, entry)| is_wanted(entry));
            let read = read.map(|(row, entry)| (row, entry.checksum));
            read.chain(earlier.iter().map(|(row, sum)| (*row, *sum)))
                .collect()
        };
        State {
            rows: self.rows,
            input: self.input,
            done: marked(|entry| entry.is_done, &earlier.done),
            sending: marked(|entry| entry.is_sent && !entry.is_done, &earlier.sending),
            ..State::default()
        }
    }

    fn entry(&mut self, row: u64) -> Option<&mut Entry> {
        let index = row.checked_sub(self.rows + 1)?;
        self.window.get_mut(usize::try_from(index).ok()?)
    }

    fn advance(&mut self) {
        while let Some(entry) = self.window.front().filter(|entry| entry.is_done) {
            let checksum = entry.checksum;
            self.window.pop_front();
            self.pass(checksum);
        }
    }

    fn pass(&mut self, checksum: u32) {
        self.rows += 1;
        let mut sum = crc32fast::Hasher::new_with_initial(self.input);
        sum.update(&checksum.to_le_bytes());
        self.input = sum.finalize();
    }
}
