//! [`TlsError`]: why TLS failed, in words for people.

use std::error::Error as StdError;
use std::fmt;

/// Why a TLS handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsErrorKind {
    /// The certificate was valid until a time in the past. A clock that is wrong looks the same.
    Expired,
    /// The certificate is valid from a time in the future. A clock that is wrong looks the same.
    NotYetValid,
    /// The certificate is for another host.
    OtherName,
    /// No trusted root certificate leads to the certificate, or it is self-signed.
    UnknownIssuer,
    /// The certificate is that of an authority, which cannot be one of a server too. Programs that make a self-signed
    /// certificate often make such a one.
    OfAuthority,
    /// The certificate cannot be used for another reason.
    InvalidCertificate,
    /// The server does not speak TLS.
    NotTls,
    /// Anything else.
    Other,
}

impl fmt::Display for TlsErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "the server's certificate has expired",
            Self::NotYetValid => "the server's certificate is not yet valid",
            Self::OtherName => "the server's certificate is for another name",
            Self::UnknownIssuer => "the server's certificate has an unknown issuer",
            Self::OfAuthority => {
                "the server's certificate is that of an authority, as self-signed ones often are"
            }
            Self::InvalidCertificate => "the server's certificate is not valid",
            Self::NotTls => "the server does not speak TLS",
            Self::Other => "the handshake failed",
        })
    }
}

/// Why TLS failed: the source of an error of kind [`Tls`](super::TransportErrorKind::Tls), with the TLS library's
/// own error as its source.
///
/// ```
/// use ap_client::transport::{TlsError, TlsErrorKind, TransportError, TransportErrorKind};
/// use std::error::Error as _;
///
/// let error = TransportError::from(TlsError::new(TlsErrorKind::Expired));
/// assert_eq!(error.kind(), TransportErrorKind::Tls);
/// let why = error.source().and_then(|source| source.downcast_ref::<TlsError>());
/// assert_eq!(why.unwrap().to_string(), "the server's certificate has expired; check this machine's clock too");
/// ```
#[derive(Debug)]
pub struct TlsError {
    kind: TlsErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl TlsError {
    /// Creates an error of a kind, without a source.
    #[must_use]
    pub const fn new(kind: TlsErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// Adds the error behind this one. You are responsible for its text: no key, no URL, no header, no body.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns why TLS failed.
    #[must_use]
    pub const fn kind(&self) -> TlsErrorKind {
        self.kind
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        match self.kind {
            TlsErrorKind::Expired | TlsErrorKind::NotYetValid => {
                f.write_str("; check this machine's clock too")
            }
            _ => Ok(()),
        }
    }
}

impl StdError for TlsError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}

impl From<TlsError> for super::TransportError {
    fn from(error: TlsError) -> Self {
        Self::new(super::TransportErrorKind::Tls).with_source(error)
    }
}
