//! A transport over hyper's pooled client, with nothing between the two.

use std::error::Error as StdError;
use std::io;
use std::iter::successors;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use ap_client::transport::{
    AsyncTransport, Connect, Deadline, FreshConnection, Moment, Proxy, TransportConfig,
    TransportError, TransportErrorKind, check_head, check_request, io_error_kind, is_loopback,
    rustls_error_kind,
};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::dns::GaiResolver;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connect as Connector, HttpConnector};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::Notify;
use tokio::time::Instant;
use tower::util::{MapErr, ServiceExt as _};
use tower::{BoxError, Service};

#[path = "names.rs"]
mod names;

use names::Names;

type Tcp = HttpConnector<MapErr<GaiResolver, fn(io::Error) -> UnknownName>>;
type Pool<C> = Client<Dial<HttpsConnector<C>>, Full<Bytes>>;

/// The most informational responses that are skipped.
const MAX_INFORMATIONAL: usize = 100;

/// An async transport over hyper's pooled client.
#[derive(Debug)]
pub(crate) struct HyperTransport {
    direct: Pools<Tcp>,
    proxied: Option<Pools<Tunnel<HttpsConnector<Tcp>>>>,
    names: Names,
    start: Instant,
    config: TransportConfig,
}

#[derive(Debug)]
struct Pools<C> {
    pooled: Pool<C>,
    /// Keeps no idle connections.
    fresh: Pool<C>,
}

impl<C> Pools<C> {
    fn choose(&self, is_fresh: bool) -> &Pool<C> {
        if is_fresh { &self.fresh } else { &self.pooled }
    }
}

impl Connect for HyperTransport {
    fn connect(config: &TransportConfig) -> Result<Self, TransportError> {
        let tls = tls(config)?;
        let names = Names::default();
        let direct = (tcp(), Arc::clone(&tls)).into();
        let proxied = config.proxy.as_ref().map(|proxy| {
            let tunnel = tunnel(proxy, (tcp(), Arc::clone(&tls)).into());
            pools(config, &names, (tunnel, tls).into())
        });
        Ok(Self {
            direct: pools(config, &names, direct),
            proxied,
            names,
            start: Instant::now(),
            config: config.clone(),
        })
    }
}

#[async_trait]
impl AsyncTransport for HyperTransport {
    fn now(&self) -> Moment {
        Moment::after_start(self.start.elapsed())
    }

    async fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        let now = Instant::now();
        let remaining = deadline.begin(Moment::after_start(now.duration_since(self.start)))?;
        let Some(end) = remaining.and_then(|remaining| now.checked_add(remaining)) else {
            return self.round_trip(request).await;
        };
        let outcome = tokio::time::timeout_at(end, self.round_trip(request)).await;
        outcome.unwrap_or_else(|_| Err(TransportError::new(TransportErrorKind::Timeout)))
    }

    async fn sleep_until(&self, moment: Moment) {
        match self.start.checked_add(moment.since_start()) {
            Some(end) => tokio::time::sleep_until(end).await,
            None => std::future::pending().await,
        }
    }
}

impl HyperTransport {
    async fn round_trip(
        &self,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, TransportError> {
        let headers = check_request(request)?;
        let mut owned = Request::new(Full::new(request.body().clone()));
        *owned.method_mut() = request.method().clone();
        *owned.uri_mut() = self.names.shorten(request.uri()).map_err(unsendable)?;
        *owned.headers_mut() = headers;
        let informational = Informational::count(&mut owned, self.config.max_header_size);

        let is_proxied = self.proxied.is_some() && !is_loopback(request.uri());
        let is_fresh = request.extensions().get::<FreshConnection>().is_some();
        let sent = match &self.proxied {
            Some(proxied) if is_proxied => proxied.choose(is_fresh).request(owned),
            _ => self.direct.choose(is_fresh).request(owned),
        };
        let answered = tokio::select! {
            biased;
            answered = sent => Some(answered),
            () = informational.too_many.notified() => None,
        };
        let response = match answered {
            // Too many informational responses may have arrived together with it.
            Some(answered) if !informational.are_too_many.load(Ordering::Relaxed) => {
                answered.map_err(|error| send_error(error, is_proxied))?
            }
            _ => return Err(TransportError::new(TransportErrorKind::TooLarge)),
        };
        let (mut head, body) = response.into_parts();
        head.extensions.clear();
        check_head(&self.config, request.method(), &head)?;
        let body = Limited::new(body, self.config.max_body_size);
        Ok(Response::from_parts(head, read(body).await?))
    }
}

/// Counts informational responses, because hyper skips any number of them.
struct Informational {
    responses: AtomicUsize,
    bytes: AtomicUsize,
    are_too_many: AtomicBool,
    too_many: Notify,
}

impl Informational {
    fn count<B>(request: &mut Request<B>, head_limit: usize) -> Arc<Self> {
        let informational = Arc::new(Self {
            responses: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            are_too_many: AtomicBool::new(false),
            too_many: Notify::new(),
        });
        let counted = Arc::clone(&informational);
        hyper::ext::on_informational(request, move |response| {
            let lines = response.headers().iter();
            let size: usize = lines
                .map(|(name, value)| name.as_str().len() + value.len() + 4)
                .sum();
            let bytes = counted.bytes.fetch_add(size, Ordering::Relaxed) + size;
            let responses = counted.responses.fetch_add(1, Ordering::Relaxed) + 1;
            if responses > MAX_INFORMATIONAL || bytes > head_limit {
                counted.are_too_many.store(true, Ordering::Relaxed);
                counted.too_many.notify_one();
            }
        });
        informational
    }
}

async fn read(body: Limited<Incoming>) -> Result<Bytes, TransportError> {
    match body.collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(TransportError::new(TransportErrorKind::TooLarge))
        }
        Err(error) => {
            let kind = kind(error.as_ref(), TransportErrorKind::Truncated);
            Err(TransportError::new(kind).with_source(error))
        }
    }
}

