//! [`Stream`]: what a connection's bytes go through.

use tokio::io::{AsyncRead, AsyncWrite};

/// What a request and its response go through: TCP, or TLS in it, or both in a tunnel.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}
