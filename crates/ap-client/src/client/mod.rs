//! [`Client`]: its methods, and the two send loops.

mod pages;
mod request;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ap_core::exchange::NeedKey;
use ap_core::{
    Account, Draft, Endpoint, Error, KeyRing, Origins, Paged, Response, RetryPolicy, Service,
};
use http::{HeaderName, HeaderValue, Method};

use crate::driver::{Driver, Outcome, Todo};
use crate::mode::{Async, Blocking, Mode};
use crate::rate_limit::RateLimit;
use crate::refresher::{Refreshed, Refresher};
use crate::transport::{Deadline, Moment};

pub use pages::{Items, Pages};
pub use request::RequestBuilder;

/// A client for the ActiveProspect APIs, over any transport. Cheap to clone; share it among threads or tasks.
///
/// `M` is its mode: methods of `Client<Blocking>` block, those of `Client<Async>` are async. A
/// [`ClientBuilder`](crate::ClientBuilder) makes one.
///
/// A response of any status is `Ok`, except one: if the product rejects every key, `send` returns an error of
/// kind [`Auth`](ap_core::ErrorKind::Auth). [`Response::error_for_status`] makes error statuses errors, and
/// [`call`](Client::call) does that by itself. Redirects are not followed.
///
/// ```
/// use ap_client::ap_core::{ApiKey, Service};
/// use ap_client::{Blocking, ClientBuilder, fake};
///
/// let client = ClientBuilder::<Blocking>::new()
///     .key(ApiKey::parse("1234567890")?)
///     .build_with(fake(|_| (200, r#"[{"name":"a flow"}]"#)))?;
///
/// let response = client.get(Service::LeadConduit, "/flows").send()?.error_for_status()?;
/// let flows: Vec<serde_json::Value> = response.json()?;
/// assert_eq!(flows[0]["name"], "a flow");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Client<M: Mode> {
    shared: Arc<Shared<M>>,
    timeout: Duration,
    retry: RetryPolicy,
}

/// What the clones of a client share.
pub(crate) struct Shared<M: Mode> {
    pub(crate) account: Account,
    pub(crate) user_agent: HeaderValue,
    pub(crate) default_headers: Vec<DefaultHeader>,
    pub(crate) refresher: Option<Refresher<M::AnyKeySource>>,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) random: Random,
    pub(crate) transport: Box<M::AnyTransport>,
}

/// A default header of one service. It is added to each request that does not set it.
pub(crate) type DefaultHeader = (Service, HeaderName, HeaderValue);

/// Returns a number from 0 to 1 each time, for the waits between retries.
pub(crate) type Random = Box<dyn Fn() -> f64 + Send + Sync>;

impl<M: Mode> Client<M> {
    pub(crate) fn new(shared: Shared<M>, timeout: Duration, retry: RetryPolicy) -> Self {
        Self {
            shared: Arc::new(shared),
            timeout,
            retry,
        }
    }

    /// Begins a `GET` request to a service. The path begins with `/` and may have a query.
    pub fn get(&self, service: Service, path: impl Into<String>) -> RequestBuilder<M> {
        self.request(Method::GET, service, path)
    }

    /// Begins a `POST` request to a service.
    pub fn post(&self, service: Service, path: impl Into<String>) -> RequestBuilder<M> {
        self.request(Method::POST, service, path)
    }

    /// Begins a `PUT` request to a service.
    pub fn put(&self, service: Service, path: impl Into<String>) -> RequestBuilder<M> {
        self.request(Method::PUT, service, path)
    }

    /// Begins a `DELETE` request to a service.
    pub fn delete(&self, service: Service, path: impl Into<String>) -> RequestBuilder<M> {
        self.request(Method::DELETE, service, path)
    }

    /// Begins a request of any method to a service.
    pub fn request(
        &self,
        method: Method,
        service: Service,
        path: impl Into<String>,
    ) -> RequestBuilder<M> {
        RequestBuilder::new(self.clone(), Draft::new(service, method, path))
    }

    /// Returns every page of an endpoint, from the page it begins with: an [`Iterator`] in blocking mode, a
    /// stream in async mode.
    pub fn pages<E: Paged + Clone>(&self, endpoint: E) -> Pages<E, M> {
        Pages::new(self.clone(), endpoint)
    }

    /// Returns every item of every page: an [`Iterator`] in blocking mode, a stream in async mode.
    pub fn items<E: Paged + Clone>(&self, endpoint: E) -> Items<E, M> {
        Items::new(self.clone(), endpoint)
    }

