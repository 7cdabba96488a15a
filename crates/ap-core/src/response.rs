//! [`Response`]: a complete response, in memory. Its fallible methods are in `decode.rs`.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::called::Called;

/// A complete response of any status, with its body in memory.
///
/// An error status is not an error until you ask for it with
/// [`error_for_status`](Self::error_for_status).
///
/// ```
/// use ap_core::Response;
///
/// let response = Response::from(http::Response::new(r#"{"id":"1"}"#.into()));
/// let response = response.error_for_status()?;
/// let flow: serde_json::Value = response.json()?;
/// assert_eq!(flow["id"], "1");
/// # Ok::<(), ap_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Response {
    inner: http::Response<Bytes>,
    called: Option<Called>,
}

impl Response {
    /// Creates the response to a request, for code that drives an exchange itself.
    #[must_use]
    pub fn new(inner: http::Response<Bytes>, called: Called) -> Self {
        Self {
            inner,
            called: Some(called),
        }
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.inner.status()
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// Returns the body.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        self.inner.body()
    }

    /// Returns what is known of the request, if the response was made with [`new`](Self::new).
    #[must_use]
    pub fn called(&self) -> Option<&Called> {
        self.called.as_ref()
    }

    /// Converts this into a response of the `http` crate.
    #[must_use]
    pub fn into_http(self) -> http::Response<Bytes> {
        self.inner
    }
}

impl From<http::Response<Bytes>> for Response {
    fn from(inner: http::Response<Bytes>) -> Self {
        Self {
            inner,
            called: None,
        }
    }
}

/// Leaves out headers and body: they may contain a key or personal data.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status())
            .field("body_len", &self.bytes().len())
            .finish_non_exhaustive()
    }
}
