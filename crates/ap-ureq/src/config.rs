//! Builds the agents from the configuration. Everything that ureq would do by itself is switched off.

use std::sync::Arc;

use ap_client::transport::{Proxy, TransportConfig, TransportError};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::unversioned::transport::{
    ConnectProxyConnector, ConnectionDetails, Connector, Either, RustlsConnector,
    Transport as UreqLayer,
};
use ureq::{Agent, Error, ProxyProtocol};

use crate::response_guard::{self, ResponseGuard};
use crate::tcp::{DeferredResolver, TcpConnector};

/// How many idle connections are kept, in all and for one host: as many as calls are commonly in flight.
const IDLE_CONNECTIONS: usize = 512;

/// The size of the buffer that a request is sent from, half of ureq's default: a connection has one, with
/// TLS two, and ureq writes zeros to all of it. The longest header line must fit in.
const OUTPUT_BUFFER: usize = 64 * 1024;

/// The agents of a transport.
#[derive(Clone)]
pub(crate) struct Agents {
    pub(crate) direct: Agent,
    /// For targets on other machines, if there is a proxy.
    pub(crate) proxied: Option<Agent>,
}

impl Agents {
    /// Builds the agents.
    ///
    /// # Errors
    ///
    /// [`Setup`](TransportErrorKind::Setup) for roots that cannot be read, and for a proxy that ureq does not take.
    pub(crate) fn new(config: &TransportConfig) -> Result<Self, TransportError> {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(roots(config)?)
            .build();
        let shared = Arc::new(config.clone());
        let proxy = config.proxy.as_ref().map(proxy).transpose()?;
        Ok(Self {
            direct: agent(&shared, &tls, None),
            proxied: proxy.map(|proxy| agent(&shared, &tls, Some(proxy))),
        })
    }
}

fn agent(config: &Arc<TransportConfig>, tls: &TlsConfig, proxy: Option<ureq::Proxy>) -> Agent {
    let is_proxied = proxy.is_some();
    let agent_config = Agent::config_builder()
        .tls_config(tls.clone())
        .proxy(proxy)
        // The connections themselves keep the rest of a call's time.
        .timeout_connect(Some(config.bounded_connect_timeout()))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        // The request has these already, or is to have none.
        .user_agent("")
        .accept("")
        .accept_encoding("")
        .input_buffer_size(response_guard::input_buffer_size(config))
        .output_buffer_size(OUTPUT_BUFFER)
        .max_idle_connections(IDLE_CONNECTIONS)
        .max_idle_connections_per_host(IDLE_CONNECTIONS)
        .allow_non_standard_methods(true)
        .build();
    let connector = ConnectProxyConnector::default()
        .chain(TcpConnector { is_proxied })
        .chain(RustlsConnector::default())
        .chain(TargetConnector {
            is_proxied,
            config: Arc::clone(config),
        });
    Agent::with_parts(agent_config, connector, DeferredResolver)
}

/// The last link of the chain of connectors. It guards connections to targets. ureq makes
/// those to the proxy itself by the same chain; they stay as they are.
#[derive(Debug)]
struct TargetConnector {
    is_proxied: bool,
    config: Arc<TransportConfig>,
}

impl<In: UreqLayer> Connector<In> for TargetConnector {
    type Out = Either<In, ResponseGuard<In>>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let goes_to_target = self.is_proxied == details.config.proxy().is_some();
        Ok(chained.map(|connection| {
            if goes_to_target {
                Either::B(ResponseGuard::new(connection, Arc::clone(&self.config)))
            } else {
                Either::A(connection)
            }
        }))
    }
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
    for der in config.root_certificates()? {
        roots.push(Certificate::from_der(&der).to_owned());
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
        .map_err(|_| TransportError::setup("the library does not accept the proxy's address"))
}
