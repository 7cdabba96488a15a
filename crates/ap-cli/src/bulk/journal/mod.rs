//! [`Journal`]: what a run has written to its result file, so that the same command goes on where it stopped.
//!
//! The journal is a file beside the result file, to which records are appended:
//!
//! 1. Results are written to the result file, then a state to the journal, with the length and the checksum of the
//!    result file. What the result file has beyond the last such length was not counted, and is cut off by the next
//!    run. So each row is in the result file exactly once.
//! 2. A row that must not be sent twice is written to the journal, and the journal to the disk, before it is sent. If
//!    the next run finds it there without a result, it does not send it, and its result is "unknown".
//! 3. About once a second, the result file is written to the disk, and then a state that says so. A loss of power can
//!    only lose what came after: the checksums show how much of it is there.
//!
//! A process locks the journal as long as it lives.

mod lock;
pub(crate) mod record;
mod recovery;

#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::output::{display_path, reason};
use lock::Lock;
use record::{Begin, Marked, Record, State};
use recovery::Recovery;

/// The version of the records.
pub(crate) const VERSION: u32 = 2;

/// The most records between two states that are on the disk for sure. A new run reads that many.
const MAX_UNSYNCED: usize = 1000;

/// A file that is appended to. Tests use another one, which fails at some byte.
pub(crate) trait Storage: Write {
    /// Waits until everything that was written is on the disk.
    fn sync(&mut self) -> io::Result<()>;
}

impl Storage for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// A result file and its journal.
pub(crate) struct Journal<S = File> {
    output: S,
    journal: S,
    names: Names,
    len: u64,
    sum: crc32fast::Hasher,
    unsynced: usize,
    created: Created,
    /// The last member, so that it ends after the others.
    _lock: Lock,
}

/// The files that a run has created. They are removed again if it ends before it has written anything to them, as when it is
/// refused.
#[derive(Default)]
struct Created(Vec<PathBuf>);

impl Created {
    fn note(&mut self, file: &Path, is_created: bool) {
        if is_created {
            self.0.push(file.to_owned());
        }
    }

    fn keep(&mut self) {
        self.0.clear();
    }
}

impl Drop for Created {
    fn drop(&mut self) {
        for file in &self.0 {
            // An empty file is no harm.
            let _ = std::fs::remove_file(file);
        }
    }
}

/// The names of both files.
#[derive(Clone)]
struct Names {
    output: PathBuf,
    journal: PathBuf,
}

impl Journal {
    /// Opens a result file and its journal, or creates both. Returns where the run begins.
    pub(crate) fn open(output: &Path, begin: Begin) -> Result<(Self, State), Failure> {
        let names = Names::of(output);
        let (mut journal, is_created) = names.open(&names.journal)?;
        let lock = Lock::take(&journal, &names)?;
        let mut created = Created::default();
        created.note(&names.journal, is_created);
        let mut recovered = Recovery::read(BufReader::new(&journal))
            .map_err(|error| names.failed(&names.journal, &error))?;
        if recovered.is_damaged {
            return Err(names.not_ours());
        }
        let (mut results, is_created) = names.open(&names.output)?;
        created.note(&names.output, is_created);
        let failed = |error: io::Error| names.failed(&names.output, &error);
        let state = match &recovered.begin {
            None => {
                names.check_new(&journal, &results, &begin)?;
                State::default()
            }
            Some(found) => {
                let state = recovered.last_state(&mut results).map_err(failed)?;
                let state = state.ok_or_else(|| names.changed())?;
                if found == &begin {
                    state
                } else if state.counts.rows() == 0 && state.sending.is_empty() {
                    // Nothing was done, so that nothing is lost.
                    recovered = Recovery::default();
                    State::default()
                } else {
                    return Err(other_run(found, &begin, &names));
                }
            }
        };
        results.seek(SeekFrom::Start(state.len)).map_err(failed)?;
        if state.len > 0 {
            results.sync().map_err(failed)?;
        }
        let begin_len = |error| names.failed(&names.journal, &error);
        journal.set_len(recovered.len).map_err(begin_len)?;
        journal.seek(SeekFrom::End(0)).map_err(begin_len)?;
        let mut opened = Self {
            output: results,
            journal,
            len: state.len,
            sum: crc32fast::Hasher::new_with_initial_len(state.sum, state.len),
            unsynced: 0,
            names,
            created,
            _lock: lock,
        };
        if recovered.begin.is_none() {
            opened.append(&Record::Begin(begin))?;
        }
        let state = State {
            is_synced: true,
            ..state
        };
        opened.append(&Record::State(state.clone()))?;
        opened.sync_journal()?;
        sync_folder(output);
        // Only now: before, the journal did not say on the disk that the rest does not count.
        let cut = opened.output.set_len(state.len);
        cut.map_err(|error| opened.names.failed(&opened.names.output, &error))?;
        Ok((opened, state))
    }
}

