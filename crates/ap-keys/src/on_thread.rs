//! [`OnThread`]: a blocking key source for async clients.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ap_client::{AsyncKeySource, KeySource, KeySourceError};
use ap_core::ApiKey;
use async_trait::async_trait;
use futures_channel::oneshot;
use futures_util::future::{FutureExt as _, Shared};

/// An async key source that asks a blocking one on a thread of its own. It works on every runtime.
///
/// There is one refresh at a time, on a thread that ends with it. If a future is dropped, its refresh continues
/// until the source answers, within the time that the call had. A future that is created meanwhile waits for
/// that answer. If that is an error, it starts a refresh of its own, because it may have more time.
///
/// ```
/// use ap_keys::{File, OnThread};
///
/// let source = OnThread::new(File::new("/etc/my-service/keys"));
/// ```
pub struct OnThread<S> {
    source: Arc<S>,
    in_flight: Arc<Mutex<Option<Refresh>>>,
}

type Answer = Result<Vec<ApiKey>, KeySourceError>;

/// A refresh in flight. Its sender is dropped without an answer if the source panics.
type Refresh = Shared<oneshot::Receiver<Answer>>;

impl<S: KeySource + 'static> OnThread<S> {
    /// Wraps a blocking source.
    #[must_use]
    pub fn new(source: S) -> Self {
        Self {
            source: Arc::new(source),
            in_flight: Arc::default(),
        }
    }

    /// Returns the refresh in flight or else a new one, and `true` if it is new.
    fn join_or_start(
        &self,
        remaining: Option<Duration>,
    ) -> Result<(Refresh, bool), KeySourceError> {
        let mut in_flight = self
            .in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(refresh) = &*in_flight {
            return Ok((refresh.clone(), false));
        }
        let (sender, receiver) = oneshot::channel();
        let (source, slot) = (Arc::clone(&self.source), Arc::clone(&self.in_flight));
        let run = move || {
            // Made here: if no thread can be started, dropping it would wait for the lock held above.
            let guard = InFlightGuard(slot);
            let answer = source.keys(remaining);
            // Before the answer is sent: a later call must not join a refresh that has ended.
            drop(guard);
            // An error means that nobody waits any more.
            let _ = sender.send(answer);
        };
        std::thread::Builder::new()
            .name("ap-keys".to_owned())
            .spawn(run)
            .map_err(|error| {
                KeySourceError::new("no thread could be started for the key source")
                    .with_source(error)
            })?;
        let refresh = receiver.shared();
        *in_flight = Some(refresh.clone());
        Ok((refresh, true))
    }
}

/// Ends the refresh in flight when dropped, also if the source panics.
struct InFlightGuard(Arc<Mutex<Option<Refresh>>>);

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

async fn answer(refresh: Refresh) -> Answer {
    let panicked = |_| Err(KeySourceError::new("the key source panicked"));
    refresh.await.unwrap_or_else(panicked)
}

#[async_trait]
impl<S: KeySource + 'static> AsyncKeySource for OnThread<S> {
    async fn keys(&self, remaining: Option<Duration>) -> Answer {
        let started = Instant::now();
        let (refresh, is_new) = self.join_or_start(remaining)?;
        let first = answer(refresh).await;
        if first.is_ok() || is_new {
            return first;
        }
        let remaining = remaining.map(|time| time.saturating_sub(started.elapsed()));
        answer(self.join_or_start(remaining)?.0).await
    }
}

impl<S> Clone for OnThread<S> {
    fn clone(&self) -> Self {
        Self {
            source: Arc::clone(&self.source),
            in_flight: Arc::clone(&self.in_flight),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for OnThread<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnThread").field(&self.source).finish()
    }
}
