//! From `ureq`'s errors to ours. Public, for transports that are built on `ureq` in another way.
//!
//! Sources are kept only where their text can hold nothing of the request or the response.

use std::io;

use ap_client::transport::{TransportErrorKind, TransportError};
use ureq::{Error, Timeout};

use crate::guard::Cut;

/// Why a request brought no response head.
#[must_use]
pub fn send_error(error: Error) -> TransportError {
    convert(error, TransportErrorKind::Closed)
}

/// Why a response's body could not be read to its end.
#[must_use]
pub fn body_error(error: Error) -> TransportError {
    convert(error, TransportErrorKind::Truncated)
}

fn convert(error: Error, broken: TransportErrorKind) -> TransportError {
    let kind = match error {
        Error::Io(error) => return io_error(error, broken),
        Error::Rustls(error) => return TransportError::new(TransportErrorKind::Tls).with_source(error),
        Error::Timeout(Timeout::Connect | Timeout::Resolve) => TransportErrorKind::ConnectTimeout,
        Error::Timeout(_) => TransportErrorKind::Timeout,
        Error::HostNotFound => TransportErrorKind::Dns,
        Error::ConnectionFailed => TransportErrorKind::Connect,
        Error::Tls(_) | Error::TlsRequired | Error::Pem(_) => TransportErrorKind::Tls,
        Error::InvalidProxyUrl | Error::ConnectProxyFailed(_) => TransportErrorKind::Proxy,
        Error::LargeResponseHeader(..) | Error::BodyExceedsLimit(_) => TransportErrorKind::TooLarge,
        Error::Protocol(_) => TransportErrorKind::Malformed,
        Error::Http(_) | Error::BadUri(_) | Error::RequireHttpsOnly(_) => TransportErrorKind::Unsendable,
        _ => TransportErrorKind::Other,
    };
    TransportError::new(kind)
}

fn io_error(error: io::Error, broken: TransportErrorKind) -> TransportError {
    let is_tls = error
        .get_ref()
        .is_some_and(|inner| inner.is::<rustls::Error>());
    let is_cut = error.get_ref().is_some_and(|inner| inner.is::<Cut>());
    let kind = match error.kind() {
        _ if is_tls => TransportErrorKind::Tls,
        _ if is_cut => TransportErrorKind::Truncated,
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
