//! The name that a certificate must have, and what errors of TLS mean.

use std::io;

use ap_client::transport::{TlsError, TransportError, TransportErrorKind, rustls_error_kind};
use rustls::pki_types::ServerName;

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
