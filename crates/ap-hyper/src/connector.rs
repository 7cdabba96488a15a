//! [`Connector`]: opens connections, directly or through a proxy.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ap_client::transport::{
    Proxy, TransportConfig, TransportError, TransportErrorKind, is_loopback, localhost_addresses,
    rustls_config,
};
use bytes::Bytes;
use http::Uri;
use http::uri::Scheme;
use http_body_util::Full;
use hyper::client::conn::http1::Builder;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::connection::Connection;
use crate::error::send_error;
use crate::informational::Limited;
use crate::progress::Progress;
use crate::stream::Stream;
use crate::tcp::Tcp;
use crate::tls;
use crate::tunnel;

/// How many header lines hyper parses without an allocation.
const USUAL_HEADERS: usize = 100;

/// hyper allocates for this many header lines. No response has more.
const MOST_HEADERS: usize = 32 * 1024;

/// The largest head that hyper reads unless it is told otherwise.
const USUAL_BUFFER: usize = 400 * 1024;

/// Opens connections with the settings of one transport.
pub(crate) struct Connector {
    tls: TlsConnector,
    proxy: Option<(Proxy, Uri)>,
    http: Builder,
    max_informational_size: usize,
    limit: Duration,
}

impl Connector {
    /// Creates a connector.
    ///
    /// # Errors
    ///
    /// [`Setup`](TransportErrorKind::Setup) for a setting that cannot be used.
    pub(crate) fn new(config: &TransportConfig) -> Result<Self, TransportError> {
        let proxy = config.proxy.as_ref().map(|proxy| {
            let uri = proxy.origin().as_str().parse::<Uri>();
            let uri = uri.map_err(TransportError::setup)?;
            Ok::<_, TransportError>((proxy.clone(), uri))
        });
        let mut http = Builder::new();
        if config.max_headers != USUAL_HEADERS {
            http.max_headers(config.max_headers.min(MOST_HEADERS));
        }
        // The transport checks the exact size; hyper's own limit must not be below it.
        if config.max_header_size > USUAL_BUFFER / 2 {
            http.max_buf_size(config.max_header_size.saturating_add(USUAL_BUFFER));
        }
        Ok(Self {
            tls: Arc::new(rustls_config(config, webpki_roots::TLS_SERVER_ROOTS)?).into(),
            proxy: proxy.transpose()?,
            http,
            max_informational_size: config.max_header_size,
            limit: config.bounded_connect_timeout(),
        })
    }

    /// Opens a connection to a target's origin.
    pub(crate) async fn connect(&self, target: &Uri) -> Result<Connection, TransportError> {
        let progress = Arc::new(Progress::default());
        let stream = timeout(self.limit, self.open(target, &progress))
            .await
            .unwrap_or_else(|_| Err(TransportError::new(TransportErrorKind::ConnectTimeout)))?;
        let stream = Limited::new(stream, Arc::clone(&progress), self.max_informational_size);
        let handshake = self.http.handshake::<_, Full<Bytes>>(TokioIo::new(stream));
        let (sender, http) = handshake.await.map_err(send_error)?;
        Ok(Connection::new(sender, http, progress))
    }

    async fn open(
        &self,
        target: &Uri,
        progress: &Arc<Progress>,
    ) -> Result<Box<dyn Stream>, TransportError> {
        let Some((proxy, proxy_uri)) = self.proxy.as_ref().filter(|_| !is_loopback(target)) else {
            let stream = Box::new(tcp(target, progress).await?);
            return self.secure(target, stream).await;
        };
        let through_proxy = async {
            let stream = Box::new(tcp(proxy_uri, progress).await?);
            let stream = self.secure(proxy_uri, stream).await?;
            let stream = tunnel::open(proxy, stream, host(target)?, port(target)).await?;
            self.secure(target, stream).await
        };
        through_proxy.await.map_err(TransportError::through_proxy)
    }

    /// Puts TLS on a connection if the URI asks for it.
    async fn secure(
        &self,
        uri: &Uri,
        stream: Box<dyn Stream>,
    ) -> Result<Box<dyn Stream>, TransportError> {
        if !is_https(uri) {
            return Ok(stream);
        }
        let name = tls::server_name(without_brackets(host(uri)?))?;
        let secured = self.tls.connect(name, stream).await;
        Ok(Box::new(secured.map_err(tls::handshake_error)?))
    }
}

async fn tcp(uri: &Uri, progress: &Arc<Progress>) -> Result<Tcp, TransportError> {
    let addresses: Vec<SocketAddr> = match localhost_addresses(uri) {
        Some(addresses) => addresses.into(),
        None => tokio::net::lookup_host((without_brackets(host(uri)?), port(uri)))
            .await
            .map_err(|error| TransportError::new(TransportErrorKind::Dns).with_source(error))?
            .collect(),
    };
    Tcp::connect(addresses, Arc::clone(progress))
        .await
        .map_err(|error| TransportError::new(TransportErrorKind::Connect).with_source(error))
}

fn is_https(uri: &Uri) -> bool {
    uri.scheme() == Some(&Scheme::HTTPS)
}

fn host(uri: &Uri) -> Result<&str, TransportError> {
    uri.host().ok_or_else(|| {
        TransportError::new(TransportErrorKind::Unsendable).with_source("the URL has no host")
    })
}

fn port(uri: &Uri) -> u16 {
    let usual = if is_https(uri) { 443 } else { 80 };
    uri.port_u16().unwrap_or(usual)
}

/// Returns an IPv6 address as it is written outside of a URL.
fn without_brackets(host: &str) -> &str {
    let inner = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    inner.unwrap_or(host)
}
