//! [`Ask`]: a client's way to its key source, for one call at a time and not too often.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::exchange::{NeedKey, Step};
use crate::key::ApiKey;
use crate::source::{AsyncKeySource, KeySource, SourceError};
use crate::transport::{AsyncTransport, Deadline, LONGEST, Moment, Transport};

/// How long a source is left in peace after its last answer, unless a client says otherwise.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);

/// How a call goes on.
pub(crate) struct Next {
    pub(crate) step: Step,
    /// Why the source had nothing for it.
    pub(crate) error: Option<SourceError>,
    /// Whether this very call asked the source.
    #[cfg_attr(not(feature = "tracing"), allow(dead_code, reason = "for traces"))]
    pub(crate) has_asked: bool,
}

impl Next {
    /// With what others have brought, or without anything.
    fn without_asking(need: NeedKey, error: Option<SourceError>) -> Self {
        Self {
            step: need.resume(),
            error,
            has_asked: false,
        }
    }
}

/// A key source, and how it answered last.
pub(crate) struct Ask<S: ?Sized> {
    interval: Duration,
    /// Looked at for a moment, never held while the source is asked.
    last: Mutex<Option<Last>>,
    turn: Turn,
    source: Arc<S>,
}

/// The last answer; calls that come soon after it share it, a failed one too.
struct Last {
    at: Moment,
    error: Option<SourceError>,
    /// How long the call that asked had left, if it failed because that ran out: a call that has more
    /// may ask anew.
    ran_out: Option<Duration>,
}

impl Last {
    fn is_for(&self, left: Option<Duration>, now: Moment, interval: Duration) -> bool {
        let has_more = self
            .ran_out
            .is_some_and(|ran_out| left.is_none_or(|left| left > ran_out));
        !has_more && Deadline::after(self.at, interval).left(now) != Some(Duration::ZERO)
    }
}

impl<S: ?Sized> Ask<S> {
    pub(crate) fn new(source: Arc<S>, interval: Duration) -> Self {
        Self {
            interval,
            last: Mutex::new(None),
            turn: Turn::default(),
            source,
        }
    }

    /// What another call has brought while this one waited for its turn, or the call itself if it is
    /// the one to ask.
    fn shared(
        &self,
        need: NeedKey,
        now: Moment,
        left: Option<Duration>,
    ) -> ControlFlow<Next, NeedKey> {
        if need.has_new() {
            return ControlFlow::Break(Next::without_asking(need, None));
        }
        if left == Some(Duration::ZERO) {
            return ControlFlow::Break(too_late(need));
        }
        match lock(&self.last).as_ref() {
            Some(last) if last.is_for(left, now, self.interval) => {
                ControlFlow::Break(Next::without_asking(need, last.error.clone()))
            }
            _ => ControlFlow::Continue(need),
        }
    }

    fn settle(
        &self,
        need: NeedKey,
        answer: Result<Vec<ApiKey>, SourceError>,
        now: Moment,
        deadline: Deadline,
        had: Option<Duration>,
    ) -> Next {
        // The first keys of a client that had none: a refusal a moment later is news.
        let is_first = need.refused().is_empty();
        let (step, error) = match answer {
            Ok(keys) => (need.supply(&keys), None),
            Err(error) => (need.resume(), Some(error)),
        };
        let is_over = deadline.left(now) == Some(Duration::ZERO);
        if !(is_first && matches!(step, Step::Send(_))) {
            *lock(&self.last) = Some(Last {
                at: now,
                error: error.clone(),
                ran_out: had.filter(|_| is_over && error.is_some()),
            });
        }
        Next {
            step,
            error,
            has_asked: true,
        }
    }
}

fn too_late(need: NeedKey) -> Next {
    Next::without_asking(need, Some(SourceError::took_too_long()))
}

