//! [`ClientBuilder`]: makes a client.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use ap_core::{
    Account, ApiKey, Draft, Error, KeyRing, Origins, RequestError, RetryPolicy, Service,
};
use http::{HeaderName, HeaderValue};

use crate::client::{Client, DefaultHeader, Random, Shared};
use crate::key_source::{AsyncKeySource, KeySource};
use crate::mode::{Async, Blocking, Mode};
use crate::rate_limit::RateLimit;
use crate::refresher::{DEFAULT_INTERVAL, Refresher};
use crate::transport::{AsyncTransport, Connect, Transport, TransportConfig};

const USER_AGENT: &str = concat!("activeprospect-rust/", env!("CARGO_PKG_VERSION"));

/// Makes a [`Client`]. Both modes have the same settings and defaults.
///
/// `T` is the type of the transport that [`build`](ClientBuilder::build) makes. Each transport crate has an alias of
/// `ClientBuilder` in which `T` is already its transport. This builder has no settings of a transport: give those to
/// [`build_with_config`](ClientBuilder::build_with_config). A transport that you made yourself has its settings already, so
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
    retry: RetryPolicy,
    random: Random,
    rate_limit: Option<(u32, Duration)>,
    user_agent: Option<String>,
    default_headers: Vec<DefaultHeader>,
    /// What is wrong with a default header.
    problem: Option<Error>,
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
            retry: RetryPolicy::NEVER,
            random: Box::new(random),
            rate_limit: None,
            user_agent: None,
            default_headers: Vec::new(),
            problem: None,
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

    /// Sets how long a whole call may take, every attempt and wait included; 60 s by default.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Retries failed calls by this policy. By default, nothing is retried.
    ///
    /// Only what is safe to repeat is repeated: [`RetryPolicy`] has the rules. A submitted lead is never repeated. After a
    /// rejected key, the client tries its next key with or without a policy. The call's [timeout](Self::timeout) covers all
    /// attempts and the waits between them. If a wait would last longer than the time that is left, the call ends at once
    /// with its last response or error.
    ///
    /// [`RequestBuilder::retry`](crate::RequestBuilder::retry) and
    /// [`Client::with_retry`] set another policy for some calls.
    ///
    /// ```
    /// use ap_client::ap_core::{ApiKey, RetryPolicy, Service};
    /// use ap_client::{Blocking, ClientBuilder, fake};
    ///
    /// let mut statuses = [503, 503, 200].into_iter();
    /// let client = ClientBuilder::<Blocking>::new()
    ///     .key(ApiKey::parse("1234567890")?)
    ///     .retry(RetryPolicy::new(3))
    ///     .build_with(fake(move |_| (statuses.next().unwrap(), "[]")))?; // a fake waits in no time
    /// assert_eq!(client.get(Service::LeadConduit, "/flows").send()?.status(), 200);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Sets where the random numbers for the waits between retries come from: a function that returns a number from 0 to
    /// 1 each time. By default they come from the standard library's `RandomState`.
    pub fn random(mut self, source: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.random = Box::new(source);
        self
    }

    /// Starts at most `calls` calls within any period of the length `per`. Clones of the client share the limit.
    ///
    /// A call waits for its turn within its [timeout](Self::timeout). If its turn does not come before that, it fails at
    /// once with an error of kind [`RateLimit`](ap_core::ErrorKind::RateLimit), and nothing is sent. Each retry needs a
    /// turn too; without one, the call ends with the response or error of the attempt before. The second request after a
    /// rejected key needs no turn, so a key reset does not use up the limit.
    ///
    /// After a pause, as many calls start at once as the limit allows. For one call every 100 ms, set
    /// `rate_limit(1, Duration::from_millis(100))`. The client remembers each call of the last period, 24 bytes each.
    ///
    /// ```
    /// use ap_client::ap_core::{ApiKey, ErrorKind, Service};
    /// use ap_client::{Blocking, ClientBuilder, fake};
    /// use std::time::Duration;
    ///
    /// let client = ClientBuilder::<Blocking>::new()
    ///     .key(ApiKey::parse("1234567890")?)
    ///     .rate_limit(2, Duration::from_secs(60))
    ///     .timeout(Duration::from_secs(10))
    ///     .build_with(fake(|_| (200, "[]")))?;
    /// let call = || client.get(Service::LeadConduit, "/flows").send();
    /// assert!(call().is_ok() && call().is_ok());
    /// assert_eq!(call().unwrap_err().kind(), ErrorKind::RateLimit);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn rate_limit(mut self, calls: u32, per: Duration) -> Self {
        self.rate_limit = Some((calls, per));
        self
    }

    /// Sets the `User-Agent`: printable ASCII.
    pub fn user_agent(mut self, text: impl Into<String>) -> Self {
        self.user_agent = Some(text.into());
        self
    }

    /// Sets a header of each request to a service, unless the request has its own one. What
    /// [`Draft::header`] refuses is refused here too, when the client is built.
    ///
    /// Use this to choose the version of TrustedForm's API for plain requests. Otherwise the account's setting decides.
    /// Typed endpoints keep the version that they are made for.
    ///
    /// ```
    /// use ap_client::ap_core::{ApiKey, Service};
    /// use ap_client::{Blocking, ClientBuilder, fake};
    ///
    /// let client = ClientBuilder::<Blocking>::new()
    ///     .key(ApiKey::parse("1234567890")?)
    ///     .default_header(Service::TrustedForm, "api-version", "3.0")
    ///     .build_with(fake(|request| (200, request.headers()["api-version"].as_bytes().to_vec())))?;
    /// let path = "/0123456789abcdef0123456789abcdef01234567";
    /// assert_eq!(client.post(Service::TrustedForm, path).send()?.text()?, "3.0");
    /// let request = client.post(Service::TrustedForm, path).header("api-version", "4.0");
    /// assert_eq!(request.send()?.text()?, "4.0");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn default_header<N, V>(mut self, service: Service, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        match default_header(service, name, value) {
            Ok(header) => {
                let is_other = |other: &DefaultHeader| (other.0, &other.1) != (header.0, &header.1);
                self.default_headers.retain(is_other);
                self.default_headers.push(header);
            }
            Err(error) => drop(self.problem.get_or_insert(error)),
        }
        self
    }

    fn finish(self, transport: Box<M::AnyTransport>) -> Result<Client<M>, Error> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
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
        let rate_limit = self.rate_limit;
        let rate_limit = rate_limit.map(|(calls, per)| RateLimit::new(calls, per));
        let shared = Shared {
            account: Account::new(keys, self.origins),
            user_agent,
            default_headers: self.default_headers,
            refresher,
            rate_limit: rate_limit.transpose()?,
            random: self.random,
            transport,
        };
        Ok(Client::new(shared, self.timeout, self.retry))
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

    /// Makes the client with a transport that you made, or with a [`fake`](crate::fake). The transport has its own
    /// settings.
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

    /// Makes the client with a transport that you made, or with a [`fake`](crate::fake). The transport has its own
    /// settings.
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

/// Checks a default header by the same rules as a header of a request.
fn default_header<N, V>(service: Service, name: N, value: V) -> Result<DefaultHeader, Error>
where
    N: TryInto<HeaderName>,
    V: TryInto<HeaderValue>,
{
    let refused = |error: Error| Error::build(format!("a default header cannot be sent: {error}"));
    let Ok(name) = name.try_into() else {
        return Err(refused(RequestError::HeaderName.into()));
    };
    let Ok(value) = value.try_into() else {
        return Err(refused(RequestError::HeaderValue(name).into()));
    };
    let draft = Draft::get(service, "/").header(name.clone(), value.clone());
    match draft.prepare(&Origins::vendor(), None) {
        Ok(_) => Ok((service, name, value)),
        Err(error) => Err(refused(error)),
    }
}

/// Returns another number from 0 to 1 each time. It need not be unpredictable.
fn random() -> f64 {
    let number = RandomState::new().hash_one(());
    // 2^53 whole numbers have exact doubles.
    (number >> 11) as f64 / (1_u64 << 53) as f64
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
            .field("retry", &self.retry)
            .field("rate_limit", &self.rate_limit)
            .finish_non_exhaustive()
    }
}
