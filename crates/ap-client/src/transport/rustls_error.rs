//! Why TLS failed, from an error of rustls.

use std::error::Error as StdError;
use std::io;

use rustls::{CertificateError, InvalidMessage};

use super::tls_error::TlsErrorKind;

/// Returns why TLS failed, if an error, or one of its sources, is an error of rustls.
///
/// ```
/// use ap_client::transport::{TlsErrorKind, rustls_error_kind};
/// use rustls::{CertificateError, Error};
///
/// let error = Error::InvalidCertificate(CertificateError::Expired);
/// assert_eq!(rustls_error_kind(&std::io::Error::other(error)), Some(TlsErrorKind::Expired));
/// assert_eq!(rustls_error_kind(&std::io::Error::other("another error")), None);
/// ```
#[must_use]
pub fn rustls_error_kind(error: &(dyn StdError + 'static)) -> Option<TlsErrorKind> {
    std::iter::successors(Some(error), |cause| StdError::source(*cause))
        .find_map(rustls_error)
        .map(kind)
}

fn rustls_error<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    if let Some(error) = cause.downcast_ref() {
        return Some(error);
    }
    // `source` of an I/O error skips the error it wraps.
    let wrapped = cause.downcast_ref::<io::Error>()?.get_ref()?;
    rustls_error(wrapped)
}

fn kind(error: &rustls::Error) -> TlsErrorKind {
    use CertificateError::{
        Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
        NotValidYetContext, Other, UnknownIssuer,
    };
    match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            Expired | ExpiredContext { .. } => TlsErrorKind::Expired,
            NotValidYet | NotValidYetContext { .. } => TlsErrorKind::NotYetValid,
            NotValidForName | NotValidForNameContext { .. } => TlsErrorKind::OtherName,
            UnknownIssuer => TlsErrorKind::UnknownIssuer,
            Other(other) if is_of_authority(&*other.0) => TlsErrorKind::OfAuthority,
            _ => TlsErrorKind::InvalidCertificate,
        },
        // An answer in plain HTTP is read as TLS first.
        rustls::Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => TlsErrorKind::NotTls,
        _ => TlsErrorKind::Other,
    }
}

/// Returns `true` if a certificate of an authority was used by a server. rustls has no error of its own for it.
fn is_of_authority(error: &(dyn StdError + Send + Sync + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}