fn send_error(error: Error, is_proxied: bool) -> TransportError {
    let broken = if error.is_connect() {
        TransportErrorKind::Connect
    } else {
        TransportErrorKind::Closed
    };
    let kind = match kind(&error, broken) {
        // Every other failure on the way to the target is the proxy's.
        TransportErrorKind::Tls => TransportErrorKind::Tls,
        TransportErrorKind::ConnectTimeout => TransportErrorKind::ConnectTimeout,
        _ if is_proxied && error.is_connect() => TransportErrorKind::Proxy,
        TransportErrorKind::Other if error.is_connect() => TransportErrorKind::Connect,
        kind => kind,
    };
    TransportError::new(kind).with_source(error)
}

fn kind(error: &(dyn StdError + 'static), broken: TransportErrorKind) -> TransportErrorKind {
    let causes = || successors(Some(error), |cause| StdError::source(*cause));
    if rustls_error_kind(error).is_some() {
        return TransportErrorKind::Tls;
    }
    causes()
        .find_map(|cause| {
            if cause.is::<UnknownName>() {
                return Some(TransportErrorKind::Dns);
            }
            if cause.is::<tokio::time::error::Elapsed>() {
                return Some(TransportErrorKind::ConnectTimeout);
            }
            if let Some(error) = cause.downcast_ref::<hyper::Error>() {
                return match error {
                    error if error.is_parse_too_large() => Some(TransportErrorKind::TooLarge),
                    error if error.is_parse() => Some(TransportErrorKind::Malformed),
                    error if error.is_incomplete_message() || error.is_closed() => Some(broken),
                    error if error.is_canceled() || error.is_body_write_aborted() => Some(broken),
                    // hyper has no other way to report bytes that arrive before the request.
                    error if error.to_string().starts_with("received unexpected message") => {
                        Some(TransportErrorKind::Malformed)
                    }
                    _ => None,
                };
            }
            io_error_kind(cause.downcast_ref::<io::Error>()?, broken)
        })
        .unwrap_or(TransportErrorKind::Other)
}

#[derive(Debug, thiserror::Error)]
#[error("the host name is unknown")]
struct UnknownName(#[source] io::Error);

/// Connects to the origin of a name, within a time limit. The pool clones it for every call.
#[derive(Debug)]
struct Dial<C>(Arc<Dialling<C>>);

#[derive(Debug)]
struct Dialling<C> {
    connector: C,
    names: Names,
    limit: Duration,
}

impl<C> Clone for Dial<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> Service<Uri> for Dial<C>
where
    C: Service<Uri, Error: Into<BoxError>, Future: Send> + Clone + Send + Sync + 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let dialling = Arc::clone(&self.0);
        Box::pin(async move {
            let origin = dialling.names.origin(&target);
            let origin = origin.ok_or("the host is not the name of an origin")?;
            let connecting = dialling.connector.clone().oneshot(origin);
            tokio::time::timeout(dialling.limit, connecting)
                .await?
                .map_err(Into::into)
        })
    }
}

fn pools<C>(config: &TransportConfig, names: &Names, connector: HttpsConnector<C>) -> Pools<C>
where
    Dial<HttpsConnector<C>>: Connector + Clone,
{
    let dial = Dial(Arc::new(Dialling {
        connector,
        names: names.clone(),
        limit: config.bounded_connect_timeout(),
    }));
    let pool = |idle_connections| {
        Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(idle_connections)
            .http1_max_headers(config.max_headers.min(32 * 1024))
            .build(dial.clone())
    };
    Pools {
        pooled: pool(512),
        fresh: pool(0),
    }
}

fn tcp() -> Tcp {
    let unknown: fn(io::Error) -> UnknownName = UnknownName;
    let resolver = MapErr::new(GaiResolver::new(), unknown);
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp
}

fn tunnel(proxy: &Proxy, connector: HttpsConnector<Tcp>) -> Tunnel<HttpsConnector<Tcp>> {
    // An origin is always a valid URI.
    let address: Uri = proxy.origin().as_str().parse().unwrap_or_default();
    let tunnel = Tunnel::new(address, connector);
    match proxy.authorization() {
        Some(authorization) => tunnel.with_auth(authorization.clone()),
        None => tunnel,
    }
}

fn tls(config: &TransportConfig) -> Result<Arc<ClientConfig>, TransportError> {
    let mut roots = RootCertStore::empty();
    if config.mozilla_roots {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for certificate in config.root_certificates()? {
        roots.add(certificate).map_err(TransportError::setup)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TransportError::setup)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn unsendable(error: http::Error) -> TransportError {
    TransportError::new(TransportErrorKind::Unsendable).with_source(error)
}