    /// Returns a client with another timeout for each whole call. It shares everything else.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self {
            timeout,
            ..self.clone()
        }
    }

    /// Returns a client that makes failed calls again by another policy. It shares everything else.
    ///
    /// See [`ClientBuilder::retry`](crate::ClientBuilder::retry).
    #[must_use]
    pub fn with_retry(&self, policy: RetryPolicy) -> Self {
        Self {
            retry: policy,
            ..self.clone()
        }
    }

    /// Returns the account's keys. They can be replaced while calls are in flight.
    #[must_use]
    pub fn keys(&self) -> &KeyRing {
        self.shared.account.keys()
    }

    /// Returns the origins that keys may be sent to.
    #[must_use]
    pub fn origins(&self) -> &Origins {
        self.shared.account.origins()
    }

    /// Returns the transport.
    #[must_use]
    pub fn transport(&self) -> &M::AnyTransport {
        &self.shared.transport
    }

    pub(crate) fn driver(&self, mut draft: Draft) -> Result<Driver, Error> {
        for (service, name, value) in &self.shared.default_headers {
            if *service == draft.service() {
                draft = draft.default_header(name.clone(), value);
            }
        }
        let user_agent = &self.shared.user_agent;
        let attempts = self.retry.attempts();
        Driver::new(draft, self.origins(), user_agent, self.timeout, attempts)
    }

    fn retry_at(
        &self,
        call: &mut Driver,
        outcome: &Outcome,
        now: Moment,
        deadline: Deadline,
    ) -> Option<Moment> {
        let random = (self.shared.random)();
        call.retry_at(outcome, &self.retry, random, now, deadline)
    }
}

/// Blocking calls.
impl Client<Blocking> {
    /// Sends a draft, with a key unless it is [unsigned](Draft::unsigned), and returns the response of any
    /// status.
    ///
    /// # Errors
    ///
    /// [`Error`] if the request cannot be sent, if no key was accepted, or if no complete response was
    /// received.
    pub fn send(&self, draft: Draft) -> Result<Response, Error> {
        self.run(&mut self.driver(draft)?)
    }

    /// Calls an endpoint and returns its decoded response.
    ///
    /// # Errors
    ///
    /// [`Error`], like [`send`](Self::send), and if the response has an error status or is not as expected.
    pub fn call<E: Endpoint>(&self, endpoint: E) -> Result<E::Output, Error> {
        endpoint.decode(self.send(endpoint.draft())?)
    }

    pub(crate) fn run(&self, call: &mut Driver) -> Outcome {
        call.trace().run(|| self.send_until_done(call))
    }

    fn send_until_done(&self, call: &mut Driver) -> Outcome {
        let transport = &*self.shared.transport;
        let deadline = call.deadline(transport.now());
        let mut todo = Todo::Begin;
        loop {
            todo = match todo {
                Todo::Begin => {
                    let started = match &self.shared.rate_limit {
                        Some(limit) => self.wait_for_start(limit, deadline),
                        None => Ok(()),
                    };
                    match started {
                        Ok(()) => call.begin(&self.shared.account),
                        Err(error) => call.not_started(error),
                    }
                }
                Todo::Send(sent) => {
                    let outcome = transport.send(call.request(), deadline);
                    call.received(sent, outcome)
                }
                Todo::RefreshKeys(need) => {
                    let refreshed = self.refresh_keys(&need, deadline);
                    call.refreshed(need, refreshed)
                }
                Todo::Failed(outcome) => {
                    match self.retry_at(call, &outcome, transport.now(), deadline) {
                        Some(moment) => {
                            call.keep(outcome);
                            transport.sleep_until(moment);
                            Todo::Begin
                        }
                        None => Todo::Done(outcome),
                    }
                }
                Todo::Done(outcome) => return outcome,
            };
        }
    }

    fn wait_for_start(&self, limit: &RateLimit, deadline: Deadline) -> Result<(), Error> {
        let transport = &*self.shared.transport;
        let now = transport.now();
        let start = limit.reserve(now, deadline)?;
        if start.at() > now {
            transport.sleep_until(start.at());
        }
        start.begun();
        Ok(())
    }

    fn refresh_keys(&self, need: &NeedKey, deadline: Deadline) -> Refreshed<'_> {
        match &self.shared.refresher {
            Some(refresher) => refresher.refresh(&*self.shared.transport, need, deadline),
            None => Refreshed::no_keys(),
        }
    }
}

