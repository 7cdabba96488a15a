//! What an error of an HTTP library comes from.

use std::error::Error as StdError;
use std::io;

use ap_core::{TransportError, TransportErrorKind};

use super::io_error::io_error_kind;
#[cfg(feature = "rustls")]
use super::rustls_error::rustls_error_kind;
#[cfg(feature = "rustls")]
use super::tls_error::TlsError;

/// Converts an error of an HTTP library by what is in its chain of sources: an error of rustls, with the feature
/// `rustls`, or an I/O error, by [`io_error_kind`]. If there is neither, or the I/O error is of a kind that is not listed
/// there, it is of the kind `otherwise`.
///
/// Some libraries use `io::ErrorKind::InvalidData` for everything that they refuse. It becomes
/// [`Malformed`](TransportErrorKind::Malformed), so tell apart what your library means by it before you call this.
///
/// Nothing of the library's own text is kept, because it can repeat a part of the request or of the response. Print it in
/// your own function while you develop.
///
/// ```
/// use ap_client::transport::{TransportErrorKind, library_error};
/// use std::io;
///
/// // An error of a library, with the reason inside.
/// let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
/// let error = io::Error::other(refused);
/// let error = library_error(&error, TransportErrorKind::Closed, TransportErrorKind::Other);
/// assert_eq!(error.kind(), TransportErrorKind::Connect);
///
/// // An error that says nothing of a connection. The library's own kinds say what it is.
/// let error = io::Error::other("a status line that is not valid");
/// let error = library_error(&error, TransportErrorKind::Closed, TransportErrorKind::Malformed);
/// assert_eq!(error.kind(), TransportErrorKind::Malformed);
/// ```
#[must_use]
pub fn library_error(
    error: &(dyn StdError + 'static),
    broken: TransportErrorKind,
    otherwise: TransportErrorKind,
) -> TransportError {
    #[cfg(feature = "rustls")]
    if let Some(kind) = rustls_error_kind(error) {
        return TlsError::new(kind).into();
    }
    let mut next = Some(error);
    while let Some(error) = next {
        let io = error.downcast_ref::<io::Error>();
        if let Some(kind) = io.and_then(|error| io_error_kind(error, broken)) {
            let why = io.map_or(io::ErrorKind::Other, io::Error::kind);
            return TransportError::new(kind).with_source(io::Error::from(why));
        }
        // `source` of an I/O error skips the error it wraps.
        let wrapped = io.and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    TransportError::new(otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_found_at_any_depth_and_no_text_is_kept() {
        let secret = "a text with a key";
        let reset = io::Error::new(io::ErrorKind::ConnectionReset, secret);
        let deep = io::Error::other(io::Error::other(reset));
        let error = library_error(
            &deep,
            TransportErrorKind::Truncated,
            TransportErrorKind::Other,
        );
        assert_eq!(error.kind(), TransportErrorKind::Truncated);
        let shown = format!("{error} {error:?} {}", error.source().unwrap());
        assert!(!shown.contains(secret), "{shown}");
        assert!(shown.contains("reset"), "{shown}");
        let other = io::Error::other(secret);
        let error = library_error(&other, TransportErrorKind::Closed, TransportErrorKind::Dns);
        assert_eq!(error.kind(), TransportErrorKind::Dns);
        assert!(error.source().is_none());
    }
}
