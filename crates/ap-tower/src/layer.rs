//! [`ExchangeLayer`] and its service.

use std::pin::Pin;
use std::task::{Context, Poll};

use ap_core::Account;
use http::{Request, Response};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use crate::exchange::{self, BoxError};
use crate::peeked_body::PeekedBody;

/// Makes a service sign its requests with an account's keys, and send them again with the next key.
///
/// ```
/// use ap_tower::ExchangeLayer;
/// use ap_tower::ap_core::{Account, ApiKey, KeyRing, Origins};
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower::{ServiceBuilder, service_fn};
///
/// let account = Account::new(KeyRing::from_key(ApiKey::parse("1234567890")?), Origins::vendor());
/// // Your HTTP stack.
/// let inner = service_fn(|request: Request<Full<Bytes>>| async move {
///     assert!(request.headers().contains_key("authorization"));
///     Ok::<_, std::io::Error>(Response::new(Full::new(Bytes::from("[]"))))
/// });
/// let service = ServiceBuilder::new().layer(ExchangeLayer::new(account)).service(inner);
/// # let _ = service;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ExchangeLayer {
    account: Account,
}

impl ExchangeLayer {
    /// Creates a layer for an account. A clone of the account's key ring can replace the keys at any time.
    #[must_use]
    pub const fn new(account: Account) -> Self {
        Self { account }
    }
}

impl<S> Layer<S> for ExchangeLayer {
    type Service = Exchange<S>;

    fn layer(&self, inner: S) -> Exchange<S> {
        Exchange {
            account: self.account.clone(),
            inner,
        }
    }
}

/// The service that [`ExchangeLayer`] makes.
///
/// A request has an absolute URI at one of the account's origins, and no `Authorization`. The body of a response is
/// a [`PeekedBody`].
#[derive(Clone, Debug)]
pub struct Exchange<S> {
    account: Account,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for Exchange<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Clone + Send + 'static,
    R: Body + Send + Unpin + 'static,
    R::Data: Send,
    R::Error: Into<BoxError>,
{
    type Response = Response<PeekedBody<R>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that is ready makes the call, and a clone of it takes its place.
        let clone = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, clone);
        Box::pin(exchange::run(self.account.clone(), ready, request))
    }
}
