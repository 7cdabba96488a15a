//! [`Recovery`]: what a journal says, read from its start. It keeps only what came after the last state that was on
//! the disk for sure.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read};

use super::record::{Begin, Marked, Record, State};

/// What a journal says.
#[derive(Debug, Default)]
pub(crate) struct Recovery {
    pub(crate) begin: Option<Begin>,
    /// How many bytes of the journal are whole records.
    pub(crate) len: u64,
    /// There is something else between records that were on the disk. A loss of power does not do that.
    pub(crate) is_damaged: bool,
    /// The last state whose results were on the disk before it was written.
    base: State,
    /// The records after it.
    rest: Vec<Record>,
}

impl Recovery {
    /// Reads a journal up to its end or to the first record that is not whole. After a loss of power, what follows
    /// there was not on the disk, so that nothing that it speaks of was sent.
    pub(crate) fn read(mut journal: impl BufRead) -> io::Result<Self> {
        let mut recovered = Self::default();
        let mut line = Vec::new();
        loop {
            line.clear();
            journal.read_until(b'\n', &mut line)?;
            match (Record::parse(&line), &recovered.begin) {
                (Some(Record::Begin(begin)), None) => recovered.begin = Some(begin),
                (Some(Record::State(state)), Some(_)) if state.is_synced => {
                    recovered.base = state;
                    recovered.rest.clear();
                }
                (Some(record), Some(_)) => recovered.rest.push(record),
                _ if line.is_empty() => return Ok(recovered),
                _ => {
                    recovered.is_damaged = has_synced_state(journal)?;
                    return Ok(recovered);
                }
            }
            recovered.len += line.len() as u64;
        }
    }

    /// Returns the last state whose results are in the result file, with every row that may have been sent since.
    /// `None` if the file is not even what was on the disk for sure.
    ///
    /// After a loss of power, the journal may be ahead of the result file.
    pub(crate) fn last_state(&self, output: impl Read) -> io::Result<Option<State>> {
        let mut output = Summed::new(output);
        let mut state = self.base.clone();
        if !output.has(&state)? {
            return Ok(None);
        }
        let mut after = 0;
        for (index, record) in self.rest.iter().enumerate() {
            if let Record::State(next) = record {
                if next.len < state.len || !output.has(next)? {
                    break;
                }
                state = next.clone();
                after = index + 1;
            }
        }
        let mut sending: BTreeMap<u64, u32> = state.sending.iter().copied().collect();
        for record in self.rest.iter().skip(after) {
            match record {
                Record::Sending(rows) => sending.extend(rows.iter().copied()),
                Record::NotSent(rows) => rows.iter().for_each(|row| {
                    sending.remove(row);
                }),
                Record::State(_) | Record::Begin(_) => {}
            }
        }
        state.sending = sending.into_iter().collect::<Vec<Marked>>();
        Ok(Some(state))
    }
}

/// Returns `true` if a state follows that was written after everything before it was on the disk.
fn has_synced_state(mut journal: impl BufRead) -> io::Result<bool> {
    let mut line = Vec::new();
    while journal.read_until(b'\n', &mut line)? > 0 {
        if matches!(Record::parse(&line), Some(Record::State(state)) if state.is_synced) {
            return Ok(true);
        }
        line.clear();
    }
    Ok(false)
}

/// The result file with the checksum of what was read of it.
struct Summed<R> {
    reader: R,
    sum: crc32fast::Hasher,
    len: u64,
}

impl<R: Read> Summed<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            sum: crc32fast::Hasher::new(),
            len: 0,
        }
    }

    /// Returns `true` if the file has what a state says. States must come in the order of their lengths.
    fn has(&mut self, state: &State) -> io::Result<bool> {
        let mut buffer = [0; 1 << 14];
        while self.len < state.len {
            let want = buffer
                .len()
                .min(usize::try_from(state.len - self.len).unwrap_or(usize::MAX));
            let read = match self.reader.read(&mut buffer[..want]) {
                Ok(0) => return Ok(false),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.sum.update(&buffer[..read]);
            self.len += read as u64;
        }
        Ok(self.sum.clone().finalize() == state.sum)
    }
}
