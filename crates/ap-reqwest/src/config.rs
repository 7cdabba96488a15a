//! The `reqwest` clients of a transport: everything that they would do by themselves is switched off.

use std::sync::Arc;

use ap_client::transport::{Proxy, TransportConfig, TransportError, is_loopback};
use reqwest::ClientBuilder;
use reqwest::redirect::Policy;
use rustls::{ClientConfig, RootCertStore};

/// Idle connections that are kept for one host: as many as calls are commonly in flight.
const IDLE_CONNECTIONS: usize = 512;

/// The library allocates for this many header lines. No response has more.
const MOST_HEADERS: usize = 32 * 1024;

/// The clients of one transport.
#[derive(Clone)]
pub(crate) struct Clients {
    /// Keeps idle connections.
    pub(crate) pooled: reqwest::Client,
    /// Opens a connection for each request.
    pub(crate) fresh: reqwest::Client,
}

pub(crate) fn build(
    new: impl Fn() -> ClientBuilder,
    config: &TransportConfig,
) -> Result<Clients, TransportError> {
    let tls = tls(config)?;
    let client = |idle_connections| {
        let mut builder = new()
            .tls_backend_preconfigured(tls.clone())
            .http1_only()
            .http1_max_headers(config.max_headers.min(MOST_HEADERS))
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
            .connect_timeout(config.bounded_connect_timeout())
            .pool_max_idle_per_host(idle_connections);
        if let Some(given) = &config.proxy {
            builder = builder.proxy(proxy(given)?);
        }
        let built = builder.build();
        built.map_err(|error| TransportError::setup(error.without_url()))
    };
    Ok(Clients {
        pooled: client(IDLE_CONNECTIONS)?,
        fresh: client(0)?,
    })
}

fn tls(config: &TransportConfig) -> Result<ClientConfig, TransportError> {
    let mut roots = RootCertStore::empty();
    if config.mozilla_roots {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for certificate in config.root_certificates()? {
        roots.add(certificate).map_err(TransportError::setup)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TransportError::setup)?;
    Ok(tls.with_root_certificates(roots).with_no_client_auth())
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
