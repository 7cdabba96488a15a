//! The agent behind the transport: everything that `ureq` does by itself is switched off.

use std::sync::Arc;

use ap_client::transport::{TransportErrorKind, Proxy, TransportConfig, TransportError};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::unversioned::transport::{ConnectProxyConnector, Connector as _, RustlsConnector};
use ureq::{Agent, ProxyProtocol};

use crate::chunks::TRAILER_LIMIT;
use crate::guard::{Guard, Limits};
use crate::names::Later;
use crate::veil::Unveil;
use crate::wire::WireConnector;

/// Idle connections that are kept, in all and for one host: as many as calls are commonly in flight.
const IDLE_CONNECTIONS: usize = 512;

/// The buffer that a request is sent from, in bytes. A connection has one, with TLS two, and the library
/// writes zeros to all of it: its own default is twice as large. A header must fit in.
pub(crate) const OUTPUT_BUFFER: usize = 64 * 1024;

/// What an input buffer has room for beyond the largest head, or the trailers of a chunked body.
const BEYOND: usize = 16 * 1024;

/// The largest head that can be allowed, in bytes.
const LARGEST_HEAD: usize = 16 * 1024 * 1024;

/// What the library lets through of a head: it counts the status line too, which `check_head` does not.
pub(crate) const fn head_room(config: &TransportConfig) -> usize {
    let limit = config.max_header_size;
    // The library's buffer is as large, so there is an end to it.
    let bounded = if limit < LARGEST_HEAD {
        limit
    } else {
        LARGEST_HEAD
    };
    bounded + 8 * 1024
}

/// The agents that a transport of ours sends by.
#[derive(Clone)]
pub(crate) struct Agents {
    pub(crate) direct: Agent,
    /// For targets on other machines, if there is a proxy.
    pub(crate) proxied: Option<Agent>,
}

pub(crate) fn build(config: &TransportConfig) -> Result<Agents, TransportError> {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(roots(config)?)
        .build();
    let agent = |proxy: Option<ureq::Proxy>| {
        let is_proxied = proxy.is_some();
        let agent_config = Agent::config_builder()
            .tls_config(tls.clone())
            .proxy(proxy)
            // The rest of a call's time its connections keep.
            .timeout_connect(Some(config.bounded_connect_timeout()))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            // The request brings these itself, or has none.
            .user_agent("")
            .accept("")
            .accept_encoding("")
            .max_response_header_size(head_room(config))
            .input_buffer_size(
                head_room(config)
                    .max(TRAILER_LIMIT)
                    .saturating_add(BEYOND),
            )
            .output_buffer_size(OUTPUT_BUFFER)
            .max_idle_connections(IDLE_CONNECTIONS)
            .max_idle_connections_per_host(IDLE_CONNECTIONS)
            .allow_non_standard_methods(true)
            .build();
        let guard = Guard {
            is_proxied,
            limits: Limits {
                lines: config.max_headers,
                bytes: config.max_header_size,
            },
        };
        let connector = ConnectProxyConnector::default()
            .chain(WireConnector)
            .chain(RustlsConnector::default())
            .chain(Unveil)
            .chain(guard);
        Agent::with_parts(agent_config, connector, Later)
    };
    let proxy = config.proxy.as_ref().map(proxy).transpose()?;
    Ok(Agents {
        direct: agent(None),
        proxied: proxy.map(|proxy| agent(Some(proxy))),
    })
}

fn roots(config: &TransportConfig) -> Result<RootCerts, TransportError> {
    if config.root_pems.is_empty() && config.mozilla_roots {
        return Ok(RootCerts::WebPki);
    }
    let mut roots = Vec::new();
    if config.mozilla_roots {
        let mozilla = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
        roots.extend(
            mozilla
                .iter()
                .map(|der| Certificate::from_der(der).to_owned()),
        );
    }
    for pem in &config.root_pems {
        let before = roots.len();
        for item in parse_pem(pem) {
            match item {
                Ok(PemItem::Certificate(certificate)) => {
                    // ureq leaves out what rustls cannot read; a root that is asked for must count.
                    let der = certificate.der().to_owned().into();
                    rustls::RootCertStore::empty()
                        .add(der)
                        .map_err(|e| setup().with_source(e))?;
                    roots.push(certificate);
                }
                Ok(_) => {}
                Err(_) => return Err(setup().with_source("a root certificate is not sound PEM")),
            }
        }
        if roots.len() == before {
            return Err(setup().with_source("there is no certificate in the PEM text"));
        }
    }
    Ok(RootCerts::new_with_certs(&roots))
}

fn proxy(proxy: &Proxy) -> Result<ureq::Proxy, TransportError> {
    let origin = proxy.origin();
    let protocol = if origin.is_https() {
        ProxyProtocol::Https
    } else {
        ProxyProtocol::Http
    };
    let mut builder = ureq::Proxy::builder(protocol)
        .host(origin.host())
        .port(origin.port());
    if let Some((user, password)) = proxy.user_and_password() {
        builder = builder.username(&user).password(&password);
    }
    builder
        .build()
        .map_err(|_| setup().with_source("the proxy's address is not taken"))
}

const fn setup() -> TransportError {
    TransportError::new(TransportErrorKind::Setup)
}
