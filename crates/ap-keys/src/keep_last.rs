//! [`KeepLast`]: the last good keys of a source that fails.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ap_core::{ApiKey, KeySource, SourceError};

type Warn = dyn Fn(&SourceError) + Send + Sync;

/// Returns the last good keys while a source fails or has none, and hands each failure to a function;
/// with the feature `tracing` it is logged as a warning too. As long as there were no keys yet, the failure
/// is returned.
///
/// A client needs no such thing: it keeps the keys that it has. This is for whoever asks by themselves.
///
/// ```
/// use ap_core::KeySource as _;
/// use ap_keys::{File, KeepLast};
///
/// let keys = KeepLast::new(File::new("/etc/my-service/keys"))
///     .on_failure(|why| eprintln!("the last good keys are kept: {why}"));
/// assert!(keys.keys(None).is_err(), "there were none yet");
/// ```
pub struct KeepLast<S> {
    source: S,
    last: Mutex<Vec<ApiKey>>,
    warn: Option<Box<Warn>>,
}

impl<S: KeySource> KeepLast<S> {
    /// Around a source.
    #[must_use]
    pub const fn new(source: S) -> Self {
        Self {
            source,
            last: Mutex::new(Vec::new()),
            warn: None,
        }
    }

    /// Calls this each time that the last good keys stand in.
    #[must_use]
    pub fn on_failure(mut self, warn: impl Fn(&SourceError) + Send + Sync + 'static) -> Self {
        self.warn = Some(Box::new(warn));
        self
    }
}

impl<S: KeySource> KeySource for KeepLast<S> {
    fn keys(&self, left: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        let asked = match self.source.keys(left) {
            Ok(keys) if keys.is_empty() => Err(SourceError::new("the source has no keys")),
            asked => asked,
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match asked {
            Ok(keys) => {
                last.clone_from(&keys);
                Ok(keys)
            }
            Err(error) if last.is_empty() => Err(error),
            Err(error) => {
                let kept = last.clone();
                drop(last);
                #[cfg(feature = "tracing")]
                tracing::warn!(error = %error, "a key source failed: its last good keys are kept");
                if let Some(warn) = &self.warn {
                    warn(&error);
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
