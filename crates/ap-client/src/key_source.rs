//! [`KeySource`] and [`AsyncKeySource`]: where keys come from when every known one was rejected.

use std::error::Error as StdError;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use ap_core::ApiKey;

/// Where a client gets its keys from: a file, a command, a secret store.
///
/// A client asks when a call found every key rejected, or had none. It asks for one call at a time and not
/// again within
/// [`min_refresh_interval`](crate::ClientBuilder::min_refresh_interval). The keys it gets become the account's
/// keys, for every call.
///
/// # Contract
///
/// - Return **every** key that some product may still accept, oldest first. After a reset that is the old and
///   the new key, until someone has logged in to each product. Of more than
///   [`MAX_KEYS`](ap_core::MAX_KEYS) the newest are kept; an empty list changes nothing.
/// - Return within `remaining`, the time that the call has left (`None`: no limit).
/// - Never return a part of a key. If a file is still being written or a store is locked, return an error.
///
/// ```
/// use ap_client::ap_core::ApiKey;
/// use ap_client::{KeySource, KeySourceError};
/// use std::time::Duration;
///
/// struct Vault;
///
/// impl KeySource for Vault {
///     fn keys(&self, _remaining: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
///         let texts = ["1234567890", "0987654321"]; // from your secret store
///         let parse = |text: &&str| ApiKey::parse(text);
///         let keys: Result<_, _> = texts.iter().map(parse).collect();
///         keys.map_err(|error| KeySourceError::new("the vault's key is invalid").with_source(error))
///     }
/// }
///
/// assert_eq!(Vault.keys(None)?.len(), 2);
/// # Ok::<(), KeySourceError>(())
/// ```
pub trait KeySource: Send + Sync {
    /// Returns the account's present keys, oldest first, under the contract above.
    ///
    /// # Errors
    ///
    /// [`KeySourceError`] if there are none at present. The client keeps the keys it has.
    fn keys(&self, remaining: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError>;
}

/// A [`KeySource`] for async clients. The contract is the same, and the future may be dropped at any point.
///
/// ```
/// use ap_client::ap_core::ApiKey;
/// use ap_client::{AsyncKeySource, KeySourceError};
/// use async_trait::async_trait;
/// use std::time::Duration;
/// # async fn fetch() -> std::io::Result<String> { Ok("1234567890".to_owned()) }
///
/// struct Vault;
///
/// #[async_trait]
/// impl AsyncKeySource for Vault {
///     async fn keys(&self, _remaining: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
///         let unreachable = |error| KeySourceError::new("the vault cannot be reached").with_source(error);
///         let text = fetch().await.map_err(unreachable)?; // your secret store
///         let key = ApiKey::parse(&text);
///         let key = key.map_err(|error| KeySourceError::new("the vault's key is invalid").with_source(error))?;
///         Ok(vec![key])
///     }
/// }
/// # use std::task::{Context, Poll, Waker};
/// # let mut keys = Vault.keys(None);
/// # let Poll::Ready(keys) = keys.as_mut().poll(&mut Context::from_waker(Waker::noop())) else { panic!() };
/// # assert_eq!(keys?.len(), 1);
/// # Ok::<(), KeySourceError>(())
/// ```
#[async_trait]
#[diagnostic::on_unimplemented(note = "wrap a blocking key source in `ap_keys::OnThread`")]
pub trait AsyncKeySource: Send + Sync {
    /// Returns the account's present keys, oldest first, under the contract of [`KeySource`].
    ///
    /// # Errors
    ///
    /// [`KeySourceError`] if there are none at present. The client keeps the keys it has.
    async fn keys(&self, remaining: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError>;
}

impl<S: KeySource + ?Sized> KeySource for Arc<S> {
    fn keys(&self, remaining: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        self.deref().keys(remaining)
    }
}

impl<S: KeySource + ?Sized> KeySource for Box<S> {
    fn keys(&self, remaining: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        self.deref().keys(remaining)
    }
}

#[async_trait]
impl<S: AsyncKeySource + ?Sized> AsyncKeySource for Box<S> {
    async fn keys(&self, remaining: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        self.deref().keys(remaining).await
    }
}

#[async_trait]
impl<S: AsyncKeySource + ?Sized> AsyncKeySource for Arc<S> {
    async fn keys(&self, remaining: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        self.deref().keys(remaining).await
    }
}

/// Why a key source has no keys: one sentence for the person who can fix it, and the error behind it.
///
/// All calls that waited for the same answer share it, so it is cheap to clone. If you make one, you are
/// responsible for its text: no key, and no part of one.
///
/// ```
/// use ap_client::KeySourceError;
/// use std::error::Error as _;
/// use std::io;
///
/// let missing = io::Error::from(io::ErrorKind::NotFound);
/// let error = KeySourceError::new("the keys file cannot be read").with_source(missing);
/// assert_eq!(error.to_string(), "the keys file cannot be read");
/// assert_eq!(error.source().unwrap().to_string(), "entity not found");
/// ```
#[derive(Clone)]
pub struct KeySourceError {
    message: Arc<str>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl KeySourceError {
    /// Creates an error with this text.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into().into(),
            source: None,
        }
    }

    /// Adds the error behind this one. Do not repeat its text in this one's.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    pub(crate) fn timed_out() -> Self {
        Self::new("the key source took longer than the call may take")
    }
}

impl fmt::Display for KeySourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for KeySourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySourceError")
            .field("message", &self.message)
            .field("source", &self.source)
            .finish()
    }
}

impl StdError for KeySourceError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}
