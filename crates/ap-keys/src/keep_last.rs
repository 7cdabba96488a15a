//! [`KeepLast`]: the last good keys, while a key source fails.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ap_client::{KeySource, KeySourceError};
use ap_core::ApiKey;

type OnFailure = dyn Fn(&KeySourceError) + Send + Sync;

/// A key source that returns the last good keys of another while that one fails or has none.
///
/// Each failure is passed to a function, and logged as a warning with the feature `tracing`. Before there were
/// any keys, a failure is returned.
///
/// A client does not need this: it keeps the keys that it has. Use it if you ask a key source yourself.
///
/// ```
/// use ap_client::KeySource as _;
/// use ap_keys::{File, KeepLast};
///
/// let keys = KeepLast::new(File::new("/etc/my-service/keys"))
///     .on_failure(|error| eprintln!("the last good keys are kept: {error}"));
/// assert!(keys.keys(None).is_err(), "there were none yet");
/// ```
pub struct KeepLast<S> {
    source: S,
    last_keys: Mutex<Vec<ApiKey>>,
    on_failure: Option<Box<OnFailure>>,
}

impl<S: KeySource> KeepLast<S> {
    /// Wraps a source.
    #[must_use]
    pub const fn new(source: S) -> Self {
        Self {
            source,
            last_keys: Mutex::new(Vec::new()),
            on_failure: None,
        }
    }

    /// Sets a function that is called each time that the last good keys are returned for a failure.
    #[must_use]
    pub fn on_failure(
        mut self,
        function: impl Fn(&KeySourceError) + Send + Sync + 'static,
    ) -> Self {
        self.on_failure = Some(Box::new(function));
        self
    }
}

impl<S: KeySource> KeySource for KeepLast<S> {
    fn keys(&self, remaining: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        let answer = match self.source.keys(remaining) {
            Ok(keys) if keys.is_empty() => Err(KeySourceError::new("the source has no keys")),
            answer => answer,
        };
        let mut last_keys = self
            .last_keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match answer {
            Ok(keys) => {
                last_keys.clone_from(&keys);
                Ok(keys)
            }
            Err(error) if last_keys.is_empty() => Err(error),
            Err(error) => {
                let kept = last_keys.clone();
                drop(last_keys);
                #[cfg(feature = "tracing")]
                tracing::warn!(error = %error, "a key source failed; its last good keys are kept");
                if let Some(on_failure) = &self.on_failure {
                    on_failure(&error);
                }
                Ok(kept)
            }
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for KeepLast<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeepLast")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
