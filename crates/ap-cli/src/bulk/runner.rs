//! [`Runner`]: reads rows, keeps a limited number of calls in flight, and writes results. Its memory does not depend on
//! the number of rows.

use std::future::poll_fn;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Receiver;

use super::attempts::{Caller, Outcome};
use super::input::row::Row;
use super::job::{Fate, INTERRUPTED, Problem};
use super::journal::record::{Counts, State};
use super::ledger::{InputChanged, Ledger, Todo};
use super::pipeline::{Call, Event, Head, Pipeline, ReadRow};
use super::progress::Progress;
use super::results::{Encoder, Finished};
use super::sink::Sink;
use super::undecided::Undecided;
use crate::failure::Failure;
use crate::stop::Stop;

/// How often the result file is written to the disk.
const SYNC: Duration = Duration::from_secs(1);

/// Results that are written without waiting for the next tick, in bytes.
const MAX_BATCH_LEN: usize = 1 << 16;

/// What is said when a signal ends the run early.
const STOPPING: &str =
    "ap: stopping after the calls in flight; press Ctrl-C again to end without them";

/// How many rows may be read for each that is in flight, so that a slow one does not stop those behind it.
const WINDOW: usize = 16;

/// The runner of one run: its settings, and what it has counted.
pub(crate) struct Runner<'a> {
    pub(crate) caller: &'a Caller<'a>,
    pub(crate) encoder: Encoder<'a>,
    pub(crate) concurrency: usize,
    pub(crate) is_ordered: bool,
    /// The rows come from a file, for which nothing has to wait.
    pub(crate) is_file: bool,
    pub(crate) sink: &'a mut Sink,
    pub(crate) progress: &'a Progress,
    pub(crate) ledger: Ledger,
    pub(crate) counts: Counts,
    /// The first row of this run that failed, and why if it was not sent.
    pub(crate) first_failed: Option<String>,
    /// What ends the run early.
    pub(crate) stop: &'a Stop,
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
    /// Nothing is left to do.
    pub(crate) is_complete: bool,
    pub(crate) is_reader_gone: bool,
}

impl<'a> Runner<'a> {
    /// Runs until the last row, or until something ends it.
    pub(crate) async fn run(mut self, rows: Receiver<Vec<ReadRow>>) -> Result<Ended, Failure> {
        let pace = &self.caller.attempts.pace;
        let undecided = Undecided::new(!self.is_repeatable());
        let mut pipeline = Pipeline::new(self.concurrency, rows, undecided);
        loop {
            self.check_stop(&mut pipeline);
            self.admit_read(&mut pipeline)?;
            self.check_server(&mut pipeline);
            self.start(&mut pipeline)?;
            // If so, nothing that was read is left.
            let receives = self.admits(&pipeline) || self.looks_for_end(&pipeline);
            if pipeline.is_reader_gone || self.is_done(&pipeline) {
                break;
            }
            let event = match pipeline.ready_event(receives, pace) {
                Some(event) => event,
                None => {
                    if self.writes_when_idle() {
                        self.write(&mut pipeline, false)?;
                    }
                    if pipeline.is_reader_gone {
                        break;
                    }
                    poll_fn(|context| pipeline.poll_event(receives, pace, context)).await
                }
            };
            match event {
                Event::Read(Some(read)) => pipeline.read = read.into_iter(),
                Event::Read(None) => self.check_input_end(&mut pipeline),
                Event::CallEnded(call, outcome) => self.settle(&mut pipeline, *call, outcome)?,
                Event::CallDue => {}
                Event::Tick => {
                    self.progress.update(self.counts);
                    self.write(&mut pipeline, false)?;
                }
            }
            if pipeline.batch.len() >= MAX_BATCH_LEN {
                self.write(&mut pipeline, false)?;
            }
        }
        if !pipeline.is_reader_gone {
            self.write(&mut pipeline, true)?;
        }
        Ok(Ended {
            is_complete: self.is_complete(&pipeline),
            counts: self.counts,
            first_failed: self.first_failed,
            failure: pipeline.failure,
            is_reader_gone: pipeline.is_reader_gone,
        })
    }

    fn is_repeatable(&self) -> bool {
        self.caller.job.is_repeatable()
    }

    /// Returns `true` if results do not wait for the next tick while nothing else is to do: somebody may be looking at
    /// standard output, and a row that must not be sent twice is in doubt after a kill until its result is written.
    fn writes_when_idle(&self) -> bool {
        !self.sink.is_file() || !self.is_repeatable()
    }

