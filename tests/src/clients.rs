//! [`TestClient`]: a client of either mode, so that a test is written once for both.

use std::sync::Arc;
use std::time::Duration;

use ap_client::ap_core::{ApiKey, Draft, Error, KeyRing, Origins, Response, RetryPolicy};
use ap_client::transport::{AsyncTransport, Connect as _, Transport, TransportConfig};
use ap_client::{Async, Blocking, Client, ClientBuilder, KeySource, Mode};
use ap_keys::OnThread;
use ap_reqwest::ReqwestTransport;
use ap_ureq::UreqTransport;
use tokio::runtime::Runtime;

use crate::PATIENCE;

/// What the two clients of a test have in common.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "no test prints it")]
pub struct Settings {
    keys: Vec<ApiKey>,
    origins: Origins,
    key_source: Option<Arc<dyn KeySource>>,
    min_refresh_interval: Duration,
    /// Which failed calls are made again: none at first.
    pub retry: RetryPolicy,
    /// How many calls may start in what time: any number at first.
    pub rate_limit: Option<(u32, Duration)>,
    /// The settings of the transport.
    pub config: TransportConfig,
}

impl Settings {
    /// Creates settings with the most patience.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = ApiKey>, origins: &Origins) -> Self {
        Self {
            keys: keys.into_iter().collect(),
            origins: origins.clone(),
            key_source: None,
            min_refresh_interval: Duration::from_secs(1),
            retry: RetryPolicy::NEVER,
            rate_limit: None,
            config: TransportConfig::new().connect_timeout(PATIENCE),
        }
    }

    /// Adds a key source. The async client asks it on a thread of its own.
    #[must_use]
    pub fn key_source(mut self, source: impl KeySource + 'static) -> Self {
        self.key_source = Some(Arc::new(source));
        self
    }

    /// Sets the minimum time between refreshes.
    #[must_use]
    pub const fn min_refresh_interval(mut self, interval: Duration) -> Self {
        self.min_refresh_interval = interval;
        self
    }

    /// Makes the blocking client over ureq, and the async one over reqwest.
    ///
    /// # Errors
    ///
    /// [`Error`] if a setting cannot be used.
    pub fn clients(&self) -> Result<[TestClient; 2], Error> {
        Ok([
            self.blocking(UreqTransport::connect(&self.config)?)?,
            self.asynchronous(ReqwestTransport::connect(&self.config)?)?,
        ])
    }

    /// Makes a blocking client over this transport.
    ///
    /// # Errors
    ///
    /// [`Error`] if a setting cannot be used.
    pub fn blocking(&self, transport: impl Transport + 'static) -> Result<TestClient, Error> {
        let mut builder = self.builder::<Blocking>()?;
        if let Some(source) = &self.key_source {
            builder = builder.key_source(Arc::clone(source));
        }
        Ok(TestClient::Blocking(builder.build_with(transport)?))
    }

    /// Makes an async client over this transport, with a runtime of its own.
    ///
    /// # Errors
    ///
    /// [`Error`] if a setting cannot be used.
    pub fn asynchronous(
        &self,
        transport: impl AsyncTransport + 'static,
    ) -> Result<TestClient, Error> {
        let mut builder = self.builder::<Async>()?;
        if let Some(source) = &self.key_source {
            builder = builder.key_source(OnThread::new(Arc::clone(source)));
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::build("there is no runtime").with_source(error))?;
        Ok(TestClient::Async(builder.build_with(transport)?, runtime))
    }

    /// Returns what both builders have in common.
    fn builder<M: Mode>(&self) -> Result<ClientBuilder<M>, Error> {
        let keys = KeyRing::new(self.keys.iter().cloned());
        let builder = ClientBuilder::new()
            .keys(keys.map_err(|error| Error::build(error.to_string()))?)
            .origins(self.origins.clone())
            .min_refresh_interval(self.min_refresh_interval)
            .retry(self.retry)
            .timeout(PATIENCE);
        Ok(match self.rate_limit {
            Some((calls, per)) => builder.rate_limit(calls, per),
            None => builder,
        })
    }
}

/// A client of either mode.
#[derive(Debug)]
pub enum TestClient {
    /// Its methods block.
    Blocking(Client<Blocking>),
    /// Its methods are async. The runtime is the one that its calls run on.
    Async(Client<Async>, Runtime),
}

impl TestClient {
    /// Sends a draft and waits for the outcome.
    ///
    /// # Errors
    ///
    /// [`Error`] from the client's `send`.
    pub fn send(&self, draft: Draft) -> Result<Response, Error> {
        match self {
            Self::Blocking(client) => client.send(draft),
            Self::Async(client, runtime) => runtime.block_on(client.send(draft)),
        }
    }

    /// Returns this client with another timeout.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        match self {
            Self::Blocking(client) => Self::Blocking(client.with_timeout(timeout)),
            Self::Async(client, runtime) => Self::Async(client.with_timeout(timeout), runtime),
        }
    }

    /// Returns the name of the mode.
    #[must_use]
    pub fn mode(&self) -> &'static str {
        match self {
            Self::Blocking(_) => "blocking",
            Self::Async(..) => "async",
        }
    }

    /// Returns the client's keys.
    #[must_use]
    pub fn keys(&self) -> &KeyRing {
        match self {
            Self::Blocking(client) => client.keys(),
            Self::Async(client, _) => client.keys(),
        }
    }

    /// Returns the client's origins.
    #[must_use]
    pub fn origins(&self) -> &Origins {
        match self {
            Self::Blocking(client) => client.origins(),
            Self::Async(client, _) => client.origins(),
        }
    }
}
