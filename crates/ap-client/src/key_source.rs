//! [`KeySource`] and [`AsyncKeySource`]: where keys come from when every known one was refused.

use std::error::Error as StdError;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::key::ApiKey;

/// Where a client gets its keys from: a file, a command, a secret store.
///
/// A client asks when a call has found every key that it knew refused (or had none), for one call at a
/// time, and not again within [`key_source_interval`](crate::ClientBuilder::key_source_interval). What
/// it gets is the account's list from then on, for every call.
///
/// # Contract
///
/// - Return **every** key that some product may still take, oldest first: after a reset that is the old
///   one and the new one, until somebody has logged in to each product. Of more than
///   [`MAX_KEYS`](crate::MAX_KEYS) the newest are kept; an empty list changes nothing.
/// - Come back within `left`, the time that the call has left (`None`: any time).
/// - Never return a part of a key: of a file that is half-written or a store that is locked, say so.
///
/// ```
/// use ap_core::{ApiKey, KeySource, SourceError};
/// use std::time::Duration;
///
/// struct Vault;
///
/// impl KeySource for Vault {
///     fn keys(&self, _left: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
///         let texts = ["1234567890", "0987654321"]; // from wherever yours are kept
///         texts
///             .iter()
///             .map(|text| ApiKey::parse(text).map_err(|e| SourceError::new("the vault's key").with_source(e)))
///             .collect()
///     }
/// }
///
/// assert_eq!(Vault.keys(None)?.len(), 2);
/// # Ok::<(), SourceError>(())
/// ```
pub trait KeySource: Send + Sync {
    /// The account's keys as they are now, oldest first, under the contract above.
    ///
    /// # Errors
    ///
    /// [`SourceError`] if there are none to be had at present; the client keeps those that it has.
    fn keys(&self, left: Option<Duration>) -> Result<Vec<ApiKey>, SourceError>;
}

/// The same for async clients, under the same contract, and one rule more: the future may be dropped
/// at any await.
#[async_trait]
#[diagnostic::on_unimplemented(note = "a blocking source is one inside of `ap_keys::OnThread`")]
pub trait AsyncKeySource: Send + Sync {
    /// The account's keys as they are now, oldest first, under the contract of [`KeySource`].
    ///
    /// # Errors
    ///
    /// [`SourceError`] if there are none to be had at present; the client keeps those that it has.
    async fn keys(&self, left: Option<Duration>) -> Result<Vec<ApiKey>, SourceError>;
}

impl<S: KeySource + ?Sized> KeySource for Arc<S> {
    fn keys(&self, left: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        self.deref().keys(left)
    }
}

impl<S: KeySource + ?Sized> KeySource for Box<S> {
    fn keys(&self, left: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        self.deref().keys(left)
    }
}

#[async_trait]
impl<S: AsyncKeySource + ?Sized> AsyncKeySource for Box<S> {
    async fn keys(&self, left: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        self.deref().keys(left).await
    }
}

#[async_trait]
impl<S: AsyncKeySource + ?Sized> AsyncKeySource for Arc<S> {
    async fn keys(&self, left: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        self.deref().keys(left).await
    }
}

/// Why a source has no keys: one sentence for the person who keeps it, and the error behind it. It is
/// shared by all calls that waited for the same answer, so it is cheap to clone.
///
/// Whoever makes one answers for its text: no key, and no part of one.
#[derive(Clone)]
pub struct SourceError {
    message: Arc<str>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl SourceError {
    /// An error with this text.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into().into(),
            source: None,
        }
    }

    /// The same with the error behind it, whose text is not repeated in this one's.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    pub(crate) fn took_too_long() -> Self {
        Self::new("the key source took longer than the call had left")
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceError")
            .field("message", &self.message)
            .field("source", &self.source)
            .finish()
    }
}

impl StdError for SourceError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}
