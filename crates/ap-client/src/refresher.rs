//! [`Refresher`]: asks the key source, for one call at a time and not too often.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ap_core::ApiKey;
use ap_core::exchange::NeedKey;

use crate::key_source::{AsyncKeySource, KeySource, KeySourceError};
use crate::transport::{AsyncTransport, Deadline, LONGEST, Moment, Transport};

/// The minimum time between refreshes, unless the client sets another.
pub(crate) const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);

/// What a refresh found.
pub(crate) struct Refreshed<'a> {
    /// The account's keys from now on; empty if nothing changes.
    pub(crate) keys: Vec<ApiKey>,
    /// Why the source has no keys for this call.
    pub(crate) error: Option<KeySourceError>,
    /// This very call asked the source.
    #[cfg_attr(not(feature = "tracing"), allow(dead_code, reason = "for traces"))]
    pub(crate) has_asked: bool,
    /// Keeps other calls from asking until the keys are in the ring.
    _permit: Option<Permit<'a>>,
}

impl Refreshed<'_> {
    /// This refresh adds no keys; another call may have added some.
    pub(crate) fn no_keys() -> Self {
        Self::without_asking(None)
    }

    fn without_asking(error: Option<KeySourceError>) -> Self {
        Self {
            keys: Vec::new(),
            error,
            has_asked: false,
            _permit: None,
        }
    }

    fn timed_out() -> Self {
        Self::without_asking(Some(KeySourceError::timed_out()))
    }
}

/// A key source and its last answer.
pub(crate) struct Refresher<S: ?Sized> {
    interval: Duration,
    /// Locked for a moment, never while the source is asked.
    last: Mutex<Option<LastAnswer>>,
    single_flight: SingleFlight,
    source: Arc<S>,
}

/// The last answer, also a failed one. Calls that need keys soon after it share it.
struct LastAnswer {
    at: Moment,
    error: Option<KeySourceError>,
    /// How much time the source had, if the deadline of the call that asked came before its answer. A call with
    /// more time may ask again before the interval is over.
    expired_time: Option<Duration>,
}

impl LastAnswer {
    fn is_shared(&self, remaining: Option<Duration>, now: Moment, interval: Duration) -> bool {
        let has_more_time = self
            .expired_time
            .is_some_and(|time| remaining.is_none_or(|remaining| remaining > time));
        let is_recent = Deadline::after(self.at, interval).remaining(now) != Some(Duration::ZERO);
        is_recent && !has_more_time
    }
}

impl<S: ?Sized> Refresher<S> {
    pub(crate) fn new(source: Arc<S>, interval: Duration) -> Self {
        Self {
            interval,
            last: Mutex::new(None),
            single_flight: SingleFlight::default(),
            source,
        }
    }

    /// Returns a result if the source must not be asked, else `None`.
    fn answer_without_asking(
        &self,
        need: &NeedKey,
        now: Moment,
        remaining: Option<Duration>,
    ) -> Option<Refreshed<'static>> {
        if need.has_untried_key() {
            return Some(Refreshed::no_keys());
        }
        if remaining == Some(Duration::ZERO) {
            return Some(Refreshed::timed_out());
        }
        match lock(&self.last).as_ref() {
            Some(last) if last.is_shared(remaining, now, self.interval) => {
                Some(Refreshed::without_asking(last.error.clone()))
            }
            _ => None,
        }
    }

    /// Records the source's answer, and returns it.
    fn answered<'a>(
        &self,
        need: &NeedKey,
        answer: Result<Vec<ApiKey>, KeySourceError>,
        now: Moment,
        deadline: Deadline,
        time_given: Option<Duration>,
        permit: Permit<'a>,
    ) -> Refreshed<'a> {
        let (keys, error) = match answer {
            Ok(keys) => (keys, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        // The first keys of a client are not recorded: if a product rejects them right away, the source may
        // be asked again.
        let are_first_keys = need.rejected_keys().is_empty() && !keys.is_empty();
        if !are_first_keys {
            let is_over = deadline.remaining(now) == Some(Duration::ZERO);
            *lock(&self.last) = Some(LastAnswer {
                at: now,
                error: error.clone(),
                expired_time: time_given.filter(|_| is_over && error.is_some()),
            });
        }
        Refreshed {
            keys,
            error,
            has_asked: true,
            _permit: Some(permit),
        }
    }
}

