//! [`Pipeline`]: what of a run is on its way: rows that were read, calls that wait or are in flight, and results.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc::Receiver;
use tokio::time::{self, Interval, MissedTickBehavior, Sleep};

use super::attempts::{Caller, Outcome};
use super::input::row::Row;
use super::job::Prepared;
use super::pace::Pace;
use super::results::Finished;
use super::undecided::Undecided;
use crate::failure::Failure;

/// How often results are written to a file, and progress is shown.
const TICK: Duration = Duration::from_millis(50);

/// What the thread that reads sends.
pub(crate) type ReadRow = Result<Row, Failure>;

/// What is known of a row while it has no result.
pub(super) struct Head {
    pub(super) row: u64,
    pub(super) line: u64,
    pub(super) value: Option<String>,
}

/// A call that waits or is in flight.
pub(super) struct Call {
    /// The row. `None` if the call is only made to see if the server is there.
    pub(super) head: Option<Head>,
    pub(super) prepared: Prepared,
    failures: u32,
    /// It is not made again.
    pub(super) is_last: bool,
    not_before: time::Instant,
}

/// Something that a run waits for.
pub(super) enum Event {
    /// Rows were read; `None` at the end of the input.
    Read(Option<Vec<ReadRow>>),
    CallEnded(Box<Call>, Outcome),
    /// A call that waits may begin.
    CallDue,
    /// It is time to write results.
    Tick,
}

type CallsInFlight<'a> = FuturesUnordered<Pin<Box<dyn Future<Output = (Call, Outcome)> + 'a>>>;

/// What of a run is on its way.
pub(super) struct Pipeline<'a> {
    /// The most calls in flight.
    concurrency: usize,
    rows: Receiver<Vec<ReadRow>>,
    /// Rows that were read and not accepted yet.
    pub(super) read: std::vec::IntoIter<ReadRow>,
    pub(super) is_input_ended: bool,
    /// Calls that are not sent, until it is their turn.
    waiting: Vec<Call>,
    turn: Pin<Box<Sleep>>,
    in_flight: CallsInFlight<'a>,
    pub(super) undecided: Undecided<Call>,
    /// Why the server did not decide about a call for the last time.
    pub(super) undecided_because: Option<Failure>,
    /// A call that the server has decided about, to see later if it is still there.
    pub(super) decided: Option<Prepared>,
    /// Such a call waits or is in flight.
    pub(super) is_server_asked: bool,
    /// Results that wait for rows before them.
    pub(super) held: BTreeMap<u64, Finished>,
    /// Results that are not written yet.
    pub(super) batch: Vec<u8>,
    pub(super) is_changed: bool,
    ticks: Interval,
    pub(super) last_sync: Instant,
    pub(super) is_reader_gone: bool,
    /// Why the run ends before the last row.
    pub(super) failure: Option<Failure>,
    /// No more calls begin.
    pub(super) is_stopped: bool,
}

impl Call {
    pub(super) fn new(head: Option<Head>, prepared: Prepared) -> Self {
        Self {
            head,
            prepared,
            failures: 0,
            is_last: false,
            not_before: time::Instant::now(),
        }
    }
}

impl<'a> Pipeline<'a> {
    pub(super) fn new(
        concurrency: usize,
        rows: Receiver<Vec<ReadRow>>,
        undecided: Undecided<Call>,
    ) -> Self {
        let mut ticks = time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            concurrency,
            rows,
            read: Vec::new().into_iter(),
            is_input_ended: false,
            waiting: Vec::new(),
            turn: Box::pin(time::sleep(Duration::ZERO)),
            in_flight: FuturesUnordered::new(),
            undecided,
            undecided_because: None,
            decided: None,
            is_server_asked: false,
            held: BTreeMap::new(),
            batch: Vec::new(),
            is_changed: false,
            ticks,
            last_sync: Instant::now(),
            is_reader_gone: false,
            failure: None,
            is_stopped: false,
        }
    }

    /// Returns how many calls wait or are in flight.
    pub(super) fn calls(&self) -> usize {
        self.waiting.len() + self.in_flight.len()
    }

    /// Lets a call wait for its turn, unless no more calls begin.
    pub(super) fn queue(&mut self, call: Call) {
        if !self.is_stopped {
            self.waiting.push(call);
        }
    }

    /// The same for a call that has failed, after a time.
    pub(super) fn queue_again(&mut self, mut call: Call, wait: Duration) {
        call.failures = call.failures.saturating_add(1);
        call.not_before = time::Instant::now() + wait;
        self.queue(call);
    }

    /// Takes the calls that wait and whose turn it is.
    pub(super) fn take_due(&mut self, pace: &Pace) -> Vec<Call> {
        let mut space = self.concurrency.saturating_sub(self.in_flight.len());
        if self.waiting.is_empty() || space == 0 {
            return Vec::new();
        }
        let now = time::Instant::now();
        let mut is_due = |call: &Call| {
            let is_due = space > 0 && call.not_before <= now && pace.take_turn(now);
            space -= usize::from(is_due);
            is_due
        };
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        let (due, later) = waiting.partition(|call| is_due(call));
        self.waiting = later;
        due
    }

    /// Begins a call.
    pub(super) fn begin(&mut self, call: Call, caller: &'a Caller<'a>) {
        self.in_flight.push(Box::pin(async move {
            let failures = match call.is_last {
                true => u32::MAX,
                false => call.failures,
            };
            let outcome = caller.attempt(&call.prepared, failures).await;
            (call, outcome)
        }));
    }

    /// Ends the run early, because of a failure.
    pub(super) fn fail(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
        self.stop();
    }

    /// Ends the run early: calls that are not in flight do not begin any more.
    pub(super) fn stop(&mut self) {
        self.is_stopped = true;
        self.waiting.clear();
        self.undecided.clear();
    }

    /// Returns the next event, if there is one without waiting.
    pub(super) fn ready_event(&mut self, receives: bool, pace: &Pace) -> Option<Event> {
        let mut context = Context::from_waker(Waker::noop());
        match self.poll_event(receives, pace, &mut context) {
            Poll::Ready(event) => Some(event),
            Poll::Pending => None,
        }
    }

    /// Waits for the next event. `receives` says if rows are received.
    pub(super) fn poll_event(
        &mut self,
        receives: bool,
        pace: &Pace,
        context: &mut Context<'_>,
    ) -> Poll<Event> {
        // First, so that a run that is never idle writes its results too.
        if self.ticks.poll_tick(context).is_ready() {
            return Poll::Ready(Event::Tick);
        }
        if let Poll::Ready(Some((call, outcome))) = self.in_flight.poll_next_unpin(context) {
            return Poll::Ready(Event::CallEnded(Box::new(call), outcome));
        }
        if self.poll_turn(pace, context).is_ready() {
            return Poll::Ready(Event::CallDue);
        }
        if receives && let Poll::Ready(read) = self.rows.poll_recv(context) {
            return Poll::Ready(Event::Read(read));
        }
        Poll::Pending
    }

    fn poll_turn(&mut self, pace: &Pace, context: &mut Context<'_>) -> Poll<()> {
        if self.in_flight.len() >= self.concurrency {
            return Poll::Pending;
        }
        let Some(first) = self.waiting.iter().map(|call| call.not_before).min() else {
            return Poll::Pending;
        };
        let at = first.max(pace.next_turn());
        if self.turn.deadline() != at {
            self.turn.as_mut().reset(at);
        }
        self.turn.as_mut().poll(context)
    }
}
