//! [`TransportError`]: a round trip without a complete response.

use std::error::Error as StdError;
use std::fmt;

type Source = Box<dyn StdError + Send + Sync>;

/// Why no complete response was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// A setting cannot be used: a root certificate that cannot be read, a proxy of another kind.
    Setup,
    /// The HTTP library would change the request, so it was not sent.
    Unsendable,
    /// The host's name cannot be resolved.
    Dns,
    /// The host does not accept the connection.
    Connect,
    /// There was no connection within the connect timeout.
    ConnectTimeout,
    /// The proxy refused the connection or failed.
    Proxy,
    /// TLS failed: an unknown or expired certificate, another name, no TLS at all.
    Tls,
    /// The deadline passed.
    Timeout,
    /// The connection ended before the response began. The request may have been applied.
    Closed,
    /// The response ended early, or does not say where it ends.
    Truncated,
    /// The response is not valid HTTP/1.1.
    Malformed,
    /// The response's head or body is larger than the configured limit.
    TooLarge,
    /// The call was cancelled from outside.
    Cancelled,
    /// Anything else.
    Other,
}

impl TransportErrorKind {
    /// Returns `true` if the request, or a part of it, may have reached the peer.
    #[must_use]
    pub const fn is_after_connecting(self) -> bool {
        !matches!(
            self,
            Self::Setup
                | Self::Unsendable
                | Self::Dns
                | Self::Connect
                | Self::ConnectTimeout
                | Self::Proxy
        )
    }

    /// Returns `true` if the next attempt may succeed without any change.
    pub(super) const fn is_transient(self) -> bool {
        !matches!(
            self,
            Self::Setup | Self::Unsendable | Self::Tls | Self::TooLarge | Self::Cancelled
        )
    }

    /// Returns a stable name for logs and metrics (OpenTelemetry's `error.type`).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Unsendable => "unsendable",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::ConnectTimeout => "connect_timeout",
            Self::Proxy => "proxy",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Closed => "closed",
            Self::Truncated => "truncated",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::Cancelled => "cancelled",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for TransportErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Setup => "a setting of the transport cannot be used",
            Self::Unsendable => "the HTTP library would change the request, so it was not sent",
            Self::Dns => "the host's name cannot be resolved",
            Self::Connect => "the host does not accept the connection",
            Self::ConnectTimeout => "connecting took too long",
            Self::Proxy => "the proxy refused the connection or failed",
            Self::Tls => "TLS failed",
            Self::Timeout => "the call took too long",
            Self::Closed => "the connection ended before the response began",
            Self::Truncated => "the response ended early",
            Self::Malformed => "the response is not valid HTTP",
            Self::TooLarge => "the response is larger than the configured limit",
            Self::Cancelled => "the call was cancelled",
            Self::Other => "the call failed",
        })
    }
}

/// No complete response was received: a kind, with the HTTP library's own error as its source.
///
/// The text names no URL and no header, and does not repeat that of the source.
///
/// ```
/// use ap_core::{TransportError, TransportErrorKind};
/// use std::error::Error as _;
/// use std::io;
///
/// let library = io::Error::from(io::ErrorKind::ConnectionRefused);
/// let error = TransportError::new(TransportErrorKind::Connect).with_source(library);
/// assert_eq!(error.kind(), TransportErrorKind::Connect);
/// assert_eq!(error.to_string(), "the host does not accept the connection");
/// assert_eq!(error.source().unwrap().to_string(), "connection refused");
/// ```
#[derive(Debug)]
pub struct TransportError {
    kind: TransportErrorKind,
    source: Option<Source>,
}

impl TransportError {
    /// Creates an error of a kind, without a source.
    #[must_use]
    pub const fn new(kind: TransportErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// Creates an error of kind [`Setup`](TransportErrorKind::Setup): a setting that cannot be used, and why.
    ///
    /// ```
    /// use ap_core::TransportError;
    ///
    /// fn check_threads(threads: usize) -> Result<(), TransportError> {
    ///     match threads {
    ///         0 => Err(TransportError::setup("the number of threads is zero; allow at least one")),
    ///         _ => Ok(()),
    ///     }
    /// }
    /// assert!(check_threads(0).is_err());
    /// ```
    #[must_use]
    pub fn setup(why: impl Into<Source>) -> Self {
        Self::new(TransportErrorKind::Setup).with_source(why)
    }

    /// Adds the error behind this one. You are responsible for its text: no key, no URL, no header, no body.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns what went wrong.
    #[must_use]
    pub fn kind(&self) -> TransportErrorKind {
        self.kind
    }

    pub(super) fn into_parts(self) -> (TransportErrorKind, Option<Source>) {
        (self.kind, self.source)
    }

    /// Converts the error of a call that went through a proxy: a host that could not be reached is then the
    /// proxy.
    ///
    /// ```
    /// use ap_core::{TransportError, TransportErrorKind};
    ///
    /// let error = TransportError::new(TransportErrorKind::Dns).through_proxy();
    /// assert_eq!(error.kind(), TransportErrorKind::Proxy);
    /// ```
    #[must_use]
    pub fn through_proxy(self) -> Self {
        match self.kind {
            TransportErrorKind::Connect | TransportErrorKind::Dns => {
                Self::new(TransportErrorKind::Proxy).with_source(self)
            }
            _ => self,
        }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}
