//! What an I/O error on a connection means.

use std::io;

use ap_core::{TransportError, TransportErrorKind};

/// Returns the kind of an I/O error on a connection, or `None` if it says nothing about the connection.
///
/// `broken` is the kind for a connection that ended: [`Closed`](TransportErrorKind::Closed) before the response's
/// head is complete, [`Truncated`](TransportErrorKind::Truncated) after it.
///
/// ```
/// use ap_client::transport::{TransportErrorKind, io_error_kind};
/// use std::io;
///
/// let kind = |error: io::ErrorKind| io_error_kind(&error.into(), TransportErrorKind::Closed);
/// assert_eq!(kind(io::ErrorKind::ConnectionRefused), Some(TransportErrorKind::Connect));
/// assert_eq!(kind(io::ErrorKind::ConnectionReset), Some(TransportErrorKind::Closed));
/// assert_eq!(kind(io::ErrorKind::WouldBlock), Some(TransportErrorKind::Timeout));
/// assert_eq!(kind(io::ErrorKind::PermissionDenied), None);
/// ```
#[must_use]
pub fn io_error_kind(error: &io::Error, broken: TransportErrorKind) -> Option<TransportErrorKind> {
    Some(match error.kind() {
        // A socket with a timeout reports one or the other, by the operating system.
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => TransportErrorKind::Timeout,
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::AddrNotAvailable => TransportErrorKind::Connect,
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => broken,
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => TransportErrorKind::Malformed,
        _ => return None,
    })
}

/// Converts an I/O error on a connection, by [`io_error_kind`]. It becomes the source.
///
/// Errors of the operating system quote nothing. If a library made the error, check its text first: it must contain
/// nothing of the request or the response.
///
/// ```
/// use ap_client::transport::{TransportErrorKind, io_error};
///
/// let error = io_error(std::io::ErrorKind::UnexpectedEof.into(), TransportErrorKind::Truncated);
/// assert_eq!(error.kind(), TransportErrorKind::Truncated);
/// ```
#[must_use]
pub fn io_error(error: io::Error, broken: TransportErrorKind) -> TransportError {
    let kind = io_error_kind(&error, broken).unwrap_or(TransportErrorKind::Other);
    TransportError::new(kind).with_source(error)
}
