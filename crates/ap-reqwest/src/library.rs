//! The `reqwest` client behind the transport: everything that it does by itself is switched off.

use std::sync::Arc;

use ap_core::{ErrorKind, Proxy, Settings, TransportError};
use reqwest::redirect::Policy;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// Idle connections that are kept for one host: as many as calls are commonly in flight.
const IDLE_CONNECTIONS: usize = 512;

/// More header lines than these no response has, and the library makes room for all of them.
const MOST_HEADERS: usize = 32 * 1024;

pub(crate) fn build(settings: &Settings) -> Result<reqwest::Client, TransportError> {
    let tls =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| setup().with_source(error))?
            .with_root_certificates(roots(settings)?)
            .with_no_client_auth();
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .http1_max_headers(settings.header_limit.min(MOST_HEADERS))
        .redirect(Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .no_proxy()
        .connect_timeout(settings.connect_limit())
        .pool_max_idle_per_host(IDLE_CONNECTIONS);
    if let Some(given) = &settings.proxy {
        builder = builder.proxy(proxy(given)?);
    }
    builder
        .build()
        .map_err(|error| setup().with_source(error.without_url()))
}

fn roots(settings: &Settings) -> Result<RootCertStore, TransportError> {
    let mut roots = RootCertStore::empty();
    if settings.mozilla_roots {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for pem in &settings.root_pems {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let Ok(certificate) = certificate else {
                return Err(setup().with_source("a root certificate is not sound PEM"));
            };
            roots
                .add(certificate)
                .map_err(|error| setup().with_source(error))?;
        }
        if roots.len() == before {
            return Err(setup().with_source("there is no certificate in the PEM text"));
        }
    }
    Ok(roots)
}

fn proxy(proxy: &Proxy) -> Result<reqwest::Proxy, TransportError> {
    let refused = |_| setup().with_source("the proxy's address is not taken");
    let address = reqwest::Url::parse(proxy.origin().as_str()).map_err(refused)?;
    let built = reqwest::Proxy::custom(move |url| {
        let loopback = url
            .as_str()
            .parse()
            .is_ok_and(|uri| ap_core::is_loopback(&uri));
        (!loopback).then(|| address.clone())
    });
    Ok(match proxy.authorization() {
        Some(authorization) => built.custom_http_auth(authorization.clone()),
        None => built,
    })
}

const fn setup() -> TransportError {
    TransportError::new(ErrorKind::Setup)
}
