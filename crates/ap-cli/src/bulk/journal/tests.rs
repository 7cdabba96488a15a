//! Runs that end at any byte, and files that are not those of the run.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::PathBuf;
use std::rc::Rc;

use proptest::prelude::*;
use tempfile::TempDir;

use super::record::{Begin, Counts, State};
use super::{Journal, Names, Storage, VERSION};
use crate::bulk::ledger::{InputChanged, Ledger, Todo};
use crate::failure::Failure;

/// A file that ends the run at some byte, as a full disk and a killed process do.
struct Limited {
    file: std::fs::File,
    left: Rc<Cell<usize>>,
}

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = bytes.len().min(self.left.get());
        if len == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.left.set(self.left.get() - len);
        self.file.write(&bytes[..len])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Storage for Limited {
    fn sync(&mut self) -> io::Result<()> {
        match self.left.get() {
            0 => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }
}

impl Journal {
    fn limited(self, left: &Rc<Cell<usize>>) -> Journal<Limited> {
        let limited = |file| Limited {
            file,
            left: Rc::clone(left),
        };
        Journal {
            output: limited(self.output),
            journal: limited(self.journal),
            names: self.names,
            len: self.len,
            sum: self.sum,
            unsynced: self.unsynced,
            created: self.created,
            _lock: self._lock,
        }
    }
}

/// A server that counts how often it received each row.
type Received = BTreeMap<u64, u32>;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        // In memory, where there is such a folder: the tests wait for the disk thousands of times.
        let folder = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new());
        Self(folder.unwrap())
    }

    fn output(&self) -> PathBuf {
        self.0.path().join("out.jsonl")
    }

    fn journal(&self) -> PathBuf {
        Names::of(&self.output()).journal
    }

    fn open(&self) -> Result<(Journal, State), Failure> {
        Journal::open(&self.output(), begin("test"))
    }

    /// Returns the rows of the result file, and how each ended.
    fn results(&self) -> Vec<(u64, String)> {
        let text = std::fs::read_to_string(self.output()).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "{text:?}");
        let row = |line: &str| {
            let (row, fate) = line.split_once(' ').unwrap();
            (row.parse().unwrap(), fate.to_owned())
        };
        text.lines().map(row).collect()
    }
}

fn begin(command: &str) -> Begin {
    Begin {
        version: VERSION,
        command: command.to_owned(),
        settings: BTreeMap::from([("list".to_owned(), "a".to_owned())]),
    }
}

/// What a run is like.
#[derive(Clone, Debug)]
struct Shape {
    rows: u64,
    in_flight: usize,
    is_repeatable: bool,
    /// Which of the rows in flight ends next, and if a commit is durable.
    choices: Vec<(usize, bool)>,
}

/// Runs over the rows until they are done, or until a write fails.
fn run(
    shape: &Shape,
    journal: &mut Journal<impl Storage>,
    state: &State,
    received: &mut Received,
) -> Result<(), Failure> {
    let mut ledger = Ledger::new(7, state);
    let mut counts = state.counts;
    let mut in_flight = Vec::new();
    let mut rows = 1..=shape.rows;
    let mut choices = shape.choices.iter().cycle();
    loop {
        let mut batch = String::new();
        while in_flight.len() < shape.in_flight {
            let Some(row) = rows.next() else { break };
            match ledger.admit(row, checksum(row)).unwrap() {
                Todo::Nothing => {}
                Todo::Doubt => {
                    batch.push_str(&format!("{row} unknown\n"));
                    counts.unknown += 1;
                    ledger.finish(row);
                }
                Todo::Send => {
                    if !shape.is_repeatable {
                        journal.sending(ledger.send(row).into_iter().collect())?;
                    }
                    *received.entry(row).or_default() += 1;
                    in_flight.push(row);
                }
            }
        }
        let (choice, is_durable) = *choices.next().unwrap();
        if !in_flight.is_empty() {
            let row = in_flight.remove(choice % in_flight.len());
            batch.push_str(&format!("{row} ok\n"));
            counts.ok += 1;
            ledger.finish(row);
        }
        let state = State {
            counts,
            ..ledger.state()
        };
        journal.commit(batch.as_bytes(), state, is_durable)?;
        if in_flight.is_empty() && rows.is_empty() {
            ledger.end().unwrap();
            return Ok(());
        }
    }
}

fn checksum(row: u64) -> u32 {
    crc32fast::hash(&row.to_le_bytes())
}

/// Asserts that every row is in the result file once, and that none was sent twice that must not be.
fn assert_complete(shape: &Shape, folder: &Folder, received: &Received) {
    let results = folder.results();
    let rows: BTreeSet<u64> = results.iter().map(|(row, _)| *row).collect();
    assert_eq!(results.len() as u64, shape.rows, "{results:?}");
    assert_eq!(rows, (1..=shape.rows).collect());
    if !shape.is_repeatable {
        assert!(received.values().all(|times| *times == 1), "{received:?}");
    }
    for (row, fate) in results {
        if fate == "ok" {
            assert!(received.contains_key(&row));
        }
    }
}