/// Async calls. You can drop a call's future at any point: the call ends and nothing is left behind.
impl Client<Async> {
    /// Sends a draft, with a key unless it is [unsigned](Draft::unsigned), and returns the response of any
    /// status.
    ///
    /// # Errors
    ///
    /// [`Error`] if the request cannot be sent, if no key was accepted, or if no complete response was
    /// received.
    pub async fn send(&self, draft: Draft) -> Result<Response, Error> {
        self.run(&mut self.driver(draft)?).await
    }

    /// Sends a draft like [`send`](Self::send), and again as long as `repeats` returns `true` for the error: a
    /// retry policy of your own. All of it together may take as long as one call. The request is checked now; it is sent, and
    /// its time begins, when the future is polled.
    ///
    /// `repeats` must see to it that a second request does no harm, for example by [`Error::may_retry`].
    ///
    /// ```
    /// # async fn f(client: ap_client::Client<ap_client::Async>) -> Result<(), ap_client::ap_core::Error> {
    /// use ap_client::ap_core::{Draft, Error, Service};
    ///
    /// let mut repeats = 0..2;
    /// let repeats = |error: &Error| error.may_retry() && repeats.next().is_some();
    /// let draft = Draft::get(Service::LeadConduit, "/flows");
    /// let response = client.send_while(draft, repeats).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`], like [`send`](Self::send).
    pub fn send_while(
        &self,
        draft: Draft,
        mut repeats: impl FnMut(&Error) -> bool,
    ) -> impl Future<Output = Result<Response, Error>> {
        // Prepared here, because an async block would also store the draft.
        let mut call = self.driver(draft);
        async move {
            match call {
                Err(error) => Err(error),
                Ok(ref mut call) => loop {
                    match self.run(call).await {
                        Err(error) if repeats(&error) => call.begin_again(&error),
                        outcome => return outcome,
                    }
                },
            }
        }
    }

    /// Calls an endpoint and returns its decoded response.
    ///
    /// # Errors
    ///
    /// [`Error`], like [`send`](Self::send), and if the response has an error status or is not as expected.
    pub async fn call<E: Endpoint>(&self, endpoint: E) -> Result<E::Output, Error> {
        let response = self.send(endpoint.draft()).await?;
        endpoint.decode(response)
    }

    pub(crate) fn run(&self, call: &mut Driver) -> impl Future<Output = Outcome> {
        call.trace().run_async(|| self.send_until_done(call))
    }

    async fn send_until_done(&self, call: &mut Driver) -> Outcome {
        let transport = &*self.shared.transport;
        let deadline = call.deadline(transport.now());
        let mut todo = Todo::Begin;
        loop {
            todo = match todo {
                Todo::Begin => {
                    let started = match &self.shared.rate_limit {
                        Some(limit) => self.wait_for_start(limit, deadline).await,
                        None => Ok(()),
                    };
                    match started {
                        Ok(()) => call.begin(&self.shared.account),
                        Err(error) => call.not_started(error),
                    }
                }
                Todo::Send(sent) => {
                    let outcome = transport.send(call.request(), deadline).await;
                    call.received(sent, outcome)
                }
                Todo::RefreshKeys(need) => {
                    // A refresh is rare and its future is large. In a box, it does not make the future of every call larger.
                    let refreshed = Box::pin(self.refresh_keys(&need, deadline)).await;
                    call.refreshed(need, refreshed)
                }
                Todo::Failed(outcome) => {
                    match self.retry_at(call, &outcome, transport.now(), deadline) {
                        Some(moment) => {
                            call.keep(outcome);
                            transport.sleep_until(moment).await;
                            Todo::Begin
                        }
                        None => Todo::Done(outcome),
                    }
                }
                Todo::Done(outcome) => return outcome,
            };
        }
    }

    async fn wait_for_start(&self, limit: &RateLimit, deadline: Deadline) -> Result<(), Error> {
        let transport = &*self.shared.transport;
        let now = transport.now();
        let start = limit.reserve(now, deadline)?;
        if start.at() > now {
            transport.sleep_until(start.at()).await;
        }
        start.begun();
        Ok(())
    }

    async fn refresh_keys(&self, need: &NeedKey, deadline: Deadline) -> Refreshed<'_> {
        match &self.shared.refresher {
            Some(refresher) => {
                let transport = &*self.shared.transport;
                refresher.refresh(transport, need, deadline).await
            }
            None => Refreshed::no_keys(),
        }
    }
}

impl<M: Mode> Clone for Client<M> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            timeout: self.timeout,
            retry: self.retry,
        }
    }
}

impl<M: Mode> fmt::Debug for Client<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("keys", self.keys())
            .field("origins", self.origins())
            .field("timeout", &self.timeout)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}
