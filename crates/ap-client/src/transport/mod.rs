//! For authors of transports: [`Transport`] and [`AsyncTransport`], their contract, and what they share.
//!
//! A transport is one round trip. Implement one of the two traits over your HTTP library, give it to
//! [`ClientBuilder::build_with`](crate::ClientBuilder::build_with), and check it with the conformance suite of
//! `ap-conformance`. Implement [`Connect`] as well if it can be made from a [`TransportConfig`].
//!
//! Over a blocking library, begin with [`FnTransport`]: it makes a transport from one function, and does the rest.
//! What every transport has to do is also here one by one, for you to call:
//!
//! | for | call |
//! |---|---|
//! | the clock | [`Clock`] |
//! | the checks before sending, and the request's framing | [`check_request`], [`check_plain_http`], [`host`], [`wire_headers`] |
//! | connecting, and reads and writes that end with the deadline | [`DeadlineStream`], [`Deadline::begin`] |
//! | the proxy of a request | [`TransportConfig::proxy_for`] |
//! | the response | [`response_head`] from a status and header lines; [`read_response`] from a reader; [`check_head`] and [`BodyPieces`] piece by piece; [`body_capacity`] to read it in another way |
//! | errors | [`library_error`] from an error with sources, [`io_error`], [`io_error_kind`], [`TlsError`] |
//! | TLS by rustls, with the feature `rustls` | `rustls_config`, `rustls_error_kind` |

mod body_pieces;
mod clock;
mod config;
mod deadline;
mod fn_transport;
mod framing;
mod io_error;
mod library_error;
mod localhost;
mod response;
mod root_certificates;
#[cfg(feature = "rustls")]
mod rustls_config;
#[cfg(feature = "rustls")]
mod rustls_error;
mod tcp;
mod tls_error;

use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

pub use ap_core::origin::is_loopback;
pub use ap_core::{TransportError, TransportErrorKind};
pub use body_pieces::BodyPieces;
pub use clock::Clock;
pub use config::{Proxy, TransportConfig};
pub(crate) use deadline::LONGEST;
pub use deadline::{Deadline, Moment};
pub use fn_transport::{FnTransport, OutgoingCall};
pub use framing::{
    announces_empty_body, body_capacity, check_head, check_plain_http, check_request, host,
    may_end_connection, wire_headers,
};
pub use io_error::{io_error, io_error_kind};
pub use library_error::library_error;
pub use localhost::{LOCALHOST, localhost_addresses};
pub use response::{read_response, response_head};
#[cfg(feature = "rustls")]
pub use rustls_config::rustls_config;
#[cfg(feature = "rustls")]
pub use rustls_error::rustls_error_kind;
pub use tcp::DeadlineStream;
pub use tls_error::{TlsError, TlsErrorKind};