impl<S: Storage> Journal<S> {
    /// Writes results, and the state of the run after them. With `is_durable`, it returns when both are on the disk.
    pub(crate) fn commit(
        &mut self,
        results: &[u8],
        state: State,
        is_durable: bool,
    ) -> Result<(), Failure> {
        self.created.keep();
        let written = self.output.write_all(results);
        written.map_err(|error| self.names.failed(&self.names.output, &error))?;
        self.len += results.len() as u64;
        self.sum.update(results);
        let is_synced = is_durable || self.unsynced >= MAX_UNSYNCED;
        if is_synced {
            let synced = self.output.sync();
            synced.map_err(|error| self.names.failed(&self.names.output, &error))?;
        }
        self.append(&Record::State(State {
            len: self.len,
            sum: self.sum.clone().finalize(),
            is_synced,
            ..state
        }))?;
        if is_synced {
            self.sync_journal()?;
            self.unsynced = 0;
        }
        Ok(())
    }

    /// Writes to the disk that these rows are about to be sent.
    pub(crate) fn sending(&mut self, rows: Vec<Marked>) -> Result<(), Failure> {
        self.created.keep();
        self.append(&Record::Sending(rows))?;
        self.sync_journal()
    }

    /// Writes that these rows were not applied.
    pub(crate) fn not_sent(&mut self, rows: Vec<u64>) -> Result<(), Failure> {
        self.append(&Record::NotSent(rows))
    }

    fn append(&mut self, record: &Record) -> Result<(), Failure> {
        let line = record.to_line().map_err(io::Error::from);
        let written = line.and_then(|line| self.journal.write_all(&line));
        written.map_err(|error| self.names.failed(&self.names.journal, &error))?;
        self.unsynced += 1;
        Ok(())
    }

    fn sync_journal(&mut self) -> Result<(), Failure> {
        let synced = self.journal.sync();
        synced.map_err(|error| self.names.failed(&self.names.journal, &error))
    }
}

impl Names {
    fn of(output: &Path) -> Self {
        let mut journal = output.as_os_str().to_owned();
        journal.push(".journal");
        Self {
            output: output.to_owned(),
            journal: journal.into(),
        }
    }

    /// Opens one of the files for reading and writing, or creates it. Returns `true` if it was created.
    fn open(&self, path: &Path) -> Result<(File, bool), Failure> {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(Failure::usage(
                format!("{} is not a regular file", display_path(path)),
                "name a file for -o, or leave it out to write to standard output",
            ));
        }
        let opened = match options.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => options
                .create(true)
                .truncate(false)
                .open(path)
                .map(|file| (file, true)),
            opened => opened.map(|file| (file, false)),
        };
        opened.map_err(|error| {
            Failure::usage(
                format!(
                    "the file {} cannot be opened ({})",
                    display_path(path),
                    reason(&error)
                ),
                "name a file for -o that you can write",
            )
        })
    }

    /// Fails unless a run can begin with these files: both are new, or a run ended as it began.
    fn check_new(&self, journal: &File, results: &File, begin: &Begin) -> Result<(), Failure> {
        let is_empty = |file: &File| file.metadata().map(|metadata| metadata.len() == 0);
        let failed = |error: io::Error| self.failed(&self.journal, &error);
        let is_ours = is_empty(journal).map_err(failed)? || {
            let mut found = Vec::new();
            let mut journal = journal;
            journal.seek(SeekFrom::Start(0)).map_err(failed)?;
            io::Read::read_to_end(&mut io::Read::take(journal, 1 << 16), &mut found)
                .map_err(failed)?;
            let line = Record::Begin(begin.clone()).to_line();
            line.is_ok_and(|line| line.starts_with(&found))
        };
        if !is_ours {
            return Err(self.not_ours());
        }
        if !is_empty(results).map_err(failed)? {
            return Err(Failure::usage(
                format!(
                    "the file {} exists, and is not from a run that can be resumed",
                    display_path(&self.output)
                ),
                "remove it, or name another file for -o",
            ));
        }
        Ok(())
    }

    fn not_ours(&self) -> Failure {
        Failure::usage(
            format!(
                "the file {} is damaged, or is no journal of this command",
                display_path(&self.journal)
            ),
            "name another file for -o",
        )
    }

    fn changed(&self) -> Failure {
        Failure::usage(
            format!(
                "the file {} was changed or removed since the run that wrote it",
                display_path(&self.output)
            ),
            format!(
                "name another file for -o, or remove {} too and begin again",
                display_path(&self.journal)
            ),
        )
    }

    fn failed(&self, path: &Path, error: &io::Error) -> Failure {
        Failure::new(
            ExitCode::Other,
            format!(
                "the file {} cannot be written ({})",
                display_path(path),
                error.kind()
            ),
            "check the disk, then run the same command again to resume",
        )
    }
}

/// Returns the failure for a journal of another run.
fn other_run(found: &Begin, wanted: &Begin, names: &Names) -> Failure {
    let other = if found.version != wanted.version {
        "another version of `ap`".to_owned()
    } else if found.command != wanted.command {
        "another command".to_owned()
    } else {
        let mut settings = found.settings.keys().chain(wanted.settings.keys());
        let differs = |name: &&String| found.settings.get(*name) != wanted.settings.get(*name);
        let name = settings.find(differs).map_or("setting", String::as_str);
        format!("a run with another {name}")
    };
    Failure::usage(
        format!("the journal {} is of {other}", display_path(&names.journal)),
        "run the command as before to resume it, or name another file for -o",
    )
}

/// Writes the names of new files to the disk, where that is possible.
fn sync_folder(file: &Path) {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or_else(|| Path::new("."))) {
        let _ = folder.sync_all();
    }
}
