//! [`OnThread`]: a blocking source for async clients.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ap_core::{ApiKey, AsyncKeySource, KeySource, SourceError};
use async_trait::async_trait;
use futures_channel::oneshot;
use futures_util::future::{FutureExt as _, Shared};

/// Asks a blocking source on a thread of its own, so that no runtime is held up, whichever it is.
///
/// A thread lives for one question, and there is one at a time. When a future is dropped its question goes on
/// until the source answers, which it does in the time that the call had left; a future that comes meanwhile
/// waits for that answer, and asks anew if it is a failure.
///
/// ```
/// use ap_keys::{File, OnThread};
///
/// let source = OnThread::new(File::new("/etc/my-service/keys"));
/// ```
pub struct OnThread<S> {
    source: Arc<S>,
    out: Arc<Mutex<Option<Question>>>,
}

type Answer = Result<Vec<ApiKey>, SourceError>;

/// A question that is out; its sender is gone without a word if the source panicked.
type Question = Shared<oneshot::Receiver<Answer>>;

impl<S: KeySource + 'static> OnThread<S> {
    /// Around a source.
    #[must_use]
    pub fn new(source: S) -> Self {
        Self {
            source: Arc::new(source),
            out: Arc::default(),
        }
    }

    /// The question that is out, or else a new one, and which of the two it is.
    fn question(&self, left: Option<Duration>) -> Result<(Question, Begun), SourceError> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(question) = &*out {
            return Ok((question.clone(), Begun::Earlier));
        }
        let (reply, answer) = oneshot::channel();
        let (source, ending) = (Arc::clone(&self.source), Ending(Arc::clone(&self.out)));
        let ask = move || {
            let answer = source.keys(left);
            // First, or a later caller could be given an answer of long ago.
            drop(ending);
            // Nobody may be there any more to hear it.
            let _ = reply.send(answer);
        };
        std::thread::Builder::new()
            .name("ap-keys".to_owned())
            .spawn(ask)
            .map_err(|error| {
                SourceError::new("no thread could be started for the key source").with_source(error)
            })?;
        let question = answer.shared();
        *out = Some(question.clone());
        Ok((question, Begun::Now))
    }
}

#[derive(PartialEq)]
enum Begun {
    Earlier,
    Now,
}

/// Ends the question that is out, by a panic of the source too.
struct Ending(Arc<Mutex<Option<Question>>>);

impl Drop for Ending {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

async fn answer(question: Question) -> Answer {
    let panicked = |_| Err(SourceError::new("the key source panicked"));
    question.await.unwrap_or_else(panicked)
}

#[async_trait]
impl<S: KeySource + 'static> AsyncKeySource for OnThread<S> {
    async fn keys(&self, left: Option<Duration>) -> Answer {
        let now = Instant::now();
        let (question, begun) = self.question(left)?;
        let first = answer(question).await;
        if first.is_ok() || begun == Begun::Now {
            return first;
        }
        let left = left.map(|left| left.saturating_sub(now.elapsed()));
        answer(self.question(left)?.0).await
    }
}

impl<S> Clone for OnThread<S> {
    fn clone(&self) -> Self {
        Self {
            source: Arc::clone(&self.source),
            out: Arc::clone(&self.out),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for OnThread<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnThread").field(&self.source).finish()
    }
}