fn resume(shape: &Shape, folder: &Folder, received: &mut Received) {
    let (mut journal, state) = folder.open().unwrap();
    run(shape, &mut journal, &state, received).unwrap();
    assert_complete(shape, folder, received);
}

fn shapes() -> impl Strategy<Value = Shape> {
    let choices = prop::collection::vec((0..8_usize, prop::bool::weighted(0.2)), 1..9);
    (1..12_u64, 1..5_usize, any::<bool>(), choices).prop_map(
        |(rows, in_flight, is_repeatable, choices)| Shape {
            rows,
            in_flight,
            is_repeatable,
            choices,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Each of several runs ends at a random byte that it writes to either file. The last one completes the work.
    #[test]
    fn a_run_may_end_at_any_byte(
        shape in shapes(),
        limits in prop::collection::vec(0..1500_usize, 0..5),
    ) {
        let folder = Folder::new();
        let mut received = Received::new();
        for limit in limits {
            let (journal, state) = folder.open().unwrap();
            let left = Rc::new(Cell::new(limit));
            let _ = run(&shape, &mut journal.limited(&left), &state, &mut received);
        }
        resume(&shape, &folder, &mut received);
    }

    /// After a loss of power, each file ends anywhere after what was on the disk, also in the middle of a record, and
    /// the rest may be zeros.
    #[test]
    fn power_may_be_lost_at_any_moment(
        shape in shapes(),
        limit in 0..3000_usize,
        (lost_journal, lost_output) in (0.0..=1.0, 0.0..=1.0),
        zeros in 0..40_usize,
    ) {
        let folder = Folder::new();
        let mut received = Received::new();
        let (journal, state) = folder.open().unwrap();
        let left = Rc::new(Cell::new(limit));
        let _ = run(&shape, &mut journal.limited(&left), &state, &mut received);
        let bytes = std::fs::read(folder.journal()).unwrap();
        let (mut durable_journal, mut durable_output) = (0, 0);
        let mut at = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            at += line.len();
            match super::Record::parse(line) {
                Some(super::Record::State(state)) if state.is_synced => {
                    (durable_journal, durable_output) = (at, state.len);
                }
                Some(super::Record::Sending(_)) => durable_journal = at,
                _ => {}
            }
        }
        let cut = |path: PathBuf, durable: usize, lost: f64, zeros: usize| {
            let mut bytes = std::fs::read(&path).unwrap();
            let unsure = bytes.len() - durable;
            bytes.truncate(durable + (unsure as f64 * lost) as usize);
            let zeros = zeros.min(unsure);
            bytes.resize(bytes.len() + zeros, 0);
            std::fs::write(path, bytes).unwrap();
        };
        cut(folder.journal(), durable_journal, lost_journal, zeros);
        cut(folder.output(), usize::try_from(durable_output).unwrap(), lost_output, zeros);
        resume(&shape, &folder, &mut received);
    }
}

fn shape(rows: u64, is_repeatable: bool) -> Shape {
    Shape {
        rows,
        in_flight: 3,
        is_repeatable,
        choices: vec![(1, false), (0, true), (2, false)],
    }
}

#[test]
fn a_run_may_end_at_every_byte() {
    for is_repeatable in [false, true] {
        let shape = shape(6, is_repeatable);
        for limit in 0.. {
            let folder = Folder::new();
            let mut received = Received::new();
            let (journal, state) = folder.open().unwrap();
            let left = Rc::new(Cell::new(limit));
            let ended = run(&shape, &mut journal.limited(&left), &state, &mut received);
            resume(&shape, &folder, &mut received);
            if ended.is_ok() {
                break;
            }
        }
    }
}

#[test]
fn a_row_that_may_have_been_sent_is_not_sent_again_and_is_unknown() {
    let folder = Folder::new();
    let (mut journal, state) = folder.open().unwrap();
    let mut ledger = Ledger::new(7, &state);
    for row in 1..=3 {
        assert_eq!(ledger.admit(row, checksum(row)), Ok(Todo::Send));
        journal
            .sending(ledger.send(row).into_iter().collect())
            .unwrap();
    }
    journal.not_sent(vec![2]).unwrap();
    drop(journal);
    let mut received = Received::new();
    resume(&shape(4, false), &folder, &mut received);
    let unknown: Vec<_> = folder
        .results()
        .into_iter()
        .filter(|(_, fate)| fate == "unknown")
        .collect();
    assert_eq!(
        unknown,
        [(1, "unknown".to_owned()), (3, "unknown".to_owned())]
    );
    assert_eq!(received.keys().copied().collect::<Vec<_>>(), [2, 4]);
}

#[test]
fn two_runs_at_once_are_refused() {
    let folder = Folder::new();
    let (mut journal, state) = folder.open().unwrap();
    journal.commit(b"", state, true).unwrap();
    let failure = folder.open().err().unwrap();
    assert!(
        failure.message.starts_with("another process is writing "),
        "{}",
        failure.message
    );
    let of_a_child = journal.journal.try_clone().unwrap();
    drop(journal);
    folder.open().unwrap();
    drop(of_a_child);
}

#[test]
fn files_that_are_not_those_of_the_run_are_refused() {
    let shape = shape(3, true);
    let run_once = || {
        let folder = Folder::new();
        resume(&shape, &folder, &mut Received::new());
        folder
    };
    type Change = fn(&Folder);
    let changes: [(Change, &str); 6] = [
        (
            |folder| std::fs::write(folder.output(), "1 ok\n").unwrap(),
            "was changed or removed",
        ),
        (
            |folder| std::fs::remove_file(folder.output()).unwrap(),
            "was changed or removed",
        ),
        (
            |folder| std::fs::remove_file(folder.journal()).unwrap(),
            "exists, and is not from a run",
        ),
        (
            |folder| std::fs::write(folder.journal(), "notes\n").unwrap(),
            "is damaged, or is no journal",
        ),
        (
            |folder| {
                let mut bytes = std::fs::read(folder.journal()).unwrap();
                let second = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 20;
                bytes[second] ^= 1;
                std::fs::write(folder.journal(), bytes).unwrap();
            },
            "is damaged, or is no journal",
        ),
        (
            |folder| {
                std::fs::remove_file(folder.output()).unwrap();
                std::fs::create_dir(folder.output()).unwrap();
            },
            "is not a regular file",
        ),
    ];
    for (change, expected) in changes {
        let folder = run_once();
        change(&folder);
        let failure = folder.open().err().unwrap();
        assert!(failure.message.contains(expected), "{}", failure.message);
    }
    let folder = run_once();
    let failure = Journal::open(&folder.output(), begin("other"))
        .err()
        .unwrap();
    assert!(
        failure.message.ends_with("is of another command"),
        "{}",
        failure.message
    );
    let mut other = begin("test");
    other.settings.insert("list".to_owned(), "b".to_owned());
    let failure = Journal::open(&folder.output(), other).err().unwrap();
    assert!(
        failure.message.ends_with("is of a run with another list"),
        "{}",
        failure.message
    );
}

#[test]
fn a_run_that_ends_before_it_has_done_anything_leaves_no_file() {
    let folder = Folder::new();
    drop(folder.open().unwrap());
    assert!(!folder.output().exists() && !folder.journal().exists());
    // Files that were there stay.
    resume(&shape(3, true), &folder, &mut Received::new());
    drop(folder.open().unwrap());
    assert_eq!(folder.results().len(), 3);
    assert!(folder.journal().exists());
}

#[test]
fn a_run_that_did_nothing_can_be_begun_again_with_other_settings() {
    let folder = Folder::new();
    let (mut journal, state) = folder.open().unwrap();
    journal.commit(b"header\n", state, true).unwrap();
    drop(journal);
    let (journal, state) = Journal::open(&folder.output(), begin("other")).unwrap();
    assert_eq!(state.counts, Counts::default());
    assert_eq!(state.len, 0);
    drop(journal);
    assert!(folder.results().is_empty());
}

#[test]
fn another_input_is_noticed_before_anything_is_sent() {
    let folder = Folder::new();
    let (journal, state) = folder.open().unwrap();
    let left = Rc::new(Cell::new(900));
    let shape = shape(9, false);
    let _ = run(
        &shape,
        &mut journal.limited(&left),
        &state,
        &mut Received::new(),
    );
    let (_, state) = folder.open().unwrap();
    assert!(state.rows > 0 && state.rows < 9, "{state:?}");
    let is_read =
        |row: u64| row <= state.rows || state.sending.iter().any(|(other, _)| *other == row);
    for changed in (1..=9).filter(|row| is_read(*row)) {
        let mut ledger = Ledger::new(7, &state);
        let sum = |row: u64| checksum(row) ^ u32::from(row == changed);
        let row = changed.max(state.rows);
        let noticed = (1..=9).find_map(|row| ledger.admit(row, sum(row)).err());
        assert_eq!(noticed, Some(InputChanged { row }));
        let kept = ledger.state();
        let expected = (state.rows, state.input, &state.done, &state.sending);
        assert_eq!((kept.rows, kept.input, &kept.done, &kept.sending), expected);
    }
    // Fewer rows than before.
    let mut ledger = Ledger::new(7, &state);
    for row in 1..state.rows {
        ledger.admit(row, checksum(row)).unwrap();
    }
    assert!(ledger.end().is_err());
}