    /// Ends the run early if a signal says so: the calls in flight are waited for, and no other one begins.
    fn check_stop(&self, pipeline: &mut Pipeline<'_>) {
        if !pipeline.is_stopped && self.stop.signal().is_some() {
            pipeline.stop();
            self.progress.say(STOPPING);
        }
    }

    /// Returns `true` if another row may be read.
    fn admits(&self, pipeline: &Pipeline<'_>) -> bool {
        !pipeline.is_input_ended
            && pipeline.failure.is_none()
            && !pipeline.is_stopped
            && !pipeline.undecided.are_too_many()
            && pipeline.calls() < self.concurrency
            && self.ledger.window_len() < self.concurrency * WINDOW
    }

    /// Returns `true` if a signal ended the run, and it is not known yet if there are more rows.
    fn looks_for_end(&self, pipeline: &Pipeline<'_>) -> bool {
        let is_interrupted = pipeline.is_stopped && pipeline.failure.is_none();
        is_interrupted && !pipeline.is_input_ended && pipeline.read.len() == 0
    }

    /// Returns `true` if nothing is left to do, or to wait for.
    fn is_done(&self, pipeline: &Pipeline<'_>) -> bool {
        let awaits_rows = self.admits(pipeline) || self.is_file && self.looks_for_end(pipeline);
        let is_empty = pipeline.calls() == 0 && pipeline.undecided.is_empty() && !awaits_rows;
        // After a failure, calls that can be made again are not waited for.
        let is_failed = pipeline.is_stopped && pipeline.failure.is_some();
        is_empty || is_failed && self.is_repeatable()
    }

    /// Returns `true` if the input has ended, and every row has its result.
    fn is_complete(&self, pipeline: &Pipeline<'_>) -> bool {
        let is_whole = pipeline.is_input_ended && self.ledger.window_len() == 0;
        is_whole && pipeline.failure.is_none()
    }

    /// Accepts rows that were read, as many as there may be.
    fn admit_read(&mut self, pipeline: &mut Pipeline<'a>) -> Result<(), Failure> {
        while self.admits(pipeline)
            && let Some(read) = pipeline.read.next()
        {
            match read {
                Ok(row) => self.admit(pipeline, row)?,
                Err(failure) => pipeline.failure = Some(failure),
            }
        }
        Ok(())
    }

