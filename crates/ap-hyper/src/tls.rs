//! What TLS is made of, and what its errors mean.

use std::io;
use std::sync::Arc;

use ap_client::transport::{
    TlsError, TransportConfig, TransportError, TransportErrorKind, rustls_error_kind,
};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};

/// Returns the settings of every TLS connection.
///
/// # Errors
///
/// [`Setup`](TransportErrorKind::Setup) for roots that cannot be read.
pub(crate) fn client_config(config: &TransportConfig) -> Result<Arc<ClientConfig>, TransportError> {
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
    Ok(Arc::new(
        tls.with_root_certificates(roots).with_no_client_auth(),
    ))
}

/// Returns the name that a host's certificate must have. `host` has no brackets.
pub(crate) fn server_name(host: &str) -> Result<ServerName<'static>, TransportError> {
    ServerName::try_from(host.to_owned())
        .map_err(|error| TransportError::new(TransportErrorKind::Tls).with_source(error))
}

/// Converts the error of a handshake. A connection that ends in it counts as one that was not accepted.
pub(crate) fn handshake_error(error: io::Error) -> TransportError {
    match rustls_error_kind(&error) {
        Some(kind) => TlsError::new(kind).with_source(error).into(),
        None => TransportError::new(TransportErrorKind::Connect).with_source(error),
    }
}
