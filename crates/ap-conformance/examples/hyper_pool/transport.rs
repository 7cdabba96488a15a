//! A transport over hyper's pooled client, with nothing between the two.

use std::error::Error as StdError;
use std::io;
use std::iter::successors;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use ap_core::{
    AsyncTransport, Connect, Deadline, ErrorKind, Moment, Proxy, Settings, TransportError,
    check_head, host, is_loopback, wire_headers,
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
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
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
    direct: Pool<Tcp>,
    proxied: Option<Pool<Tunnel<HttpsConnector<Tcp>>>>,
    names: Names,
    start: Instant,
    settings: Settings,
}

impl Connect for HyperTransport {
    fn connect(settings: &Settings) -> Result<Self, TransportError> {
        let tls = tls(settings)?;
        let names = Names::default();
        let direct = (tcp(), Arc::clone(&tls)).into();
        let proxied = settings.proxy.as_ref().map(|proxy| {
            let tunnel = tunnel(proxy, (tcp(), Arc::clone(&tls)).into());
            pool(settings, &names, (tunnel, tls).into())
        });
        Ok(Self {
            direct: pool(settings, &names, direct),
            proxied,
            names,
            start: Instant::now(),
            settings: settings.clone(),
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
        let left = deadline.begin(Moment::after_start(now.duration_since(self.start)))?;
        let Some(end) = left.and_then(|left| now.checked_add(left)) else {
            return self.exchange(request).await;
        };
        let answered = tokio::time::timeout_at(end, self.exchange(request)).await;
        answered.unwrap_or_else(|_| Err(TransportError::new(ErrorKind::Timeout)))
    }

    async fn sleep_until(&self, deadline: Deadline) {
        match deadline.left(self.now()) {
            Some(left) => tokio::time::sleep(left).await,
            None => std::future::pending().await,
        }
    }
}

impl HyperTransport {
    async fn exchange(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let loopback = is_loopback(request.uri());
        if request.uri().scheme_str() != Some("https") && !loopback {
            return Err(TransportError::new(ErrorKind::Unsendable)
                .with_source("plain http is only for loopback"));
        }
        let Some(host) = host(request.uri()) else {
            return Err(TransportError::new(ErrorKind::Unsendable)
                .with_source("the URL has no host, or has user information"));
        };
        let mut owned = Request::new(Full::new(request.body().clone()));
        *owned.method_mut() = request.method().clone();
        *owned.uri_mut() = self.names.shorten(request.uri()).map_err(unsendable)?;
        *owned.headers_mut() = wire_headers(request, Some(host));
        let informational = Informational::count(&mut owned, self.settings.head_limit);

        let is_proxied = self.proxied.is_some() && !loopback;
        let sent = match &self.proxied {
            Some(proxied) if is_proxied => proxied.request(owned),
            _ => self.direct.request(owned),
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
            _ => return Err(TransportError::new(ErrorKind::TooLarge)),
        };
        let (mut head, body) = response.into_parts();
        head.extensions.clear();
        check_head(&self.settings, request.method(), &head)?;
        let body = Limited::new(body, self.settings.body_limit);
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
            Err(TransportError::new(ErrorKind::TooLarge))
        }
        Err(error) => {
            let kind = kind(error.as_ref(), ErrorKind::Truncated);
            Err(TransportError::new(kind).with_source(error))
        }
    }
}

fn send_error(error: Error, is_proxied: bool) -> TransportError {
    let broken = if error.is_connect() {
        ErrorKind::Connect
    } else {
        ErrorKind::Closed
    };
    let kind = match kind(&error, broken) {
        // Every other failure on the way to the target is the proxy's.
        ErrorKind::Tls => ErrorKind::Tls,
        ErrorKind::ConnectTimeout => ErrorKind::ConnectTimeout,
        _ if is_proxied && error.is_connect() => ErrorKind::Proxy,
        ErrorKind::Other if error.is_connect() => ErrorKind::Connect,
        kind => kind,
    };
    TransportError::new(kind).with_source(error)
}

fn kind(error: &(dyn StdError + 'static), broken: ErrorKind) -> ErrorKind {
    let causes = || successors(Some(error), |cause| StdError::source(*cause));
    if causes().any(is_tls) {
        return ErrorKind::Tls;
    }
    causes()
        .find_map(|cause| {
            if cause.is::<UnknownName>() {
                return Some(ErrorKind::Dns);
            }
            if cause.is::<tokio::time::error::Elapsed>() {
                return Some(ErrorKind::ConnectTimeout);
            }
            if let Some(error) = cause.downcast_ref::<hyper::Error>() {
                return match error {
                    error if error.is_parse_too_large() => Some(ErrorKind::TooLarge),
                    error if error.is_parse() => Some(ErrorKind::Malformed),
                    error if error.is_incomplete_message() || error.is_closed() => Some(broken),
                    error if error.is_canceled() || error.is_body_write_aborted() => Some(broken),
                    // hyper has no other way to report bytes that arrive before the request.
                    error if error.to_string().starts_with("received unexpected message") => {
                        Some(ErrorKind::Malformed)
                    }
                    _ => None,
                };
            }
            match cause.downcast_ref::<io::Error>()?.kind() {
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe => Some(broken),
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                    Some(ErrorKind::Malformed)
                }
                _ => None,
            }
        })
        .unwrap_or(ErrorKind::Other)
}

fn is_tls(cause: &(dyn StdError + 'static)) -> bool {
    // An I/O error does not show the error that it wraps as its source.
    let wrapped = cause
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    cause.is::<rustls::Error>() || wrapped.is_some_and(|inner| is_tls(inner))
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

fn pool<C>(settings: &Settings, names: &Names, connector: HttpsConnector<C>) -> Pool<C>
where
    Dial<HttpsConnector<C>>: Connector + Clone,
{
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .http1_max_headers(settings.header_limit.min(32 * 1024))
        .build(Dial(Arc::new(Dialling {
            connector,
            names: names.clone(),
            limit: settings.connect_limit(),
        })))
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

fn tls(settings: &Settings) -> Result<Arc<ClientConfig>, TransportError> {
    let mut roots = RootCertStore::empty();
    if settings.mozilla_roots {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for certificate in settings
        .root_pems
        .iter()
        .flat_map(|pem| CertificateDer::pem_slice_iter(pem))
    {
        roots.add(certificate.map_err(setup)?).map_err(setup)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(setup)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn unsendable(error: http::Error) -> TransportError {
    TransportError::new(ErrorKind::Unsendable).with_source(error)
}

fn setup(error: impl StdError + Send + Sync + 'static) -> TransportError {
    TransportError::new(ErrorKind::Setup).with_source(error)
}
