//! [`ClientBuilder`]: makes a client.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use ap_core::{Account, ApiKey, Error, KeyRing, Origins};
use http::HeaderValue;

use crate::client::Client;
use crate::key_source::{AsyncKeySource, KeySource};
use crate::mode::{Async, Blocking, Mode};
use crate::refresher::{DEFAULT_INTERVAL, Refresher};
use crate::transport::{AsyncTransport, Connect, Transport, TransportConfig};

const USER_AGENT: &str = concat!("activeprospect-rust/", env!("CARGO_PKG_VERSION"));

/// Makes a [`Client`]. Both modes have the same settings and defaults.
///
/// `T` is the transport that [`build`](ClientBuilder::build) connects; transport crates have an alias with
/// their own. The settings of a transport are not settings of this builder: give them to
/// [`build_with_config`](ClientBuilder::build_with_config). A transport that you made yourself has its own, so
/// [`build_with`](ClientBuilder::build_with) takes none.
///
/// ```
/// use ap_client::ap_core::ApiKey;
/// use ap_client::{Blocking, ClientBuilder, fake};
/// use std::time::Duration;
///
/// let client = ClientBuilder::<Blocking>::new()
///     .key(ApiKey::parse("1234567890")?)
///     .timeout(Duration::from_secs(10))
///     .build_with(fake(|_| (200, "[]")))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a builder makes nothing before `build`"]
pub struct ClientBuilder<M: Mode, T = ()> {
    key: Vec<ApiKey>,
    keys: Option<KeyRing>,
    source: Option<Arc<M::AnyKeySource>>,
    min_refresh_interval: Duration,
    origins: Origins,
    timeout: Duration,
    user_agent: Option<String>,
    transport: PhantomData<fn() -> T>,
}

impl<M: Mode, T> ClientBuilder<M, T> {
    /// Creates a builder with all defaults.
    pub fn new() -> Self {
        Self {
            key: Vec::new(),
            keys: None,
            source: None,
            min_refresh_interval: DEFAULT_INTERVAL,
            origins: Origins::vendor(),
            timeout: Duration::from_secs(60),
            user_agent: None,
            transport: PhantomData,
        }
    }

    /// Adds a key of the account. Add several oldest first, for example the old and the new one of a reset.
    ///
    /// Without a key and a key source, only unsigned calls can be made.
    pub fn key(mut self, key: ApiKey) -> Self {
        self.key.push(key);
        self
    }

    /// Sets the account's keys to a ring that you keep, to replace its keys later, or share with another
    /// client. Give either this or [`key`](Self::key).
    pub fn keys(mut self, keys: KeyRing) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Sets the minimum time between refreshes; 1 s by default. Calls that need keys sooner share the key
    /// source's last answer.
    pub const fn min_refresh_interval(mut self, interval: Duration) -> Self {
        self.min_refresh_interval = interval;
        self
    }

    /// Sets the origins that keys may be sent to; the vendor's by default.
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// Sets how long a whole call may take, every attempt included; 60 s by default.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the `User-Agent`: printable ASCII.
    pub fn user_agent(mut self, text: impl Into<String>) -> Self {
        self.user_agent = Some(text.into());
        self
    }

    fn finish(self, transport: Box<M::AnyTransport>) -> Result<Client<M>, Error> {
        let keys = match self.keys {
            Some(_) if !self.key.is_empty() => {
                let why = "the client was given both `key` and `keys`; give one of them";
                return Err(Error::build(why));
            }
            Some(keys) => keys,
            None => KeyRing::new(self.key).map_err(|error| Error::build(error.to_string()))?,
        };
        let user_agent = match self.user_agent {
            None => HeaderValue::from_static(USER_AGENT),
            Some(text) => {
                let is_printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
                let value = HeaderValue::try_from(text).ok().filter(|_| is_printable);
                value.ok_or_else(|| Error::build("the user agent is not printable ASCII"))?
            }
        };
        let interval = self.min_refresh_interval;
        let refresher = self.source.map(|source| Refresher::new(source, interval));
        let account = Account::new(keys, self.origins);
        Ok(Client::new(
            account,
            user_agent,
            refresher,
            self.timeout,
            transport,
        ))
    }
}

impl<T> ClientBuilder<Blocking, T> {
    /// Sets where keys come from when a call found every key rejected, or had none.
    ///
    /// One call at a time asks the source. Calls in the same situation wait for it, each until its own
    /// deadline; all others go on. The source's keys become the account's keys.
    pub fn key_source(mut self, source: impl KeySource + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Makes the client, with default settings of the transport. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Error`] if a setting cannot be used.
    pub fn build(self) -> Result<Client<Blocking>, Error>
    where
        T: Connect + Transport + 'static,
    {
        self.build_with_config(&TransportConfig::default())
    }

    /// Makes the client, with these settings of the transport. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Error`] if a setting cannot be used.
    pub fn build_with_config(self, config: &TransportConfig) -> Result<Client<Blocking>, Error>
    where
        T: Connect + Transport + 'static,
    {
        self.build_with(T::connect(config)?)
    }

    /// Makes the client with a ready transport, which has its own settings: yours, or a
    /// [`fake`](crate::fake).
    ///
    /// # Errors
    ///
    /// [`Error`] if a setting cannot be used.
    pub fn build_with(
        self,
        transport: impl Transport + 'static,
    ) -> Result<Client<Blocking>, Error> {
        self.finish(Box::new(transport))
    }
}

impl<T> ClientBuilder<Async, T> {
    /// Sets where keys come from when a call found every key rejected, or had none.
    ///
    /// One call at a time asks the source. Calls in the same situation wait for it, each until its own
    /// deadline; all others go on. The source's keys become the account's keys.
    pub fn key_source(mut self, source: impl AsyncKeySource + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Makes the client, with default settings of the transport. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Error`] if a setting cannot be used.
    pub fn build(self) -> Result<Client<Async>, Error>
    where
        T: Connect + AsyncTransport + 'static,
    {
        self.build_with_config(&TransportConfig::default())
    }

    /// Makes the client, with these settings of the transport. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Error`] if a setting cannot be used.
    pub fn build_with_config(self, config: &TransportConfig) -> Result<Client<Async>, Error>
    where
        T: Connect + AsyncTransport + 'static,
    {
        self.build_with(T::connect(config)?)
    }

    /// Makes the client with a ready transport, which has its own settings: yours, or a
    /// [`fake`](crate::fake).
    ///
    /// # Errors
    ///
    /// [`Error`] if a setting cannot be used.
    pub fn build_with(
        self,
        transport: impl AsyncTransport + 'static,
    ) -> Result<Client<Async>, Error> {
        self.finish(Box::new(transport))
    }
}

impl<M: Mode, T> Default for ClientBuilder<M, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: Mode, T> fmt::Debug for ClientBuilder<M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("key", &self.key)
            .field("keys", &self.keys)
            .field("origins", &self.origins)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
