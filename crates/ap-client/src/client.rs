//! [`Client`] and [`AsyncClient`]: the exchange over a transport, in both colours.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};

use crate::ask::{Ask, INTERVAL};
use crate::error::{CallError, Refusal};
use crate::exchange::{Account, Answer, Replay, Step};
use crate::key::ApiKey;
use crate::origin::Origins;
use crate::product::Service;
use crate::request::{self, RequestError};
use crate::ring::KeyRing;
use crate::settings::{Proxy, Settings};
use crate::source::{AsyncKeySource, KeySource};
use crate::trace::Trace;
use crate::transport::{AsyncTransport, Connect, Deadline, Transport, TransportError};
use crate::unauthorized::UNAUTHORIZED_BODY_LIMIT;

const USER_AGENT: &str = concat!("activeprospect-rust/", env!("CARGO_PKG_VERSION"));

/// What a client is made of, whatever its colour.
#[derive(Debug)]
struct Shared<T, S: ?Sized> {
    transport: T,
    account: Account,
    user_agent: HeaderValue,
    source: Option<Ask<S>>,
}

/// The exchange, from the unsigned request to its final answer. The blocking and the async client run
/// this very text, which differs by the `await` alone.
macro_rules! drive {
    ($client:expr, $request:expr, $trace:expr $(, $await:ident)?) => {{
        let transport = &$client.shared.transport;
        let mut request = with_accept($request);
        let deadline = Deadline::after(transport.now(), $client.timeout);
        let (mut last, mut source_error) = (None, None);
        let mut step = $client.shared.account.begin(&request, Replay::Allowed)?;
        loop {
            step = match step {
                Step::Send(attempt) => {
                    attempt.sign(&mut request)?;
                    $trace.attempt(&attempt);
                    let response = transport.send(&request, deadline)$(.$await)??;
                    match attempt.answered(response.status(), start_of_401(&response)) {
                        Answer::Final => break Ok(response),
                        Answer::Next(step) => {
                            $trace.refused(&step);
                            last = Some(response);
                            step
                        }
                    }
                }
                Step::NeedKey(need) => match &$client.shared.source {
                    None => need.resume(),
                    Some(ask) => {
                        let next = ask.refresh(transport, need, deadline)$(.$await)?;
                        $trace.asked(&next);
                        source_error = next.error;
                        next.step
                    }
                },
                Step::Failed(error) => break Err(Refusal::new(error, last, source_error).into()),
            }
        }
    }};
}

