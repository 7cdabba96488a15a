//! [`rustls_config`]: what rustls needs for the connections of a transport.

use std::sync::Arc;

use ap_core::TransportError;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::TrustAnchor;

use super::config::TransportConfig;

/// Returns rustls's settings for the roots of a [`TransportConfig`], with ring, and without a certificate of the client.
///
/// `mozilla` is Mozilla's roots, such as `webpki_roots::TLS_SERVER_ROOTS`. They are used if the settings say so.
///
/// ```
/// use ap_client::transport::{TransportConfig, TransportErrorKind, rustls_config};
///
/// let config = TransportConfig::new();
/// assert!(rustls_config(&config, &[]).is_ok()); // your transport passes webpki_roots::TLS_SERVER_ROOTS
///
/// let error = rustls_config(&config.root_pem("no certificate"), &[]).unwrap_err();
/// assert_eq!(error.kind(), TransportErrorKind::Setup);
/// ```
///
/// # Errors
///
/// [`Setup`](ap_core::TransportErrorKind::Setup) for roots that cannot be read.
pub fn rustls_config(
    config: &TransportConfig,
    mozilla: &[TrustAnchor<'static>],
) -> Result<ClientConfig, TransportError> {
    let mut roots = RootCertStore::empty();
    if config.mozilla_roots {
        roots.extend(mozilla.iter().cloned());
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
