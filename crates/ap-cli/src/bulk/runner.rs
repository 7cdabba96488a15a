//! [`Runner`]: reads rows, keeps a limited number of calls in flight, and writes results. Its memory does not depend on
//! the number of rows.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Interval, MissedTickBehavior};

use super::attempts::{Caller, Outcome};
use super::input::row::Row;
use super::job::{Fate, Prepared, Problem};
use super::journal::record::{Counts, State};
use super::ledger::{InputChanged, Ledger, Todo};
use super::progress::Progress;
use super::results::{Encoder, Finished};
use super::sink::Sink;
use crate::failure::Failure;
use crate::output::Printed;

/// How often results are written to a file, and progress is shown.
const TICK: Duration = Duration::from_millis(50);

/// How often the result file is written to the disk.
const SYNC: Duration = Duration::from_secs(1);

/// Results that are written without waiting for the next tick, in bytes.
const MAX_BATCH_LEN: usize = 1 << 16;

/// How many rows may be read for each that is in flight, so that a slow one does not stop those behind it.
const WINDOW: usize = 16;

/// What the thread that reads sends.
pub(crate) type ReadRow = Result<Row, Failure>;

/// The runner of one run.
pub(crate) struct Runner<'a> {
    pub(crate) caller: &'a Caller<'a>,
    pub(crate) encoder: Encoder<'a>,
    pub(crate) concurrency: usize,
    pub(crate) is_ordered: bool,
    pub(crate) sink: &'a mut Sink,
    pub(crate) progress: &'a Progress,
    pub(crate) ledger: Ledger,
    pub(crate) counts: Counts,
    /// The first row of this run that failed, and why if it was not sent.
    pub(crate) first_failed: Option<String>,
    /// The failure for an input that is not what an earlier run read.
    pub(crate) changed: Box<dyn Fn(InputChanged) -> Failure + 'a>,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) counts: Counts,
    /// The first row that failed, and why if it was not sent.
    pub(crate) first_failed: Option<String>,
    /// Why it ended before the last row.
    pub(crate) failure: Option<Failure>,
    pub(crate) is_reader_gone: bool,
}

type Calls<'a> = FuturesUnordered<Pin<Box<dyn Future<Output = (Head, Outcome)> + 'a>>>;

/// What is known of a row while it is in flight.
struct Head {
    row: u64,
    line: u64,
    value: Option<String>,
}

enum Event {
    Read(Option<Vec<ReadRow>>),
    Ended(Head, Outcome),
    Tick,
    /// Nothing is ready.
    Idle,
}

/// What a run has besides the settings of its runner.
struct Running<'a> {
    /// Rows that were read.
    read: std::vec::IntoIter<ReadRow>,
    calls: Calls<'a>,
    /// Calls that are about to begin.
    starting: Vec<(Head, Prepared)>,
    /// Results that wait for rows before them.
    held: BTreeMap<u64, Finished>,
    batch: Vec<u8>,
    is_changed: bool,
    last_sync: Instant,
    is_input_ended: bool,
    failure: Option<Failure>,
}