/// Declares one client; the two differ in colour alone.
macro_rules! client {
    ($(#[$doc:meta])* $name:ident: $bound:ident, $source:ident $(, $async:ident, $await:ident)?) => {
        $(#[$doc])*
        pub struct $name<T> {
            shared: Arc<Shared<T, dyn $source>>,
            timeout: Duration,
        }

        impl<T> $name<T> {
            /// A builder, with every default in place.
            pub fn builder() -> ClientBuilder<Self> {
                ClientBuilder::new()
            }

            /// The account's keys. They can be replaced while calls are under way.
            #[must_use]
            pub fn keys(&self) -> &KeyRing {
                self.shared.account.keys()
            }

            /// Where the keys may go.
            #[must_use]
            pub fn origins(&self) -> &Origins {
                self.shared.account.origins()
            }

            /// The transport.
            #[must_use]
            pub fn transport(&self) -> &T {
                &self.shared.transport
            }

            /// The same client with another time for each whole call; it shares everything else.
            #[must_use]
            pub fn with_timeout(&self, timeout: Duration) -> Self {
                Self { shared: Arc::clone(&self.shared), timeout }
            }

            /// A request to a service, with an empty body, `Accept: application/json` (which the
            /// vendor needs) and this client's `User-Agent`. The path begins with `/` and may have a
            /// query; what must be percent-encoded is.
            ///
            /// # Errors
            ///
            /// [`RequestError::Target`] if the path could name another host, climbs, or is not sound.
            pub fn request(
                &self,
                service: Service,
                method: Method,
                path: &str,
            ) -> Result<Request<Bytes>, RequestError> {
                self.shared.request(service, method, path)
            }

            /// The same with a body, written as JSON.
            ///
            /// # Errors
            ///
            /// As for [`request`](Self::request), and [`RequestError::Body`] if the body cannot be
            /// written as JSON.
            pub fn request_json(
                &self,
                service: Service,
                method: Method,
                path: &str,
                body: &(impl serde::Serialize + ?Sized),
            ) -> Result<Request<Bytes>, RequestError> {
                let mut request = self.request(service, method, path)?;
                *request.body_mut() =
                    serde_json::to_vec(body).map_err(|_| RequestError::Body)?.into();
                request
                    .headers_mut()
                    .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                Ok(request)
            }
        }

        impl<T: $bound> $name<T> {
            /// Signs a request and sends it, with `Accept: application/json` if it has none. Every status is an answer, save for a 401 by which the
            /// product refused every key. Redirects are answers too, and are not followed.
            ///
            /// # Errors
            ///
            /// [`CallError`] if the request may not carry a key, if no key opened the call (the 401 is
            /// then in the error), or if no complete response was received.
            pub $($async)? fn send(
                &self,
                request: Request<Bytes>,
            ) -> Result<Response<Bytes>, CallError> {
                let trace = Trace::begin(&request);
                let outcome = client!(@run trace, { drive!(self, request, trace $(, $await)?) } $(, $async, $await)?);
                trace.end(&outcome);
                outcome
            }

            /// Sends a request without a key, for the operations that the vendor documents as open.
            /// It goes only to this client's origins, and may not bring an `Authorization` of its own.
            ///
            /// # Errors
            ///
            /// [`CallError`] if the request is not one to send, or if no complete response was
            /// received.
            pub $($async)? fn send_unsigned(
                &self,
                request: Request<Bytes>,
            ) -> Result<Response<Bytes>, CallError> {
                let trace = Trace::begin(&request);
                let outcome = client!(@run trace, {
                    self.shared.check_unsigned(&request)?;
                    let request = with_accept(request);
                    let transport = &self.shared.transport;
                    let deadline = Deadline::after(transport.now(), self.timeout);
                    Ok(transport.send(&request, deadline)$(.$await)??)
                } $(, $async, $await)?);
                trace.end(&outcome);
                outcome
            }
        }

        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                Self { shared: Arc::clone(&self.shared), timeout: self.timeout }
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("account", &self.shared.account)
                    .field("timeout", &self.timeout)
                    .finish_non_exhaustive()
            }
        }

        impl<T> ClientBuilder<$name<T>> {
            /// Where keys come from when a call found every known one refused, or had none. The source
            /// is asked by one call at a time, and only such calls wait for it, each at most as long as
            /// it may take itself. Its list is the account's from then on.
            pub fn key_source(mut self, source: impl $source + 'static) -> Self {
                self.source = Some(Arc::new(source));
                self
            }
        }

        impl<T> private::Built for $name<T> {
            type Transport = T;
            type Source = dyn $source;
            fn of(
                transport: T,
                account: Account,
                user_agent: HeaderValue,
                timeout: Duration,
                source: Option<(Arc<dyn $source>, Duration)>,
            ) -> Self {
                let source = source.map(|(source, interval)| Ask::new(source, interval));
                Self { shared: Arc::new(Shared { transport, account, user_agent, source }), timeout }
            }
        }
    };
    (@run $trace:expr, $body:block) => {
        $trace.in_scope(|| -> Result<Response<Bytes>, CallError> { $body })
    };
    (@run $trace:expr, $body:block, $async:ident, $await:ident) => {
        $trace.instrument(typed($async { $body })).$await
    };
}

/// Tells the compiler what an async block resolves to.
fn typed<F: Future<Output = Result<Response<Bytes>, CallError>>>(future: F) -> F {
    future
}

client! {
    /// A blocking client for the ActiveProspect APIs. Cheap to clone; share it among threads.
    ///
    /// A transport crate gives it its transport: use that crate's `Client`. See [`Transport`] for one
    /// of your own.
    Client: Transport, KeySource
}

client! {
    /// An async client for the ActiveProspect APIs, on any runtime that its transport runs on. Cheap
    /// to clone; share it among tasks. Dropping a call's future ends the call and leaves nothing
    /// behind.
    ///
    /// A transport crate gives it its transport: use that crate's `Client`. See [`AsyncTransport`] for
    /// one of your own.
    AsyncClient: AsyncTransport, AsyncKeySource, async, await
}

/// The vendor answers 403 to a request without `Accept`, and HTTP libraries add one of their own.
fn with_accept(mut request: Request<Bytes>) -> Request<Bytes> {
    if !request.headers().keys().any(|name| *name == header::ACCEPT) {
        request
            .headers_mut()
            .insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    }
    request
}

/// What the exchange looks at: of a 401 the start of the body, else nothing.
fn start_of_401(response: &Response<Bytes>) -> &[u8] {
    if response.status() == StatusCode::UNAUTHORIZED {
        let body = response.body();
        &body[..body.len().min(UNAUTHORIZED_BODY_LIMIT + 1)]
    } else {
        &[]
    }
}

