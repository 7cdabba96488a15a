//! Waiting without a runtime: limits on async calls, pauses, and [`block_on`].
//!
//! The suite must run on any runtime, so it uses no timer of one. A thread wakes the future instead. It
//! also sees a call that blocks its runtime's timers, when that call returns.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::POLL_INTERVAL;
use crate::outcome::{CallResult, Outcome};

/// Awaits a call until it is over, cancelled, or hung.
pub(super) async fn watch_call<F>(
    call: F,
    time: Duration,
    is_cancelled: impl Fn() -> bool,
) -> Outcome
where
    F: Future<Output = CallResult>,
{
    let timer = Timer::start(time);
    let mut call = pin!(call);
    std::future::poll_fn(|context| {
        timer.wake_by(context.waker());
        let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context)));
        match polled {
            Err(panic) => Poll::Ready(Outcome::of_panic(&*panic)),
            Ok(Poll::Ready(result)) => Poll::Ready(Outcome::of(result)),
            Ok(Poll::Pending) if is_cancelled() => Poll::Ready(Outcome::of_kind("cancelled")),
            Ok(Poll::Pending) if timer.is_past() => Poll::Ready(Outcome::hung(time)),
            Ok(Poll::Pending) => Poll::Pending,
        }
    })
    .await
}

/// Waits without blocking the runtime.
pub(super) async fn pause(time: Duration) {
    if time.is_zero() {
        return;
    }
    let timer = Timer::start(time);
    std::future::poll_fn(|context| {
        timer.wake_by(context.waker());
        if timer.is_past() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// Awaits all of some futures at the same time.
pub(crate) async fn all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, output) in &mut waiting {
            if output.is_none()
                && let Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *output = Some(ready);
            }
        }
        if waiting.iter().all(|(_, output)| output.is_some()) {
            let outputs = waiting.iter_mut().filter_map(|(_, output)| output.take());
            Poll::Ready(outputs.collect())
        } else {
            Poll::Pending
        }
    })
    .await
}

/// Wakes a future every few milliseconds, so that it can check what no waker announces.
struct Timer {
    /// `None` if the time is too long to count, so never.
    end: Option<Instant>,
    shared: Arc<SharedTimer>,
}

#[derive(Default)]
struct SharedTimer {
    state: Mutex<TimerState>,
    changed: Condvar,
}

#[derive(Default)]
struct TimerState {
    is_over: bool,
    waker: Option<Waker>,
}

impl Timer {
    fn start(time: Duration) -> Self {
        let shared = Arc::new(SharedTimer::default());
        let for_thread = Arc::clone(&shared);
        std::thread::spawn(move || {
            let mut state = for_thread
                .state
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            while !state.is_over {
                if let Some(waker) = state.waker.take() {
                    waker.wake();
                }
                state = for_thread
                    .changed
                    .wait_timeout(state, POLL_INTERVAL)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
        });
        Self {
            end: Instant::now().checked_add(time),
            shared,
        }
    }

    fn wake_by(&self, waker: &Waker) {
        let state = self.shared.state.lock();
        state.unwrap_or_else(PoisonError::into_inner).waker = Some(waker.clone());
    }

    fn is_past(&self) -> bool {
        self.end.is_some_and(|end| Instant::now() > end)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let state = self.shared.state.lock();
        state.unwrap_or_else(PoisonError::into_inner).is_over = true;
        self.shared.changed.notify_all();
    }
}

/// Runs a future on this thread, without any runtime.
///
/// For tests, and for transports that need no runtime.
///
/// ```
/// assert_eq!(ap_conformance::block_on(async { 1 + 1 }), 2);
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future: Pin<&mut F> = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
