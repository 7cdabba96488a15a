//! [`Connections`]: how many are open, which one was idle longest, and what they are told.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many connections that were refused may stay until their client has read why.
const MAX_REFUSED: usize = 16;

/// The open connections of all listeners.
#[derive(Debug)]
pub(crate) struct Connections {
    max: usize,
    /// A connection has a slot until its descriptor is closed.
    slots: Arc<Semaphore>,
    refused: Arc<Semaphore>,
    /// Counts up, so that of two idle connections the one with the smaller number was idle longer.
    next: AtomicU64,
    /// How many are idle.
    idle: AtomicUsize,
    queue: Mutex<Queue>,
}

/// All open connections, ordered by when they were last known to be idle. A call does not change this: an entry that is
/// older than its connection's last use is moved when it is reached. With many busy connections at the limit, opening
/// one more may have to move them all.
#[derive(Debug, Default)]
struct Queue {
    connections: BTreeMap<u64, Arc<Mutex<State>>>,
    is_stopping: bool,
}

/// An open connection. It is idle while no request of it is served and no answer is being written.
#[derive(Debug)]
pub(crate) struct Tracked {
    connections: Arc<Connections>,
    state: Arc<Mutex<State>>,
    _slot: OwnedSemaphorePermit,
}

#[derive(Debug)]
struct State {
    usage: Usage,
    /// Its number in the queue, which is never larger than that since which it is idle.
    position: u64,
    /// Also here, so that a call does not need the lock of the queue.
    is_stopping: bool,
    /// Of the task that serves it.
    waker: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Usage {
    /// With its number since then.
    Idle(u64),
    /// With the number of calls that are not finished: more than one if the client does not wait for answers.
    Busy(usize),
    /// It was idle, and another one waits for its descriptor.
    Closing,
}

/// What a connection is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Close at once, for another one. There is nothing to finish.
    Close,
    /// Finish what is under way, because the gateway stops.
    Finish,
}

impl Connections {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        let max = max.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            max,
            slots: Arc::new(Semaphore::new(max)),
            refused: Arc::new(Semaphore::new(MAX_REFUSED)),
            next: AtomicU64::new(0),
            idle: AtomicUsize::new(0),
            queue: Mutex::default(),
        })
    }

    /// Returns the new connection. If too many are open, the one that was idle longest is told to close, and this waits
    /// until it has, which takes it no time; `None` if none is idle.
    pub(crate) async fn open(self: &Arc<Self>) -> Option<Tracked> {
        let slots = Arc::clone(&self.slots);
        let slot = match Arc::clone(&slots).try_acquire_owned() {
            Ok(slot) => slot,
            Err(_) => {
                if !self.close_one() {
                    return None;
                }
                slots.acquire_owned().await.ok()?
            }
        };
        let mut queue = lock(&self.queue);
        let number = self.next();
        let state = Arc::new(Mutex::new(State {
            usage: Usage::Idle(number),
            position: number,
            is_stopping: queue.is_stopping,
            waker: None,
        }));
        queue.connections.insert(number, Arc::clone(&state));
        self.idle.fetch_add(1, Ordering::Relaxed);
        Some(Tracked {
            connections: Arc::clone(self),
            state,
            _slot: slot,
        })
    }

    /// Tells the connection that was idle longest to close. `false` if none is idle.
    fn close_one(&self) -> bool {
        let mut queue = lock(&self.queue);
        // After as many rounds as there are connections, all are in their position, the idle ones first.
        for _ in 0..=queue.connections.len() {
            if self.idle.load(Ordering::Relaxed) == 0 {
                break;
            }
            let Some((position, connection)) = queue.connections.pop_first() else {
                break;
            };
            let mut state = lock(&connection);
            let is_idle_longest = state.usage == Usage::Idle(position);
            if is_idle_longest {
                state.usage = Usage::Closing;
                state.wake();
                self.idle.fetch_sub(1, Ordering::Relaxed);
            }
            let position = match state.usage {
                Usage::Idle(number) => number,
                Usage::Busy(_) | Usage::Closing => self.next(),
            };
            state.position = position;
            drop(state);
            queue.connections.insert(position, connection);
            if is_idle_longest {
                return true;
            }
        }
        false
    }

    /// Tells all connections, and those that are opened later, to finish what is under way.
    pub(crate) fn stop(&self) {
        let mut queue = lock(&self.queue);
        queue.is_stopping = true;
        for state in queue.connections.values() {
            let mut state = lock(state);
            state.is_stopping = true;
            state.wake();
        }
    }

    /// Returns a permit to tell a client that too many connections are busy; `None` if many are being told already.
    pub(crate) fn refuse(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.refused).try_acquire_owned().ok()
    }

    /// Returns how many connections are open, those included that are closing.
    pub(crate) fn count(&self) -> usize {
        self.max - self.slots.available_permits()
    }

    /// Returns how many connections have a request or an answer that is not finished.
    pub(crate) fn busy(&self) -> usize {
        let idle = self.idle.load(Ordering::Relaxed);
        self.count().saturating_sub(idle)
    }

    fn next(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

impl State {
    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }
}

