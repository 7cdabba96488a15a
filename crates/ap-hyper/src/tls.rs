//! What TLS is made of, and what its errors mean.

use std::io;
use std::sync::Arc;

use ap_client::transport::{
    TlsError, TlsErrorKind, TransportConfig, TransportError, TransportErrorKind,
};
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, InvalidMessage, RootCertStore};

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
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(tls) => TlsError::new(kind(tls)).with_source(error).into(),
        None => TransportError::new(TransportErrorKind::Connect).with_source(error),
    }
}

/// Returns why TLS failed.
pub(crate) fn kind(error: &rustls::Error) -> TlsErrorKind {
    use CertificateError::{
        Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
        NotValidYetContext, UnknownIssuer,
    };
    match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            Expired | ExpiredContext { .. } => TlsErrorKind::Expired,
            NotValidYet | NotValidYetContext { .. } => TlsErrorKind::NotYetValid,
            NotValidForName | NotValidForNameContext { .. } => TlsErrorKind::OtherName,
            UnknownIssuer => TlsErrorKind::UnknownIssuer,
            _ => TlsErrorKind::InvalidCertificate,
        },
        // An answer in plain HTTP is read as TLS first.
        rustls::Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => TlsErrorKind::NotTls,
        _ => TlsErrorKind::Other,
    }
}