impl<T, S: ?Sized> Shared<T, S> {
    fn request(
        &self,
        service: Service,
        method: Method,
        path: &str,
    ) -> Result<Request<Bytes>, RequestError> {
        let origin = self.account.origins().get(service);
        let uri = request::uri_at(origin, path).map_err(RequestError::Target)?;
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::USER_AGENT, self.user_agent.clone());
        Ok(request)
    }

    fn check_unsigned(&self, request: &Request<Bytes>) -> Result<(), RequestError> {
        request::check_all(request, &[], &[], self.account.origins())?;
        request::check_no_key_in(request.uri(), self.account.keys().snapshot().credentials())
    }
}

mod private {
    /// What a builder ends in. Sealed: it is for the two clients alone.
    #[allow(unnameable_types)]
    pub trait Built {
        type Transport;
        type Source: ?Sized;
        fn of(
            transport: Self::Transport,
            account: super::Account,
            user_agent: http::HeaderValue,
            timeout: std::time::Duration,
            source: Option<(std::sync::Arc<Self::Source>, std::time::Duration)>,
        ) -> Self;
    }
}

/// Makes a [`Client`] or an [`AsyncClient`]; both have the same settings and defaults.
#[must_use = "a builder makes nothing before `build`"]
pub struct ClientBuilder<C: private::Built> {
    keys: KeyRing,
    source: Option<Arc<C::Source>>,
    source_interval: Duration,
    origins: Origins,
    settings: Settings,
    user_agent: Option<String>,
    client: PhantomData<fn() -> C>,
}

impl<C: private::Built> ClientBuilder<C> {
    fn new() -> Self {
        Self {
            keys: KeyRing::empty(),
            source: None,
            source_interval: INTERVAL,
            origins: Origins::vendor(),
            settings: Settings::default(),
            user_agent: None,
            client: PhantomData,
        }
    }

    /// The account's key. Without one and without a key source, only unsigned calls can be made.
    pub fn key(self, key: ApiKey) -> Self {
        self.keys(KeyRing::of_one(key))
    }

    /// The account's keys, when there are several or when another client shares them.
    pub fn keys(mut self, keys: KeyRing) -> Self {
        self.keys = keys;
        self
    }

    /// How long the key source is left in peace after it answered: a second unless said. Calls that
    /// would ask sooner share its last answer.
    pub fn key_source_interval(mut self, interval: Duration) -> Self {
        self.source_interval = interval;
        self
    }

    /// Where keys may go; the vendor's production origins unless said.
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// All settings of the transport at once.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// See [`Settings::timeout`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// See [`Settings::connect_timeout`].
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.connect_timeout = timeout;
        self
    }

    /// See [`Settings::body_limit`].
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.settings.body_limit = bytes;
        self
    }

    /// Trusts the root certificates in this PEM text besides the built-in ones.
    pub fn root_pem(mut self, pem: impl Into<Bytes>) -> Self {
        self.settings.root_pems.push(pem.into());
        self
    }

    /// See [`Settings::proxy`].
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.settings.proxy = Some(proxy);
        self
    }

    /// The `User-Agent` of requests that this client makes: printable ASCII.
    pub fn user_agent(mut self, text: impl Into<String>) -> Self {
        self.user_agent = Some(text.into());
        self
    }
}

impl<C: private::Built> fmt::Debug for ClientBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("keys", &self.keys)
            .field("origins", &self.origins)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl<C: private::Built> ClientBuilder<C> {
    /// Makes the client with a transport of its own. No packet leaves yet.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if a setting cannot be kept.
    pub fn build(self) -> Result<C, BuildError>
    where
        C::Transport: Connect,
    {
        let transport = C::Transport::connect(&self.settings)?;
        self.build_with(transport)
    }

    /// Makes the client with a ready transport, which keeps its own settings; of this builder's, the
    /// keys, the origins, the user agent and the time of a whole call count.
    ///
    /// # Errors
    ///
    /// [`BuildError::UserAgent`].
    pub fn build_with(self, transport: C::Transport) -> Result<C, BuildError> {
        let user_agent = match self.user_agent {
            None => HeaderValue::from_static(USER_AGENT),
            Some(text) if text.bytes().all(|b| matches!(b, b' '..=b'~')) => {
                HeaderValue::try_from(text).map_err(|_| BuildError::UserAgent)?
            }
            Some(_) => return Err(BuildError::UserAgent),
        };
        let account = Account::new(self.keys, self.origins);
        let interval = self.source_interval;
        let source = self.source.map(|source| (source, interval));
        Ok(C::of(
            transport,
            account,
            user_agent,
            self.settings.timeout,
            source,
        ))
    }
}

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The user agent is not printable ASCII.
    #[error("the user agent is not printable ASCII")]
    UserAgent,
    /// The transport cannot keep a setting.
    #[error(transparent)]
    Transport(#[from] TransportError),
}