impl<'a> Runner<'a> {
    /// Runs until the last row, or until something ends it.
    pub(crate) async fn run(mut self, mut rows: Receiver<Vec<ReadRow>>) -> Result<Ended, Failure> {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut running = Running {
            read: Vec::new().into_iter(),
            calls: FuturesUnordered::new(),
            starting: Vec::new(),
            held: BTreeMap::new(),
            batch: Vec::new(),
            is_changed: false,
            last_sync: Instant::now(),
            is_input_ended: false,
            failure: None,
        };
        let is_prompt = !self.sink.is_file() || !self.caller.job.is_repeatable();
        loop {
            self.admit_read(&mut running)?;
            self.start(&mut running)?;
            // If so, nothing that was read is left.
            let admits = self.admits(&running);
            let is_done = running.calls.is_empty() && !admits;
            // After a failure of the server, calls that can be made again are not waited for.
            let is_cut = self.caller.attempts.is_ending.get() && self.caller.job.is_repeatable();
            if is_done || is_cut {
                break;
            }
            let event = match ready_event(&mut running.calls, admits, &mut rows, &mut ticks) {
                Event::Idle => {
                    if is_prompt && self.write(&mut running, false)?.is_reader_gone() {
                        return Ok(self.ended(None, true));
                    }
                    poll_fn(|context| {
                        poll_event(&mut running.calls, admits, &mut rows, &mut ticks, context)
                    })
                    .await
                }
                event => event,
            };
            match event {
                Event::Read(Some(read)) => running.read = read.into_iter(),
                Event::Read(None) => self.end_of_input(&mut running),
                Event::Ended(head, outcome) => self.ended_call(&mut running, head, outcome)?,
                Event::Tick | Event::Idle => {
                    self.progress.update(self.counts);
                    if self.write(&mut running, false)?.is_reader_gone() {
                        return Ok(self.ended(None, true));
                    }
                }
            }
            if running.batch.len() >= MAX_BATCH_LEN
                && self.write(&mut running, false)?.is_reader_gone()
            {
                return Ok(self.ended(None, true));
            }
        }
        let printed = self.write(&mut running, true)?;
        Ok(self.ended(running.failure, printed.is_reader_gone()))
    }

    fn ended(&self, failure: Option<Failure>, is_reader_gone: bool) -> Ended {
        Ended {
            counts: self.counts,
            first_failed: self.first_failed.clone(),
            failure,
            is_reader_gone,
        }
    }

    /// Returns `true` if another row may be read.
    fn admits(&self, running: &Running<'_>) -> bool {
        let in_flight = running.calls.len() + running.starting.len();
        !running.is_input_ended
            && running.failure.is_none()
            && in_flight < self.concurrency
            && self.ledger.window_len() < self.concurrency * WINDOW
    }

    /// Accepts rows that were read, as many as there may be.
    fn admit_read(&mut self, running: &mut Running<'a>) -> Result<(), Failure> {
        while self.admits(running)
            && let Some(read) = running.read.next()
        {
            match read {
                Ok(row) => self.admit(running, row)?,
                Err(failure) => running.failure = Some(failure),
            }
        }
        Ok(())
    }

    fn admit(&mut self, running: &mut Running<'a>, row: Row) -> Result<(), Failure> {
        let todo = match self.ledger.admit(row.number, row.checksum) {
            Ok(todo) => todo,
            Err(changed) => {
                // These may be other rows too.
                running.starting.clear();
                running.failure = Some((self.changed)(changed));
                return Ok(());
            }
        };
        self.progress.reached(row.end);
        let job = self.caller.job;
        let (prepared, value) = match row.fields {
            Ok(fields) => (job.call(&fields), job.shown(&fields).map(str::to_owned)),
            Err(problem) => (Err(problem), None),
        };
        let head = Head {
            row: row.number,
            line: row.line,
            value,
        };
        match (todo, prepared) {
            (Todo::Nothing, _) => Ok(()),
            (Todo::Doubt, _) => self.finish(running, head, Fate::Unknown(interrupted())),
            (Todo::Send, Ok(prepared)) => {
                running.starting.push((head, prepared));
                Ok(())
            }
            (Todo::Send, Err(problem)) => self.finish(running, head, Fate::Failed(problem.into())),
        }
    }

    fn end_of_input(&self, running: &mut Running<'_>) {
        running.is_input_ended = true;
        if let Err(changed) = self.ledger.end() {
            running.failure = Some((self.changed)(changed));
        }
    }

    /// Begins the calls that were read. Those that must not be sent twice are first written to the journal.
    fn start(&mut self, running: &mut Running<'a>) -> Result<(), Failure> {
        if self.caller.attempts.is_ending.get() {
            running.starting.clear();
        }
        if !self.caller.job.is_repeatable() && !running.starting.is_empty() {
            // Results first, so that no more rows are in doubt after a kill than are in flight.
            self.write(running, false)?;
            let rows = running.starting.iter();
            let rows = rows.filter_map(|(head, _)| self.ledger.send(head.row));
            self.sink.sending(rows.collect())?;
        }
        let caller = self.caller;
        for (head, prepared) in running.starting.drain(..) {
            running.calls.push(Box::pin(async move {
                let outcome = caller.call(&prepared).await;
                (head, outcome)
            }));
        }
        Ok(())
    }

