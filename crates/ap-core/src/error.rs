//! [`CallError`]: whose fault a failed call is, and what to do next.

use std::fmt;

use bytes::Bytes;
use http::Response;

use crate::exchange::AuthError;
use crate::request::RequestError;
use crate::source::SourceError;
use crate::transport::{ErrorKind, TransportError};

/// A call without an answer. A response of any status is an answer, save for a 401 by which a product
/// refused every key.
///
/// ```
/// use ap_core::{Blame, CallError};
///
/// fn advise(error: &CallError) -> String {
///     match (error, error.blame()) {
///         (CallError::Auth(refusal), _) => refusal.error().advice().to_string(),
///         (_, Blame::Caller) => format!("change the request: {error}"),
///         (_, Blame::Peer) => format!("ask the vendor: {error}"),
///         _ => format!("call again if the call may be repeated: {error}"),
///     }
/// }
///
/// let client = ap_core::Client::builder().build_with(NoNetwork)?;
/// let request = http::Request::get("https://elsewhere.example/").body(bytes::Bytes::new())?;
/// let error = client.send(request).unwrap_err();
/// assert!(advise(&error).starts_with("change the request: "));
/// # struct NoNetwork;
/// # impl ap_core::Transport for NoNetwork {
/// #     fn now(&self) -> ap_core::Moment {
/// #         ap_core::Moment::after_start(std::time::Duration::ZERO)
/// #     }
/// #     fn send(
/// #         &self,
/// #         _: &http::Request<bytes::Bytes>,
/// #         _: ap_core::Deadline,
/// #     ) -> Result<http::Response<bytes::Bytes>, ap_core::TransportError> {
/// #         Err(ap_core::TransportError::new(ap_core::ErrorKind::Connect))
/// #     }
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The request may not carry a key, or cannot be sent. Nothing left this machine.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// No key opened the call.
    #[error(transparent)]
    Auth(#[from] Refusal),
    /// No complete response was received.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// Whose fault a failed call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Blame {
    /// The caller's: change the request.
    Caller,
    /// The key's: see [`AuthError::advice`].
    Key,
    /// The way there: check the network, and call again if the call may be repeated.
    Transport,
    /// The peer's: it answered with something that is not sound.
    Peer,
}

impl CallError {
    /// Whose fault it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Request(_) => Blame::Caller,
            Self::Auth(_) => Blame::Key,
            Self::Transport(error) => match error.kind() {
                ErrorKind::Truncated | ErrorKind::Malformed | ErrorKind::TooLarge => Blame::Peer,
                ErrorKind::Setup | ErrorKind::Unsendable => Blame::Caller,
                _ => Blame::Transport,
            },
        }
    }

    /// A stable name for logs and metrics (OpenTelemetry's `error.type`).
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Request(_) => "request",
            Self::Auth(_) => "auth",
            Self::Transport(error) => error.kind().name(),
        }
    }
}

/// The last key's refusal, with the response that brought it.
pub struct Refusal {
    inner: Box<Inner>,
}

struct Inner {
    error: AuthError,
    response: Option<Response<Bytes>>,
    source: Option<SourceError>,
}

impl Refusal {
    pub(crate) fn new(
        error: AuthError,
        response: Option<Response<Bytes>>,
        source: Option<SourceError>,
    ) -> Self {
        Self {
            inner: Box::new(Inner {
                error,
                response,
                source,
            }),
        }
    }

    /// What each key was told, and what to do.
    #[must_use]
    pub fn error(&self) -> &AuthError {
        &self.inner.error
    }

    /// The 401 itself; none if there was no key to call with.
    #[must_use]
    pub fn response(&self) -> Option<&Response<Bytes>> {
        self.inner.response.as_ref()
    }

    /// Why the key source, which was asked then, had no key; it is also this error's source.
    #[must_use]
    pub fn source_error(&self) -> Option<&SourceError> {
        self.inner.source.as_ref()
    }
}

/// Without the response: a server may repeat what it was sent.
impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("error", self.error())
            .field("source", &self.source_error())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error().fmt(f)
    }
}

impl std::error::Error for Refusal {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.source_error() {
            Some(error) => Some(error),
            None => None,
        }
    }
}
