//! Conversions of errors, ureq's to ours and back. The first two are public, for transports that are
//! built on ureq in another way.
//!
//! A source is kept only if its text can contain nothing of the request or the response.

use std::io;

use ap_client::transport::{TlsError, TlsErrorKind, TransportError, TransportErrorKind};
use ureq::{Error, Timeout};

/// Converts an error that came instead of a response's head.
#[must_use]
pub fn send_error(error: Error) -> TransportError {
    convert(error, TransportErrorKind::Closed)
}

/// Converts an error that came while a response's body was read.
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
        Error::Rustls(error) => {
            return TlsError::new((&error).into()).with_source(error).into();
        }
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
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    if let Some(kind) = tls.map(TlsErrorKind::from) {
        return TlsError::new(kind).with_source(error).into();
    }
    let kind = match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => TransportErrorKind::Timeout,
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::AddrNotAvailable => TransportErrorKind::Connect,
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => broken,
        io::ErrorKind::InvalidData => TransportErrorKind::Malformed,
        _ => TransportErrorKind::Other,
    };
    TransportError::new(kind).with_source(error)
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