/// A blocking transport: sends one request and returns its response.
///
/// # Contract
///
/// - **An error means that no complete response was received.** A response of any status is `Ok`, also a 401
///   or a redirect.
/// - Send exactly this request, once: method, URI, headers and body unchanged. Add the framing (`Host`,
///   `Content-Length`) and nothing else. If the library would change the request, return
///   [`Unsendable`](TransportErrorKind::Unsendable) instead.
/// - Follow nothing: no redirects, no challenges, no cookies, no retries.
/// - Return every header line, repeated ones included, and the body as it came. A body that ends early is an
///   error; see [`check_head`].
/// - Keep the [`Deadline`] over everything, and send nothing after it.
/// - Verify TLS. Use only a proxy that was given, and none for loopback. Send plain http only to loopback; see
///   [`check_plain_http`]. Never look up the name `localhost`; see [`localhost_addresses`].
/// - Read nothing from the environment: no variables about proxies, certificates or TLS secrets, and no `.netrc`.
/// - Send a request with [`FreshConnection`] in its extensions on a connection that carried no request before.
/// - Do not log, print or keep anything of requests and responses, and put nothing of them into errors.
///
/// ```
/// use ap_client::ap_core::{ApiKey, Service};
/// use ap_client::transport::{Clock, Deadline, Moment, Transport, TransportError};
/// use ap_client::{Blocking, ClientBuilder};
/// use bytes::Bytes;
/// use http::{Request, Response};
///
/// struct MyTransport {
///     clock: Clock,
/// }
///
/// impl Transport for MyTransport {
///     fn now(&self) -> Moment {
///         self.clock.now()
///     }
///
///     fn sleep_until(&self, moment: Moment) {
///         self.clock.sleep_until(moment);
///     }
///
///     fn send(&self, request: &Request<Bytes>, deadline: Deadline) -> Result<Response<Bytes>, TransportError> {
///         let _remaining = deadline.begin(self.now())?;
///         // Your HTTP library goes here.
///         assert_eq!(request.uri(), "https://app.leadconduit.com/flows");
///         Ok(Response::new(Bytes::from_static(b"[]")))
///     }
/// }
///
/// let client = ClientBuilder::<Blocking>::new()
///     .key(ApiKey::parse("1234567890")?)
///     .build_with(MyTransport { clock: Clock::start() })?;
/// assert_eq!(client.get(Service::LeadConduit, "/flows").send()?.text()?, "[]");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Transport: Send + Sync {
    /// Returns the present moment on this transport's clock.
    fn now(&self) -> Moment;

    /// Waits until the moment has passed.
    ///
    /// Clients wait by this between retries and for the rate limit. A call that waits so long holds its thread.
    fn sleep_until(&self, moment: Moment);

    /// Makes one round trip, under the contract above.
    ///
    /// # Errors
    ///
    /// [`TransportError`] if no complete response was received.
    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError>;
}

/// An async transport. The contract is that of [`Transport`], and dropping a future ends its round trip and
/// leaves nothing behind.
///
/// ```
/// use ap_client::ap_core::{ApiKey, Service};
/// use ap_client::transport::{AsyncTransport, Clock, Deadline, Moment, TransportError};
/// use ap_client::{Async, ClientBuilder};
/// use async_trait::async_trait;
/// use bytes::Bytes;
/// use http::{Request, Response};
/// # use std::task::{Context, Poll, Waker};
/// # async fn sleep(_: std::time::Duration) {}
///
/// struct MyTransport {
///     clock: Clock,
/// }
///
/// #[async_trait]
/// impl AsyncTransport for MyTransport {
///     fn now(&self) -> Moment {
///         self.clock.now()
///     }
///
///     async fn sleep_until(&self, moment: Moment) {
///         // The sleep of your runtime.
///         sleep(moment.since_start().saturating_sub(self.now().since_start())).await;
///     }
///
///     async fn send(&self, request: &Request<Bytes>, deadline: Deadline) -> Result<Response<Bytes>, TransportError> {
///         let _remaining = deadline.begin(self.now())?;
///         // Your HTTP library goes here.
///         assert_eq!(request.uri(), "https://app.leadconduit.com/flows");
///         Ok(Response::new(Bytes::from_static(b"[]")))
///     }
/// }
///
/// let client = ClientBuilder::<Async>::new()
///     .key(ApiKey::parse("1234567890")?)
///     .build_with(MyTransport { clock: Clock::start() })?;
/// let call = client.get(Service::LeadConduit, "/flows").send(); // await it
/// # let mut call = std::pin::pin!(call);
/// # let Poll::Ready(response) = call.as_mut().poll(&mut Context::from_waker(Waker::noop())) else { panic!() };
/// # assert_eq!(response?.text()?, "[]");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[async_trait]
pub trait AsyncTransport: Send + Sync {
    /// Returns the present moment on this transport's clock.
    fn now(&self) -> Moment;

    /// Waits until the moment has passed.
    ///
    /// Clients wait by this between retries and for the rate limit, and stop waiting for a key source at the call's
    /// deadline.
    async fn sleep_until(&self, moment: Moment);

