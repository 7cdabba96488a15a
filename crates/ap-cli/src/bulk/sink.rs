//! [`Sink`]: where results go: a file with a journal, or standard output.

use super::journal::Journal;
use super::journal::record::{Marked, State};
use crate::failure::Failure;
use crate::interrupt;
use crate::output::{self, Printed};

/// Where results go.
pub(crate) enum Sink {
    File(Box<Journal>),
    /// Nothing of a run is kept, so that it cannot be resumed.
    Stdout,
}

impl Sink {
    pub(crate) const fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// Writes results, and the state after them.
    pub(crate) fn commit(
        &mut self,
        results: &[u8],
        state: State,
        is_durable: bool,
    ) -> Result<Printed, Failure> {
        match self {
            Self::Stdout => output::print(results),
            Self::File(journal) => {
                let _whole = interrupt::defer();
                journal.commit(results, state, is_durable)?;
                Ok(Printed::All)
            }
        }
    }

    /// Writes the header of the results, if they have one and nothing was written before.
    pub(crate) fn begin(&mut self, header: &[u8], state: &State) -> Result<Printed, Failure> {
        match header.is_empty() || state.len > 0 {
            true => Ok(Printed::All),
            false => self.commit(header, state.clone(), true),
        }
    }

    /// Notes that these rows are about to be sent.
    pub(crate) fn sending(&mut self, rows: Vec<Marked>) -> Result<(), Failure> {
        match self {
            Self::File(journal) if !rows.is_empty() => journal.sending(rows),
            _ => Ok(()),
        }
    }

    /// Notes that these rows were not applied.
    pub(crate) fn not_sent(&mut self, rows: Vec<u64>) -> Result<(), Failure> {
        match self {
            Self::File(journal) if !rows.is_empty() => journal.not_sent(rows),
            _ => Ok(()),
        }
    }
}
