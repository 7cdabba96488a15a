//! [`HeadTimer`]: limits how long a client takes for the head of a request.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// The time of the heads of one connection, whose task is always the same. All of them share one of tokio's timers, which is
/// set again only when it is over: a call costs no timer.
#[derive(Debug)]
pub(crate) struct HeadTimer {
    limit: Duration,
    /// When the time of the current head is over, if it has begun.
    end: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl HeadTimer {
    /// Creates the timer of a new connection.
    pub(crate) const fn new(limit: Duration) -> Self {
        Self {
            limit,
            end: None,
            sleep: None,
        }
    }

    /// Notes that the next head is another one. Its time begins when this is polled.
    pub(crate) const fn restart(&mut self) {
        self.end = None;
    }

    /// Returns when the time of the head is over.
    pub(crate) fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        if self.end.is_none() {
            self.end = now.checked_add(self.limit);
        }
        let Some(end) = self.end else {
            return Poll::Pending;
        };
        let sleep = match &mut self.sleep {
            // It wakes the task.
            Some(sleep) if now < sleep.deadline() => return Poll::Pending,
            sleep => sleep.get_or_insert_with(|| Box::pin(sleep_until(end))),
        };
        loop {
            // A task that has used up its share of the runtime would not be woken by it later.
            ready!(pin!(unconstrained(sleep.as_mut())).poll(context));
            // It may have been set for an earlier head.
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

    use tokio::task::consume_budget;
    use tokio::time::timeout;

    use super::*;

    async fn is_over(timer: &mut HeadTimer) -> bool {
        poll_fn(|context| Poll::Ready(timer.poll_over(context).is_ready())).await
    }

    #[tokio::test]
    async fn it_wakes_a_task_that_had_used_up_its_share_of_the_runtime() {
        let mut timer = HeadTimer::new(Duration::from_millis(20));
        let mut busy = pin!(async {
            loop {
                consume_budget().await;
            }
        });
        let mut is_first = true;
        let over = poll_fn(|context| {
            if std::mem::take(&mut is_first) {
                assert!(busy.as_mut().poll(context).is_pending());
            }
            timer.poll_over(context)
        });
        timeout(Duration::from_secs(30), over).await.unwrap();
    }

    #[tokio::test]
    async fn each_head_has_the_whole_time() {
        let mut timer = HeadTimer::new(Duration::ZERO);
        poll_fn(|context| timer.poll_over(context)).await;
        assert!(is_over(&mut timer).await);
        timer.limit = Duration::from_secs(3600);
        assert!(is_over(&mut timer).await, "the time of this head was over");
        timer.restart();
        assert!(!is_over(&mut timer).await, "it is another head");
        timer.limit = Duration::MAX;
        timer.restart();
        assert!(!is_over(&mut timer).await, "no clock counts so far");
    }
}
