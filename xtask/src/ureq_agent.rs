//! A `ureq` agent as a caller could hand it to the transport.

use std::sync::Arc;

use ap_client::transport::{Proxy, TransportConfig, TransportError};
use ap_ureq::ureq;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, ProxyProtocol};

/// Builds an agent with the root certificates and the proxy of a case, and no `User-Agent`.
pub(crate) fn new(config: &TransportConfig) -> Result<Agent, TransportError> {
    let roots = config.root_certificates()?;
    let roots: Vec<_> = roots
        .iter()
        .map(|der| Certificate::from_der(der).to_owned())
        .collect();
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(&roots))
        .build();
    let proxy = config.proxy.as_ref().map(proxy).transpose()?;
    let agent_config = Agent::config_builder()
        .tls_config(tls)
        .proxy(proxy)
        .user_agent("");
    Ok(Agent::new_with_config(agent_config.build()))
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
    builder.build().map_err(TransportError::setup)
}
