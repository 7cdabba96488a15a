//! [`Ask`]: a client's way to its key source, for one call at a time and not too often.

use std::fmt;
use std::future::{Future, poll_fn};
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::exchange::{NeedKey, Step};
use crate::key::ApiKey;
use crate::source::{AsyncKeySource, KeySource, SourceError};
use crate::transport::{AsyncTransport, Deadline, Moment, Transport};

/// How long a source is left in peace after its last answer, unless a client says otherwise.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);

/// How a call goes on, and why the source had nothing for it.
type Next = (Step, Option<SourceError>);

/// A key source, and how it answered last.
pub(crate) struct Ask<S: ?Sized> {
    interval: Duration,
    /// Blocking calls wait for each other here.
    last: Mutex<Option<Last>>,
    /// Async calls wait for each other here, and hold `last` across no await.
    turn: Turn,
    source: Arc<S>,
}

/// The last answer; calls that come soon after it share it, a failed one too.
struct Last {
    at: Moment,
    error: Option<SourceError>,
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
        last: Option<&Last>,
        now: Moment,
    ) -> ControlFlow<Next, NeedKey> {
        if need.has_new() {
            return ControlFlow::Break((need.resume(), None));
        }
        match last {
            Some(last)
                if Deadline::after(last.at, self.interval).left(now) != Some(Duration::ZERO) =>
            {
                ControlFlow::Break((need.resume(), last.error.clone()))
            }
            _ => ControlFlow::Continue(need),
        }
    }
}

fn settle(
    need: NeedKey,
    answer: Result<Vec<ApiKey>, SourceError>,
    last: &mut Option<Last>,
    at: Moment,
) -> Next {
    let (step, error) = match answer {
        Ok(keys) => (need.supply(&keys), None),
        Err(error) => (need.resume(), Some(error)),
    };
    *last = Some(Last {
        at,
        error: error.clone(),
    });
    (step, error)
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
            return (need.resume(), None);
        }
        let mut last = lock(&self.last);
        let need = match self.shared(need, last.as_ref(), transport.now()) {
            ControlFlow::Continue(need) => need,
            ControlFlow::Break(next) => return next,
        };
        let answer = self.source.keys(deadline.left(transport.now()));
        settle(need, answer, &mut last, transport.now())
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
            return (need.resume(), None);
        }
        let Some(_turn) = within(transport, deadline, self.turn.take()).await else {
            return (need.resume(), Some(SourceError::took_too_long()));
        };
        let shared = self.shared(need, lock(&self.last).as_ref(), transport.now());
        let need = match shared {
            ControlFlow::Continue(need) => need,
            ControlFlow::Break(next) => return next,
        };
        let asked = self.source.keys(deadline.left(transport.now()));
        let answer = within(transport, deadline, asked)
            .await
            .unwrap_or_else(|| Err(SourceError::took_too_long()));
        settle(need, answer, &mut lock(&self.last), transport.now())
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

/// A lock that is waited for without a thread or a runtime: whoever has it, until dropped.
#[derive(Default)]
struct Turn(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    taken: bool,
    wakers: Vec<Waker>,
}

struct Taken<'a>(&'a Turn);

impl Turn {
    async fn take(&self) -> Taken<'_> {
        poll_fn(|context| {
            let mut waiting = lock(&self.0);
            if !waiting.taken {
                waiting.taken = true;
                return Poll::Ready(Taken(self));
            }
            let waker = context.waker();
            if !waiting.wakers.iter().any(|one| one.will_wake(waker)) {
                waiting.wakers.push(waker.clone());
            }
            Poll::Pending
        })
        .await
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut waiting = lock(&self.0.0);
        waiting.taken = false;
        let wakers = std::mem::take(&mut waiting.wakers);
        drop(waiting);
        // All of them: most find what they need without a turn of their own, and one that was dropped
        // meanwhile cannot swallow the wake that another one waits for.
        wakers.into_iter().for_each(Waker::wake);
    }
}
