//! Conversions from `reqwest`'s errors, for transports that use `reqwest` in another way.
//!
//! The URL is removed from every error, because it may contain ids or personal data.

use std::error::Error as StdError;
use std::io;

use ap_client::transport::{
    TlsError, TransportError, TransportErrorKind, io_error_kind, rustls_error_kind,
};

/// Converts an error that occurred before the response's head was received.
///
/// ```
/// use ap_reqwest::ap_client::transport::TransportErrorKind;
/// use ap_reqwest::{error, reqwest};
///
/// // reqwest refuses to make such a request.
/// let refused = reqwest::Proxy::all("no URL").unwrap_err();
/// let error = error::send_error(refused);
/// assert_eq!(error.kind(), TransportErrorKind::Unsendable);
/// assert_eq!(error.to_string(), "the HTTP library would change the request, so it was not sent");
/// ```
#[must_use]
pub fn send_error(error: reqwest::Error) -> TransportError {
    convert(error, TransportErrorKind::Closed)
}

/// Converts an error that occurred while the response's body was read.
///
/// ```
/// use ap_reqwest::ap_client::transport::TransportError;
/// use ap_reqwest::{error, reqwest};
///
/// async fn read(response: reqwest::Response) -> Result<Vec<u8>, TransportError> {
///     let body = response.bytes().await.map_err(error::body_error)?;
///     Ok(body.into())
/// }
/// ```
#[must_use]
pub fn body_error(error: reqwest::Error) -> TransportError {
    convert(error, TransportErrorKind::Truncated)
}

fn convert(error: reqwest::Error, broken: TransportErrorKind) -> TransportError {
    if let Some(kind) = rustls_error_kind(&error) {
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
            io_error_kind(cause.downcast_ref::<io::Error>()?, broken)
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
