//! Conversions from `reqwest`'s errors, for transports that use `reqwest` in another way.
//!
//! The URL is removed from every error, because it may contain ids or personal data.

use std::error::Error as StdError;
use std::io;

use ap_client::transport::{TlsError, TlsErrorKind, TransportError, TransportErrorKind};

/// Converts an error that occurred before the response's head was received.
#[must_use]
pub fn send_error(error: reqwest::Error) -> TransportError {
    convert(error, TransportErrorKind::Closed)
}

/// Converts an error that occurred while the response's body was read.
#[must_use]
pub fn body_error(error: reqwest::Error) -> TransportError {
    convert(error, TransportErrorKind::Truncated)
}

fn convert(error: reqwest::Error, broken: TransportErrorKind) -> TransportError {
    let tls = causes(&error)
        .find_map(rustls_error)
        .map(TlsErrorKind::from);
    if let Some(kind) = tls {
        return TlsError::new(kind).with_source(error.without_url()).into();
    }
    let kind = kind(&error, broken);
    if kind == TransportErrorKind::Unsendable {
        // This text quotes what could not be sent.
        return TransportError::new(kind);
    }
    TransportError::new(kind).with_source(error.without_url())
}

fn kind(error: &reqwest::Error, broken: TransportErrorKind) -> TransportErrorKind {
    if error.is_builder() {
        return TransportErrorKind::Unsendable;
    }
    if causes(error).any(is_bad_server_name) {
        return TransportErrorKind::Tls;
    }
    if error.is_timeout() {
        return if error.is_connect() {
            TransportErrorKind::ConnectTimeout
        } else {
            TransportErrorKind::Timeout
        };
    }
    if error.is_dns() {
        return TransportErrorKind::Dns;
    }
    if error.is_connect() {
        return TransportErrorKind::Connect;
    }
    causes(error)
        .find_map(|cause| {
            if let Some(error) = cause.downcast_ref::<hyper::Error>() {
                if error.is_parse_too_large() {
                    return Some(TransportErrorKind::TooLarge);
                }
                if error.is_parse() || is_unexpected(error) {
                    return Some(TransportErrorKind::Malformed);
                }
                if error.is_incomplete_message()
                    || error.is_closed()
                    || error.is_canceled()
                    || error.is_body_write_aborted()
                {
                    return Some(broken);
                }
                return None;
            }
            match cause.downcast_ref::<io::Error>()?.kind() {
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe => Some(broken),
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                    Some(TransportErrorKind::Malformed)
                }
                _ => None,
            }
        })
        .unwrap_or(TransportErrorKind::Other)
}

/// Returns `true` if bytes arrived before the request was sent. hyper has no method for this.
fn is_unexpected(error: &hyper::Error) -> bool {
    let is = |error: &hyper::Error| {
        // hyper's `Display` shows this error only, not its source.
        error.to_string() == "received unexpected message from connection"
    };
    is(error)
        || error
            .source()
            .and_then(|cause| cause.downcast_ref::<hyper::Error>())
            .is_some_and(is)
}

/// Returns `true` if the library has no name for TLS in a tunnel, as for an IPv6 address. The proxy did its part.
/// The library has no type for this.
fn is_bad_server_name(cause: &(dyn StdError + 'static)) -> bool {
    cause.to_string() == "Invalid Server Name"
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(error.source(), |cause| StdError::source(*cause))
}

fn rustls_error<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    if let Some(error) = cause.downcast_ref() {
        return Some(error);
    }
    // `source` of an I/O error skips the error it wraps.
    let wrapped = cause.downcast_ref::<io::Error>()?.get_ref()?;
    rustls_error(wrapped)
}
