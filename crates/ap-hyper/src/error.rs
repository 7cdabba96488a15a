//! What hyper's errors mean.

use std::error::Error as StdError;
use std::io;

use ap_client::transport::{
    TlsError, TransportError, TransportErrorKind, io_error_kind, rustls_error_kind,
};

use crate::informational::TooManyInformational;

/// Converts an error that came instead of a response's head.
pub(crate) fn send_error(error: hyper::Error) -> TransportError {
    convert(error, TransportErrorKind::Closed)
}

/// Converts an error that came while a response's body was read.
pub(crate) fn body_error(error: hyper::Error) -> TransportError {
    convert(error, TransportErrorKind::Truncated)
}

/// `broken` is the kind for a connection that ended.
fn convert(error: hyper::Error, broken: TransportErrorKind) -> TransportError {
    if let Some(kind) = rustls_error_kind(&error) {
        return TlsError::new(kind).with_source(error).into();
    }
    let kind = causes(&error)
        .find_map(|cause| kind(cause, broken))
        .unwrap_or(TransportErrorKind::Other);
    TransportError::new(kind).with_source(error)
}

fn kind(
    cause: &(dyn StdError + 'static),
    broken: TransportErrorKind,
) -> Option<TransportErrorKind> {
    if wrapped::<TooManyInformational>(cause).is_some() {
        return Some(TransportErrorKind::TooLarge);
    }
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
    io_error_kind(cause.downcast_ref::<io::Error>()?, broken)
}

/// Returns `true` if bytes arrived before the request was sent. hyper has no method for this.
fn is_unexpected(error: &hyper::Error) -> bool {
    // hyper's `Display` shows this error only, not its source.
    let is = |text: String| text == "received unexpected message from connection";
    is(error.to_string()) || error.source().is_some_and(|source| is(source.to_string()))
}

/// Returns an error and the errors behind it.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |cause| StdError::source(*cause))
}

/// Returns an error of this type, if it is this one or inside of an I/O error, whose `source` skips it.
fn wrapped<'a, E: StdError + 'static>(cause: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    if let Some(error) = cause.downcast_ref() {
        return Some(error);
    }
    cause
        .downcast_ref::<io::Error>()?
        .get_ref()
        .and_then(|inner| inner.downcast_ref())
}
