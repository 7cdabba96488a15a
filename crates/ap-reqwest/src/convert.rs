//! From `reqwest`'s errors to ours. Public, for transports that are built on `reqwest` in another way.
//!
//! The URL is taken out of every error, because it may hold what nobody should read in a log.

use std::error::Error as StdError;
use std::io;

use ap_core::{ErrorKind, TransportError};

/// Why a request brought no response head.
#[must_use]
pub fn send_error(error: reqwest::Error) -> TransportError {
    convert(error, ErrorKind::Closed)
}

/// Why a response's body could not be read to its end.
#[must_use]
pub fn body_error(error: reqwest::Error) -> TransportError {
    convert(error, ErrorKind::Truncated)
}

fn convert(error: reqwest::Error, broken: ErrorKind) -> TransportError {
    let kind = kind(&error, broken);
    if kind == ErrorKind::Unsendable {
        // What could not be sent is in this text.
        return TransportError::new(kind);
    }
    TransportError::new(kind).with_source(error.without_url())
}

fn kind(error: &reqwest::Error, broken: ErrorKind) -> ErrorKind {
    if error.is_builder() {
        return ErrorKind::Unsendable;
    }
    let causes = || std::iter::successors(error.source(), |cause| StdError::source(*cause));
    if causes().any(is_tls) {
        return ErrorKind::Tls;
    }
    if error.is_timeout() {
        return if error.is_connect() {
            ErrorKind::ConnectTimeout
        } else {
            ErrorKind::Timeout
        };
    }
    if error.is_dns() {
        return ErrorKind::Dns;
    }
    if error.is_connect() {
        return ErrorKind::Connect;
    }
    causes()
        .find_map(|cause| {
            if let Some(error) = cause.downcast_ref::<hyper::Error>() {
                if error.is_parse_too_large() {
                    return Some(ErrorKind::TooLarge);
                }
                if error.is_parse() || is_unexpected(error) {
                    return Some(ErrorKind::Malformed);
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
                    Some(ErrorKind::Malformed)
                }
                _ => None,
            }
        })
        .unwrap_or(ErrorKind::Other)
}

/// Whether bytes came before the request was sent. There is no other way to ask.
fn is_unexpected(error: &hyper::Error) -> bool {
    let is = |error: &hyper::Error| {
        // `Display` of the error alone, without what it wraps.
        error.to_string() == "received unexpected message from connection"
    };
    is(error)
        || error
            .source()
            .and_then(|cause| cause.downcast_ref::<hyper::Error>())
            .is_some_and(is)
}

fn is_tls(cause: &(dyn StdError + 'static)) -> bool {
    if cause.is::<rustls::Error>() {
        return true;
    }
    // An I/O error hides what it wraps from `source`, and may wrap another.
    let wrapped = cause
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    wrapped.is_some_and(|inner| is_tls(inner))
}
