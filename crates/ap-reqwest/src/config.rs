//! The `reqwest` clients of a transport: everything that they would do by themselves is switched off.

use ap_client::transport::{
    LOCALHOST, Proxy, TransportConfig, TransportError, is_loopback, rustls_config,
};
use reqwest::ClientBuilder;
use reqwest::redirect::Policy;
use rustls::ClientConfig;

/// Idle connections that are kept for one host: as many as calls are commonly in flight.
const IDLE_CONNECTIONS: usize = 512;

/// The library allocates for this many header lines. No response has more.
const MOST_HEADERS: usize = 32 * 1024;

/// Builds the clients of one transport, each with connections of its own. All have the same settings.
pub(crate) struct Factory(Box<Build>);

type Build = dyn Fn(usize) -> Result<reqwest::Client, TransportError> + Send + Sync;

impl Factory {
    /// Creates a factory of clients that begin with the caller's builder.
    ///
    /// # Errors
    ///
    /// [`Setup`](TransportErrorKind::Setup) for roots that cannot be read.
    pub(crate) fn new(
        new: impl Fn() -> ClientBuilder + Send + Sync + 'static,
        config: &TransportConfig,
    ) -> Result<Self, TransportError> {
        let tls = rustls_config(config, webpki_roots::TLS_SERVER_ROOTS)?;
        let config = config.clone();
        Ok(Self(Box::new(move |idle_connections| {
            let builder = builder(new(), tls.clone(), &config)?;
            let built = builder.pool_max_idle_per_host(idle_connections).build();
            built.map_err(|error| TransportError::setup(error.without_url()))
        })))
    }

    /// Builds a client that keeps idle connections.
    pub(crate) fn pooled(&self) -> Result<reqwest::Client, TransportError> {
        (self.0)(IDLE_CONNECTIONS)
    }

    /// Builds a client that opens a connection for each request.
    pub(crate) fn fresh(&self) -> Result<reqwest::Client, TransportError> {
        (self.0)(0)
    }
}

fn builder(
    given: ClientBuilder,
    tls: ClientConfig,
    config: &TransportConfig,
) -> Result<ClientBuilder, TransportError> {
    let builder = given
        .tls_backend_preconfigured(tls)
        .http1_only()
        .http1_max_headers(config.max_headers.min(MOST_HEADERS))
        .http1_allow_obsolete_multiline_headers_in_responses(false)
        .http1_allow_spaces_after_header_name_in_responses(false)
        .http1_ignore_invalid_headers_in_responses(false)
        .redirect(Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        // These exist whatever features another crate switches on.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .no_hickory_dns()
        .no_proxy()
        .resolve_to_addrs("localhost", &LOCALHOST.map(|address| (address, 0).into()))
        // Logs every byte that is sent, the key too.
        .connection_verbose(false)
        .connect_timeout(config.bounded_connect_timeout());
    Ok(match &config.proxy {
        Some(given) => builder.proxy(proxy(given)?),
        None => builder,
    })
}

fn proxy(proxy: &Proxy) -> Result<reqwest::Proxy, TransportError> {
    let invalid = |_| TransportError::setup("the library does not accept the proxy's address");
    let address = reqwest::Url::parse(proxy.origin().as_str()).map_err(invalid)?;
    let built = reqwest::Proxy::custom(move |url| {
        let is_local = url.as_str().parse().is_ok_and(|uri| is_loopback(&uri));
        (!is_local).then(|| address.clone())
    });
    Ok(match proxy.authorization() {
        Some(authorization) => built.custom_http_auth(authorization.clone()),
        None => built,
    })
}
