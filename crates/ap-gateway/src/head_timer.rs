//! [`HeadTimer`]: limits how long a client takes for the head of a request.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

/// The timer of one connection. hyper makes a sleep for each head and drops it with the head, so all of them share one of
/// tokio's, which is set again only when it is over: a call costs no timer.
#[derive(Clone, Default)]
pub(crate) struct HeadTimer(Arc<Mutex<Option<Pin<Box<tokio::time::Sleep>>>>>);

struct HeadSleep {
    timer: HeadTimer,
    end: Instant,
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, end: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(HeadSleep {
            timer: self.clone(),
            end,
        })
    }
}

impl Future for HeadSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut kept = self.timer.0.lock().unwrap_or_else(PoisonError::into_inner);
        let end = self.end.into();
        let sleep = kept.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
        loop {
            if sleep.deadline() > end {
                sleep.as_mut().reset(end);
            }
            ready!(sleep.as_mut().poll(context));
            // It may have been set for an earlier head.
            if sleep.deadline() >= end {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(end);
        }
    }
}

impl Sleep for HeadSleep {}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test]
    async fn each_sleep_ends_at_its_own_time() {
        let timer = HeadTimer::default();
        let now = Instant::now();
        let hour = Duration::from_secs(3600);
        // A sleep that is dropped leaves a timer that is set too late, or too early, for the next one.
        for end in [now + hour, now, now + 2 * hour, now + hour, now, now] {
            let mut sleep = timer.sleep_until(end);
            if end > now {
                let polled = poll_fn(|context| Poll::Ready(sleep.as_mut().poll(context))).await;
                assert!(polled.is_pending());
            } else {
                sleep.await;
            }
        }
    }
}