/// A panic of a source leaves nothing half-done here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ask<dyn KeySource> {
    pub(crate) fn refresh(
        &self,
        transport: &impl Transport,
        need: NeedKey,
        deadline: Deadline,
    ) -> Next {
        if need.has_new() {
            return Next::without_asking(need, None);
        }
        let Some(_turn) = self.turn.wait(deadline.left(transport.now())) else {
            return too_late(need);
        };
        let now = transport.now();
        let left = deadline.left(now);
        let need = match self.shared(need, now, left) {
            ControlFlow::Continue(need) => need,
            ControlFlow::Break(next) => return next,
        };
        let answer = self.source.keys(left);
        self.settle(need, answer, transport.now(), deadline, left)
    }
}

impl Ask<dyn AsyncKeySource> {
    pub(crate) async fn refresh(
        &self,
        transport: &impl AsyncTransport,
        need: NeedKey,
        deadline: Deadline,
    ) -> Next {
        if need.has_new() {
            return Next::without_asking(need, None);
        }
        let Some(_turn) = within(transport, deadline, self.turn.take()).await else {
            return too_late(need);
        };
        let now = transport.now();
        let left = deadline.left(now);
        let need = match self.shared(need, now, left) {
            ControlFlow::Continue(need) => need,
            ControlFlow::Break(next) => return next,
        };
        let answer = within(transport, deadline, self.source.keys(left))
            .await
            .unwrap_or_else(|| Err(SourceError::took_too_long()));
        self.settle(need, answer, transport.now(), deadline, left)
    }
}

impl<S: ?Sized> fmt::Debug for Ask<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask")
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

/// What the work comes to, or nothing once the deadline has passed.
async fn within<T>(
    transport: &impl AsyncTransport,
    deadline: Deadline,
    work: impl Future<Output = T>,
) -> Option<T> {
    let (mut work, mut over) = (pin!(work), pin!(transport.sleep_until(deadline)));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => over.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// A lock that is waited for no longer than a call may take: by a thread that sleeps, or by a future, on
/// any runtime. Whoever has it has it until dropped.
#[derive(Default)]
struct Turn {
    waiting: Mutex<Waiting>,
    /// Woken when the turn is free, for threads.
    free: Condvar,
}

#[derive(Default)]
struct Waiting {
    taken: bool,
    /// For futures; each takes its own out when it ends.
    wakers: BTreeMap<u64, Waker>,
    /// The name of the next future that waits.
    next: u64,
}

struct Taken<'a>(&'a Turn);

impl Turn {
    /// The turn, unless that takes longer than is left.
    fn wait(&self, left: Option<Duration>) -> Option<Taken<'_>> {
        let left = left.map_or(LONGEST, |left| left.min(LONGEST));
        let (mut waiting, _) = self
            .free
            .wait_timeout_while(lock(&self.waiting), left, |waiting| waiting.taken)
            .unwrap_or_else(PoisonError::into_inner);
        waiting.take().then(|| Taken(self))
    }

    async fn take(&self) -> Taken<'_> {
        let mut place = Place {
            turn: self,
            name: None,
        };
        poll_fn(move |context| place.poll(context)).await
    }
}

impl Waiting {
    fn take(&mut self) -> bool {
        !std::mem::replace(&mut self.taken, true)
    }
}

/// A future's place among those that wait.
struct Place<'a> {
    turn: &'a Turn,
    name: Option<u64>,
}

impl<'a> Place<'a> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Taken<'a>> {
        let mut waiting = lock(&self.turn.waiting);
        if waiting.take() {
            return Poll::Ready(Taken(self.turn));
        }
        let name = *self.name.get_or_insert(waiting.next);
        waiting.next = waiting.next.max(name + 1);
        waiting.wakers.insert(name, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            let waker = lock(&self.turn.waiting).wakers.remove(name);
            drop(waker);
        }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut waiting = lock(&self.0.waiting);
        waiting.taken = false;
        let wakers = std::mem::take(&mut waiting.wakers);
        drop(waiting);
        // All of them: most find what they need without a turn of their own, and one that is dropped
        // before it is polled cannot swallow the wake that another one waits for.
        self.0.free.notify_all();
        wakers.into_values().for_each(Waker::wake);
    }
}
