//! [`CallTimer`]: limits how long a call takes.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// The time of the calls on one connection. All of them share one of tokio's timers, which is set again only if it is over,
/// or would be too late: a call on a connection that was used before costs no timer. When it is over after its call, it
/// wakes that call's task for nothing; until then it keeps that task's memory.
#[derive(Debug, Default)]
pub(crate) struct CallTimer {
    /// When the present call must be over. `None` if it may take for ever.
    end: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl CallTimer {
    /// Begins another call.
    pub(crate) const fn restart(&mut self, end: Option<Instant>) {
        self.end = end;
    }

    /// Returns when the time of the call is over.
    pub(crate) fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(end) = self.end else {
            return Poll::Pending;
        };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if sleep.deadline() > end {
            sleep.as_mut().reset(end);
        }
        loop {
            // A response that keeps the task busy uses up its share of the runtime, and must end in time too.
            ready!(pin!(unconstrained(sleep.as_mut())).poll(context));
            // It may have been set for an earlier call.
            if sleep.deadline() >= end {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use tokio::task::consume_budget;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    async fn is_over(timer: &mut CallTimer) -> bool {
        poll_fn(|context| Poll::Ready(timer.poll_over(context).is_ready())).await
    }

    async fn over(timer: &mut CallTimer) {
        poll_fn(|context| timer.poll_over(context)).await;
    }

    #[tokio::test]
    async fn each_call_has_its_own_time() {
        let mut timer = CallTimer::default();
        let now = Instant::now();
        for (end, expected) in [
            (None, false),
            (Some(now + HOUR), false),
            (Some(now), true),
            (Some(now + HOUR), false),
            (Some(now + 2 * HOUR), false),
            (None, false),
            (Some(now), true),
        ] {
            timer.restart(end);
            if expected {
                over(&mut timer).await;
            }
            assert_eq!(is_over(&mut timer).await, expected, "{end:?}");
        }
    }

    #[tokio::test]
    async fn it_ends_a_call_that_has_used_up_its_share_of_the_runtime() {
        let mut timer = CallTimer::default();
        timer.restart(Some(Instant::now()));
        over(&mut timer).await;
        let mut busy = pin!(async {
            loop {
                consume_budget().await;
            }
        });
        let ended = poll_fn(|context| {
            assert!(busy.as_mut().poll(context).is_pending());
            Poll::Ready(timer.poll_over(context).is_ready())
        });
        assert!(ended.await);
    }
}
