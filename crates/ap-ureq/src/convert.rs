//! From `ureq`'s errors to ours. Public, for transports that are built on `ureq` in another way.
//!
//! Sources are kept only where their text can hold nothing of the request or the response.

use std::io;

use ap_core::{ErrorKind, TransportError};
use ureq::{Error, Timeout};

use crate::guard::Cut;

/// Why a request brought no response head.
#[must_use]
pub fn send_error(error: Error) -> TransportError {
    convert(error, ErrorKind::Closed)
}

/// Why a response's body could not be read to its end.
#[must_use]
pub fn body_error(error: Error) -> TransportError {
    convert(error, ErrorKind::Truncated)
}

fn convert(error: Error, broken: ErrorKind) -> TransportError {
    let kind = match error {
        Error::Io(error) => return io_error(error, broken),
        Error::Rustls(error) => return TransportError::new(ErrorKind::Tls).with_source(error),
        Error::Timeout(Timeout::Connect | Timeout::Resolve) => ErrorKind::ConnectTimeout,
        Error::Timeout(_) => ErrorKind::Timeout,
        Error::HostNotFound => ErrorKind::Dns,
        Error::ConnectionFailed => ErrorKind::Connect,
        Error::Tls(_) | Error::TlsRequired | Error::Pem(_) => ErrorKind::Tls,
        Error::InvalidProxyUrl | Error::ConnectProxyFailed(_) => ErrorKind::Proxy,
        Error::LargeResponseHeader(..) | Error::BodyExceedsLimit(_) => ErrorKind::TooLarge,
        Error::Protocol(_) => ErrorKind::Malformed,
        Error::Http(_) | Error::BadUri(_) | Error::RequireHttpsOnly(_) => ErrorKind::Unsendable,
        _ => ErrorKind::Other,
    };
    TransportError::new(kind)
}

fn io_error(error: io::Error, broken: ErrorKind) -> TransportError {
    let is_tls = error
        .get_ref()
        .is_some_and(|inner| inner.is::<rustls::Error>());
    let is_cut = error.get_ref().is_some_and(|inner| inner.is::<Cut>());
    let kind = match error.kind() {
        _ if is_tls => ErrorKind::Tls,
        _ if is_cut => ErrorKind::Truncated,
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => ErrorKind::Timeout,
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::AddrNotAvailable => ErrorKind::Connect,
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => broken,
        io::ErrorKind::InvalidData => ErrorKind::Malformed,
        _ => ErrorKind::Other,
    };
    TransportError::new(kind).with_source(error)
}