    /// Makes one round trip, under the contract of [`Transport`].
    ///
    /// # Errors
    ///
    /// [`TransportError`] if no complete response was received.
    async fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError>;
}

/// A transport that can be made from a [`TransportConfig`], so that
/// [`ClientBuilder::build`](crate::ClientBuilder) works.
///
/// ```
/// use ap_client::ap_core::ApiKey;
/// use ap_client::transport::{Clock, Connect, TransportConfig, TransportError};
/// use ap_client::{Blocking, ClientBuilder};
/// # use ap_client::transport::{Deadline, Moment, Transport};
/// # use bytes::Bytes;
/// # use http::{Request, Response};
///
/// struct MyTransport {
///     clock: Clock,
///     config: TransportConfig,
/// }
///
/// impl Connect for MyTransport {
///     fn connect(config: &TransportConfig) -> Result<Self, TransportError> {
///         // A setting that the library cannot keep is an error: it must not be ignored.
///         if config.proxy.is_some() {
///             return Err(TransportError::setup("this transport has no proxies; leave the proxy out"));
///         }
///         Ok(Self { clock: Clock::start(), config: config.clone() })
///     }
/// }
/// # impl Transport for MyTransport {
/// #     fn now(&self) -> Moment {
/// #         self.clock.now()
/// #     }
/// #     fn sleep_until(&self, moment: Moment) {
/// #         self.clock.sleep_until(moment);
/// #     }
/// #     fn send(&self, _: &Request<Bytes>, _: Deadline) -> Result<Response<Bytes>, TransportError> {
/// #         let _ = &self.config;
/// #         Ok(Response::new(Bytes::new()))
/// #     }
/// # }
///
/// let client = ClientBuilder::<Blocking, MyTransport>::new()
///     .key(ApiKey::parse("1234567890")?)
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no transport that `build` can make",
    note = "use the `ClientBuilder` of `ap_ureq`, `ap_reqwest` or `ap_hyper`, or give a ready transport to `build_with`"
)]
pub trait Connect: Sized {
    /// Makes the transport. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`TransportError`] of kind [`Setup`](TransportErrorKind::Setup) if a setting cannot be used.
    fn connect(config: &TransportConfig) -> Result<Self, TransportError>;
}

/// Marks a request, in its extensions, that must go out on a connection that carried no request before.
///
/// Clients mark a request that they send again after a rejected key: a server may close the connection on
/// which it rejected the first one. They also mark one that they send again because its connection was closed: a
/// server that closes connections may have closed all that are idle.
///
/// ```
/// use ap_client::transport::FreshConnection;
/// use http::Request;
///
/// fn may_reuse_connection<B>(request: &Request<B>) -> bool {
///     request.extensions().get::<FreshConnection>().is_none()
/// }
/// assert!(may_reuse_connection(&Request::new(())));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreshConnection;

impl<T: Transport + ?Sized> Transport for Arc<T> {
    fn now(&self) -> Moment {
        self.deref().now()
    }

    fn sleep_until(&self, moment: Moment) {
        self.deref().sleep_until(moment);
    }

    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        self.deref().send(request, deadline)
    }
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn now(&self) -> Moment {
        self.deref().now()
    }

    fn sleep_until(&self, moment: Moment) {
        self.deref().sleep_until(moment);
    }

    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        self.deref().send(request, deadline)
    }
}

#[async_trait]
impl<T: AsyncTransport + ?Sized> AsyncTransport for Arc<T> {
    fn now(&self) -> Moment {
        self.deref().now()
    }

    async fn sleep_until(&self, moment: Moment) {
        self.deref().sleep_until(moment).await;
    }

    async fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        self.deref().send(request, deadline).await
    }
}

#[async_trait]
impl<T: AsyncTransport + ?Sized> AsyncTransport for Box<T> {
    fn now(&self) -> Moment {
        self.deref().now()
    }

    async fn sleep_until(&self, moment: Moment) {
        self.deref().sleep_until(moment).await;
    }

    async fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        self.deref().send(request, deadline).await
    }
}