/// Locks a mutex even if it is poisoned: no state here is half-done after a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Refresher<dyn KeySource> {
    pub(crate) fn refresh(
        &self,
        transport: &dyn Transport,
        need: &NeedKey,
        deadline: Deadline,
    ) -> Refreshed<'_> {
        if need.has_untried_key() {
            return Refreshed::no_keys();
        }
        let remaining = deadline.remaining(transport.now());
        let Some(permit) = self.single_flight.wait(remaining) else {
            return Refreshed::timed_out();
        };
        let now = transport.now();
        let remaining = deadline.remaining(now);
        if let Some(refreshed) = self.answer_without_asking(need, now, remaining) {
            return refreshed;
        }
        let answer = self.source.keys(remaining);
        self.answered(need, answer, transport.now(), deadline, remaining, permit)
    }
}

impl Refresher<dyn AsyncKeySource> {
    pub(crate) async fn refresh(
        &self,
        transport: &dyn AsyncTransport,
        need: &NeedKey,
        deadline: Deadline,
    ) -> Refreshed<'_> {
        if need.has_untried_key() {
            return Refreshed::no_keys();
        }
        let permit = self.single_flight.acquire();
        let Some(permit) = before(deadline, transport, permit).await else {
            return Refreshed::timed_out();
        };
        let now = transport.now();
        let remaining = deadline.remaining(now);
        if let Some(refreshed) = self.answer_without_asking(need, now, remaining) {
            return refreshed;
        }
        let answer = before(deadline, transport, self.source.keys(remaining))
            .await
            .unwrap_or_else(|| Err(KeySourceError::timed_out()));
        self.answered(need, answer, transport.now(), deadline, remaining, permit)
    }
}

impl<S: ?Sized> fmt::Debug for Refresher<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refresher")
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

/// Awaits some work until the deadline; `None` if that passes first.
async fn before<T>(
    deadline: Deadline,
    transport: &dyn AsyncTransport,
    work: impl Future<Output = T>,
) -> Option<T> {
    let Some(end) = deadline.moment() else {
        return Some(work.await);
    };
    let (mut work, mut end) = (pin!(work), pin!(transport.sleep_until(end)));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => end.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// Lets one call at a time through. Threads and futures can wait, each until its own deadline.
#[derive(Default)]
struct SingleFlight {
    queue: Mutex<Queue>,
    /// Wakes waiting threads.
    released: Condvar,
}

#[derive(Default)]
struct Queue {
    is_taken: bool,
    /// Wakers of waiting futures. Each future removes its own when it ends.
    wakers: BTreeMap<u64, Waker>,
    next_id: u64,
}

impl Queue {
    fn try_take(&mut self) -> bool {
        !std::mem::replace(&mut self.is_taken, true)
    }
}

/// The right to ask the source, until it is dropped.
struct Permit<'a>(&'a SingleFlight);

impl SingleFlight {
    /// Blocks until this call may ask; `None` if its time runs out first.
    fn wait(&self, remaining: Option<Duration>) -> Option<Permit<'_>> {
        let time = remaining.map_or(LONGEST, |remaining| remaining.min(LONGEST));
        let (mut queue, _) = self
            .released
            .wait_timeout_while(lock(&self.queue), time, |queue| queue.is_taken)
            .unwrap_or_else(PoisonError::into_inner);
        queue.try_take().then(|| Permit(self))
    }

    async fn acquire(&self) -> Permit<'_> {
        let mut waiter = Waiter {
            single_flight: self,
            id: None,
        };
        poll_fn(move |context| waiter.poll(context)).await
    }
}

/// A future that waits for its permit.
struct Waiter<'a> {
    single_flight: &'a SingleFlight,
    id: Option<u64>,
}

impl<'a> Waiter<'a> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Permit<'a>> {
        let mut queue = lock(&self.single_flight.queue);
        if queue.try_take() {
            return Poll::Ready(Permit(self.single_flight));
        }
        let id = *self.id.get_or_insert(queue.next_id);
        queue.next_id = queue.next_id.max(id + 1);
        queue.wakers.insert(id, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if let Some(id) = &self.id {
            let waker = lock(&self.single_flight.queue).wakers.remove(id);
            drop(waker);
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut queue = lock(&self.0.queue);
        queue.is_taken = false;
        let wakers = std::mem::take(&mut queue.wakers);
        drop(queue);
        // Wakes all of them. Most then find new keys without asking. If only one were woken and its future
        // dropped, nobody else would be.
        self.0.released.notify_all();
        wakers.into_values().for_each(Waker::wake);
    }
}