    fn ended_call(
        &mut self,
        running: &mut Running<'a>,
        head: Head,
        outcome: Outcome,
    ) -> Result<(), Failure> {
        match outcome {
            Outcome::Fate(fate) => self.finish(running, head, fate),
            Outcome::End(failure, fate) => {
                self.caller.attempts.is_ending.set(true);
                running.failure.get_or_insert(failure);
                if let Some(fate) = fate {
                    return self.finish(running, head, fate);
                }
                self.ledger.withdraw(head.row);
                if !self.caller.job.is_repeatable() {
                    self.sink.not_sent(vec![head.row])?;
                }
                Ok(())
            }
        }
    }

    /// Gives a row its result, and writes those whose turn it is into the batch.
    fn finish(&mut self, running: &mut Running<'a>, head: Head, fate: Fate) -> Result<(), Failure> {
        let finished = Finished {
            row: head.row,
            line: head.line,
            value: head.value,
            fate,
        };
        if !self.is_ordered {
            return self.emit(running, &finished);
        }
        running.held.insert(finished.row, finished);
        while let Some(finished) = running.held.remove(&(self.ledger.rows() + 1)) {
            self.emit(running, &finished)?;
        }
        Ok(())
    }

    fn emit(&mut self, running: &mut Running<'a>, finished: &Finished) -> Result<(), Failure> {
        self.encoder.encode(finished, &mut running.batch)?;
        finished.count(&mut self.counts);
        if self.first_failed.is_none() {
            self.first_failed = self.encoder.describe_failed(finished);
        }
        self.ledger.finish(finished.row);
        running.is_changed = true;
        Ok(())
    }

    fn write(&mut self, running: &mut Running<'a>, is_last: bool) -> Result<Printed, Failure> {
        let is_durable = is_last || running.last_sync.elapsed() >= SYNC;
        if !running.is_changed && !is_last {
            return Ok(Printed::All);
        }
        let state = State {
            counts: self.counts,
            is_complete: is_last && running.failure.is_none() && running.is_input_ended,
            ..self.ledger.state()
        };
        let printed = self.sink.commit(&running.batch, state, is_durable)?;
        running.batch.clear();
        running.is_changed = false;
        if is_durable {
            running.last_sync = Instant::now();
        }
        Ok(printed)
    }
}

/// What is said of a row that an earlier run may have sent.
fn interrupted() -> Problem {
    Problem {
        kind: "interrupted",
        message: "an earlier run ended while this row was being sent; look for it before you send it again".to_owned(),
        column: None,
        http_status: None,
    }
}

fn poll_event(
    calls: &mut Calls<'_>,
    admits: bool,
    rows: &mut Receiver<Vec<ReadRow>>,
    ticks: &mut Interval,
    context: &mut Context<'_>,
) -> Poll<Event> {
    // First, so that a run that is never idle writes its results too.
    if ticks.poll_tick(context).is_ready() {
        return Poll::Ready(Event::Tick);
    }
    if let Poll::Ready(Some((head, outcome))) = calls.poll_next_unpin(context) {
        return Poll::Ready(Event::Ended(head, outcome));
    }
    if admits && let Poll::Ready(read) = rows.poll_recv(context) {
        return Poll::Ready(Event::Read(read));
    }
    Poll::Pending
}

/// Returns the next event without waiting.
fn ready_event(
    calls: &mut Calls<'_>,
    admits: bool,
    rows: &mut Receiver<Vec<ReadRow>>,
    ticks: &mut Interval,
) -> Event {
    let mut context = Context::from_waker(std::task::Waker::noop());
    match poll_event(calls, admits, rows, ticks, &mut context) {
        Poll::Ready(event) => event,
        Poll::Pending => Event::Idle,
    }
}