impl Tracked {
    /// Begins a call, which makes the connection busy. `None` if it was told to close before.
    pub(crate) fn begin(self: &Arc<Self>) -> Option<Busy> {
        let mut state = lock(&self.state);
        state.usage = match state.usage {
            Usage::Idle(_) => {
                self.connections.idle.fetch_sub(1, Ordering::Relaxed);
                Usage::Busy(1)
            }
            Usage::Busy(calls) => Usage::Busy(calls + 1),
            Usage::Closing => return None,
        };
        Some(Busy(Arc::clone(self)))
    }

    fn end(&self) {
        let mut state = lock(&self.state);
        state.usage = match state.usage {
            Usage::Busy(calls @ 2..) => Usage::Busy(calls - 1),
            Usage::Busy(_) => {
                self.connections.idle.fetch_add(1, Ordering::Relaxed);
                Usage::Idle(self.connections.next())
            }
            usage @ (Usage::Idle(_) | Usage::Closing) => usage,
        };
    }

    pub(crate) fn is_idle(&self) -> bool {
        !matches!(lock(&self.state).usage, Usage::Busy(_))
    }

    /// Returns what the connection is told. Its task is woken when that changes.
    pub(crate) fn poll_order(&self, context: &mut Context<'_>) -> Poll<Order> {
        let mut state = lock(&self.state);
        match &mut state.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none @ None => *none = Some(context.waker().clone()),
        }
        match state.usage {
            Usage::Closing => Poll::Ready(Order::Close),
            Usage::Idle(_) | Usage::Busy(_) if state.is_stopping => Poll::Ready(Order::Finish),
            Usage::Idle(_) | Usage::Busy(_) => Poll::Pending,
        }
    }

    /// Returns when the connection should close for another one, at once.
    pub(crate) async fn closing(&self) {
        poll_fn(|context| match self.poll_order(context) {
            Poll::Ready(Order::Close) => Poll::Ready(()),
            Poll::Ready(Order::Finish) | Poll::Pending => Poll::Pending,
        })
        .await;
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        let mut queue = lock(&self.connections.queue);
        let state = lock(&self.state);
        queue.connections.remove(&state.position);
        if let Usage::Idle(_) = state.usage {
            self.connections.idle.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// A call that is not finished. While this lives, its connection is busy.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Tracked>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    /// More than enough for what happens at once.
    const TIME: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn the_connection_that_was_idle_longest_is_closed_for_a_new_one() {
        let connections = Connections::new(2);
        let first = Arc::new(connections.open().await.unwrap());
        let second = Arc::new(connections.open().await.unwrap());
        let (call, other) = (first.begin().unwrap(), second.begin().unwrap());
        let next = first.begin().unwrap();
        assert!(connections.open().await.is_none(), "no connection is idle");
        assert_eq!((connections.count(), connections.busy()), (2, 2));
        drop(other);
        drop(call);
        assert_eq!(connections.busy(), 1, "the next call is not finished");
        drop(next);
        assert_eq!(connections.busy(), 0);
        let close = async {
            second.closing().await;
            assert!(second.begin().is_none(), "it must not begin another call");
            assert_eq!(connections.count(), 2, "until the second one is closed");
            drop(second);
        };
        let opened = async { tokio::join!(connections.open(), close) };
        let (third, ()) = timeout(TIME, opened).await.unwrap();
        let third = third.unwrap();
        assert_eq!(connections.count(), 2);
        let close = async {
            first.closing().await;
            drop(first);
        };
        let opened = async { tokio::join!(connections.open(), close) };
        let (fourth, ()) = timeout(TIME, opened).await.unwrap();
        assert_eq!(connections.busy(), 0);
        drop((third, fourth.unwrap()));
        assert_eq!((connections.count(), connections.busy()), (0, 0));
        assert!(lock(&connections.queue).connections.is_empty());
    }

    #[tokio::test]
    async fn a_busy_connection_is_passed_over() {
        let connections = Connections::new(3);
        let first = Arc::new(connections.open().await.unwrap());
        let second = connections.open().await.unwrap();
        let third = connections.open().await.unwrap();
        let call = first.begin().unwrap();
        for idle in [second, third] {
            let close = async {
                idle.closing().await;
                drop(idle);
            };
            let opened = async { tokio::join!(connections.open(), close) };
            let (opened, ()) = timeout(TIME, opened).await.unwrap();
            // It is busy from now on.
            std::mem::forget(Arc::new(opened.unwrap()).begin());
        }
        assert!(connections.open().await.is_none(), "all are busy");
        drop(call);
        assert!(connections.close_one());
        assert!(first.begin().is_none(), "now it was idle longest");
    }

    #[tokio::test]
    async fn every_connection_is_told_that_the_gateway_stops() {
        let connections = Connections::new(2);
        let first = connections.open().await.unwrap();
        let order = |tracked: &Tracked| tracked.poll_order(&mut Context::from_waker(Waker::noop()));
        assert_eq!(order(&first), Poll::Pending);
        let told = poll_fn(|context| first.poll_order(context));
        let stop = async { connections.stop() };
        let told = async { tokio::join!(told, stop) };
        let (told, ()) = timeout(TIME, told).await.unwrap();
        assert_eq!(told, Order::Finish);
        let second = connections.open().await.unwrap();
        assert_eq!(order(&second), Poll::Ready(Order::Finish));
        assert!(connections.close_one());
        assert_eq!(order(&first), Poll::Ready(Order::Close), "which says more");
    }
}
