//! [`OnThread`]: a blocking source for async clients.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use ap_core::{ApiKey, AsyncKeySource, KeySource, SourceError};
use async_trait::async_trait;

/// Asks a blocking source on a thread of its own, so that no runtime is held up, whichever it is. A
/// thread lives for one question; dropping the future leaves it to end by itself, as it does in the time
/// that the call had left.
///
/// ```
/// use ap_keys::{File, OnThread};
///
/// let source = OnThread::new(File::new("/etc/my-service/keys"));
/// ```
#[derive(Clone)]
pub struct OnThread<S: ?Sized> {
    source: Arc<S>,
}

impl<S: KeySource + 'static> OnThread<S> {
    /// Around a source.
    #[must_use]
    pub fn new(source: S) -> Self {
        Self {
            source: Arc::new(source),
        }
    }
}

type Answer = Result<Vec<ApiKey>, SourceError>;

/// What the thread leaves for the future, and whom it wakes.
#[derive(Default)]
struct Slot {
    answer: Option<Answer>,
    waker: Option<Waker>,
}

/// Leaves an answer however the thread ends, by a panic of the source too.
struct Reply(Arc<Mutex<Slot>>);

impl Reply {
    fn give(&self, answer: Answer) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.answer.get_or_insert(answer);
        let waker = slot.waker.take();
        drop(slot);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.give(Err(SourceError::new("the key source panicked")));
    }
}

#[async_trait]
impl<S: KeySource + 'static> AsyncKeySource for OnThread<S> {
    async fn keys(&self, left: Option<Duration>) -> Answer {
        let slot = Arc::new(Mutex::new(Slot::default()));
        let reply = Reply(Arc::clone(&slot));
        let source = Arc::clone(&self.source);
        std::thread::Builder::new()
            .name("ap-keys".to_owned())
            .spawn(move || reply.give(source.keys(left)))
            .map_err(|error| {
                SourceError::new("no thread could be started for the key source").with_source(error)
            })?;
        poll_fn(|context| {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            match slot.answer.take() {
                Some(answer) => Poll::Ready(answer),
                None => {
                    slot.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl<S: fmt::Debug> fmt::Debug for OnThread<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnThread").field(&self.source).finish()
    }
}