    fn admit(&mut self, pipeline: &mut Pipeline<'a>, row: Row) -> Result<(), Failure> {
        let todo = match self.ledger.admit(row.number, row.checksum) {
            Ok(todo) => todo,
            Err(changed) => {
                // Those that were read before may be other rows too.
                pipeline.fail((self.changed)(changed));
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
            (Todo::Nothing, prepared) => {
                if let Ok(prepared) = prepared {
                    pipeline.decided = Some(prepared);
                }
                Ok(())
            }
            (Todo::Doubt, _) => self.finish(pipeline, head, Fate::Unknown(interrupted())),
            (Todo::Send, Ok(prepared)) => {
                pipeline.queue(Call::new(Some(head), prepared));
                Ok(())
            }
            (Todo::Send, Err(problem)) => self.finish(pipeline, head, Fate::Failed(problem.into())),
        }
    }

    fn check_input_end(&self, pipeline: &mut Pipeline<'_>) {
        pipeline.is_input_ended = true;
        if let Err(changed) = self.ledger.end() {
            pipeline.failure = Some((self.changed)(changed));
        }
    }

    /// If nothing else can show if the server is there, a call that it has decided about is made once more. If there is no
    /// such call, or if it must not be made twice, the run ends.
    fn check_server(&self, pipeline: &mut Pipeline<'_>) {
        let are_too_many = pipeline.undecided.are_too_many();
        let is_stuck = pipeline.calls() == 0 && !pipeline.undecided.is_empty();
        if pipeline.is_stopped || pipeline.is_server_asked || !(are_too_many || is_stuck) {
            return;
        }
        let decided = pipeline.decided.take().filter(|_| self.is_repeatable());
        if let Some(prepared) = decided {
            pipeline.is_server_asked = true;
            pipeline.queue(Call::new(None, prepared));
        } else if !self.admits(pipeline)
            && let Some(failure) = pipeline.undecided_because.take()
        {
            pipeline.fail(failure);
        }
    }

    /// Begins the calls whose turn it is. Those that must not be sent twice are first written to the journal.
    fn start(&mut self, pipeline: &mut Pipeline<'a>) -> Result<(), Failure> {
        let calls = pipeline.take_due(&self.caller.attempts.pace);
        if !self.is_repeatable() && !calls.is_empty() {
            // Results first, so that no more rows are in doubt after a kill than are in flight.
            self.write(pipeline, false)?;
            if pipeline.is_reader_gone {
                return Ok(());
            }
            let rows = calls.iter().filter_map(|call| call.head.as_ref());
            let rows = rows.filter_map(|head| self.ledger.send(head.row));
            self.sink.sending(rows.collect())?;
        }
        for call in calls {
            pipeline.begin(call, self.caller);
        }
        Ok(())
    }

    /// Decides what the end of an attempt means for its row and for the run.
    fn settle(
        &mut self,
        pipeline: &mut Pipeline<'a>,
        mut call: Call,
        outcome: Outcome,
    ) -> Result<(), Failure> {
        match (outcome, call.head.take()) {
            (Outcome::Decided(fate), head) => {
                for mut row in pipeline.undecided.note_decision() {
                    row.is_last = true;
                    pipeline.queue(row);
                }
                pipeline.decided = Some(call.prepared);
                match head {
                    Some(head) => self.finish(pipeline, head, fate)?,
                    None => pipeline.is_server_asked = false,
                }
            }
            (Outcome::Again(wait), head) => {
                self.withdraw(head.as_ref())?;
                call.head = head;
                pipeline.queue_again(call, wait);
            }
            (Outcome::Undecided(_, problem), Some(head)) if call.is_last => {
                self.finish(pipeline, head, Fate::Failed(problem))?;
            }
            (Outcome::Undecided(failure, _), Some(head)) => {
                self.withdraw(Some(&head))?;
                call.head = Some(head);
                if !pipeline.is_stopped {
                    pipeline.undecided.keep(call);
                    pipeline.undecided_because = Some(failure);
                }
            }
            (Outcome::Unknown(failure, problem), Some(head)) => {
                self.finish(pipeline, head, Fate::Unknown(problem))?;
                pipeline.undecided.note_unknown();
                pipeline.undecided_because = Some(failure);
            }
            (Outcome::End(failure), head) => {
                self.withdraw(head.as_ref())?;
                pipeline.fail(failure);
            }
            // The server is not there. A later run may find it.
            (Outcome::Undecided(failure, _) | Outcome::Unknown(failure, _), None) => {
                pipeline.fail(failure);
            }
        }
        Ok(())
    }

    /// Notes that a row was not applied, and is not in flight any more.
    fn withdraw(&mut self, head: Option<&Head>) -> Result<(), Failure> {
        match head {
            Some(head) if !self.is_repeatable() => {
                self.ledger.withdraw(head.row);
                self.sink.not_sent(vec![head.row])
            }
            _ => Ok(()),
        }
    }

    /// Gives a row its result, and writes those whose turn it is into the batch.
    fn finish(
        &mut self,
        pipeline: &mut Pipeline<'a>,
        head: Head,
        fate: Fate,
    ) -> Result<(), Failure> {
        let finished = Finished {
            row: head.row,
            line: head.line,
            value: head.value,
            fate,
        };
        if !self.is_ordered {
            return self.emit(pipeline, &finished);
        }
        pipeline.held.insert(finished.row, finished);
        while let Some(finished) = pipeline.held.remove(&(self.ledger.rows() + 1)) {
            self.emit(pipeline, &finished)?;
        }
        Ok(())
    }

    fn emit(&mut self, pipeline: &mut Pipeline<'a>, finished: &Finished) -> Result<(), Failure> {
        self.encoder.encode(finished, &mut pipeline.batch)?;
        finished.count(&mut self.counts);
        if self.first_failed.is_none() {
            self.first_failed = self.encoder.describe_failed(finished);
        }
        self.ledger.finish(finished.row);
        pipeline.is_changed = true;
        Ok(())
    }

    /// Writes results, and the state after them. If the reader has gone, the pipeline remembers it, and the run ends.
    fn write(&mut self, pipeline: &mut Pipeline<'a>, is_last: bool) -> Result<(), Failure> {
        let is_durable = is_last || pipeline.last_sync.elapsed() >= SYNC;
        if !pipeline.is_changed && !is_last {
            return Ok(());
        }
        let state = State {
            counts: self.counts,
            is_complete: is_last && self.is_complete(pipeline),
            ..self.ledger.state()
        };
        let printed = self.sink.commit(&pipeline.batch, state, is_durable)?;
        pipeline.is_reader_gone = printed.is_reader_gone();
        pipeline.batch.clear();
        pipeline.is_changed = false;
        if is_durable {
            pipeline.last_sync = Instant::now();
        }
        Ok(())
    }
}

/// What is said of a row that an earlier run may have sent.
fn interrupted() -> Problem {
    Problem {
        kind: INTERRUPTED,
        message: "an earlier run ended while this row was being sent; look for it before you send it again".to_owned(),
        column: None,
        http_status: None,
    }
}
