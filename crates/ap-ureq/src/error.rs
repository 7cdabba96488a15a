//! Conversions of errors, ureq's to ours and back. The first two are public, for transports that are
//! built on ureq in another way.
//!
//! A source is kept only if its text can contain nothing of the request or the response.

use std::error::Error as StdError;
use std::io;

use ap_client::transport::{
    self, TlsError, TlsErrorKind, TransportError, TransportErrorKind, rustls_error_kind,
};
use ureq::{Error, Timeout};

/// Converts an error that came instead of a response's head.
///
/// ```
/// use ap_ureq::ap_client::transport::TransportErrorKind;
/// use ap_ureq::{error, ureq};
///
/// let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
/// let error = error::send_error(ureq::Error::Io(refused));
/// assert_eq!(error.kind(), TransportErrorKind::Connect);
/// ```
#[must_use]
pub fn send_error(error: Error) -> TransportError {
    convert(error, TransportErrorKind::Closed)
}

/// Converts an error that came while a response's body was read.
///
/// ```
/// use ap_ureq::ap_client::transport::TransportErrorKind;
/// use ap_ureq::{error, ureq};
///
/// let ended = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
/// let error = error::body_error(ureq::Error::Io(ended));
/// assert_eq!(error.kind(), TransportErrorKind::Truncated);
/// ```
#[must_use]
pub fn body_error(error: Error) -> TransportError {
    convert(error, TransportErrorKind::Truncated)
}

/// Returns an error of ours in a form that passes through ureq unchanged.
pub(crate) fn through_ureq(error: TransportError) -> Error {
    Error::Other(Box::new(error))
}

/// Builds an error of ours with a reason, in a form that passes through ureq unchanged.
pub(crate) fn ureq_error(kind: TransportErrorKind, reason: &'static str) -> Error {
    through_ureq(TransportError::new(kind).with_source(reason))
}

/// `broken` is the kind for a connection that ended.
fn convert(error: Error, broken: TransportErrorKind) -> TransportError {
    let kind = match error {
        Error::Io(error) => return io_error(error, broken),
        Error::Rustls(error) => return tls_error(error),
        Error::Other(error) => {
            return match error.downcast::<TransportError>() {
                Ok(ours) => *ours,
                Err(_) => TransportError::new(TransportErrorKind::Other),
            };
        }
        Error::Timeout(Timeout::Connect | Timeout::Resolve) => TransportErrorKind::ConnectTimeout,
        Error::Timeout(_) => TransportErrorKind::Timeout,
        Error::HostNotFound => TransportErrorKind::Dns,
        Error::ConnectionFailed => TransportErrorKind::Connect,
        Error::Tls(_) | Error::TlsRequired | Error::Pem(_) => TransportErrorKind::Tls,
        Error::InvalidProxyUrl | Error::ConnectProxyFailed(_) => TransportErrorKind::Proxy,
        Error::LargeResponseHeader(..) | Error::BodyExceedsLimit(_) => TransportErrorKind::TooLarge,
        Error::Protocol(_) => TransportErrorKind::Malformed,
        Error::Http(_) | Error::BadUri(_) | Error::RequireHttpsOnly(_) => {
            TransportErrorKind::Unsendable
        }
        _ => TransportErrorKind::Other,
    };
    TransportError::new(kind)
}

fn io_error(error: io::Error, broken: TransportErrorKind) -> TransportError {
    if rustls_error_kind(&error).is_some() {
        return tls_error(error);
    }
    transport::io_error(error, broken)
}

fn tls_error(error: impl StdError + Send + Sync + 'static) -> TransportError {
    let kind = rustls_error_kind(&error).unwrap_or(TlsErrorKind::Other);
    TlsError::new(kind).with_source(error).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_ours_passes_through_ureq_and_its_tls_unchanged() {
        let direct = send_error(ureq_error(TransportErrorKind::TooLarge, "a reason"));
        // Below TLS, ureq wraps every error into one of the standard library, and unwraps it above.
        let wrapped = ureq_error(TransportErrorKind::TooLarge, "a reason").into_io();
        let unwrapped = send_error(Error::from(wrapped));
        for error in [direct, unwrapped] {
            assert_eq!(error.kind(), TransportErrorKind::TooLarge);
        }
    }

    #[test]
    fn a_connection_that_ends_is_closed_before_the_head_and_truncated_after_it() {
        let broken = || Error::Io(io::ErrorKind::ConnectionReset.into());
        assert_eq!(send_error(broken()).kind(), TransportErrorKind::Closed);
        assert_eq!(body_error(broken()).kind(), TransportErrorKind::Truncated);
    }
}
