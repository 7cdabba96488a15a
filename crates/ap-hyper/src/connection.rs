//! [`Connection`]: an open connection, and what becomes of it after a call.

use std::fmt;
use std::sync::Arc;

use ap_client::transport::TransportError;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use tokio::task::{AbortHandle, JoinHandle};

use crate::error::send_error;
use crate::progress::Progress;

/// An open connection.
///
/// Dropping it ends the connection: at once in the middle of a call, so that an unfinished request or response never
/// meets another one, and else in the way of TLS.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    task: Task,
    /// What the task ended with. `None` once that was asked for.
    end: Option<JoinHandle<hyper::Result<()>>>,
    progress: Arc<Progress>,
}

/// Why there is no response.
pub(crate) struct Unanswered {
    /// What went wrong.
    pub(crate) error: TransportError,
    /// No byte of the request was sent.
    pub(crate) is_unsent: bool,
}

impl Connection {
    /// Creates a connection that a task drives.
    pub(crate) fn new(
        sender: SendRequest<Full<Bytes>>,
        task: JoinHandle<hyper::Result<()>>,
        progress: Arc<Progress>,
    ) -> Self {
        Self {
            sender,
            task: Task {
                handle: task.abort_handle(),
                is_in_call: false,
            },
            end: Some(task),
            progress,
        }
    }

    /// Returns `true` if it can carry a request now.
    pub(crate) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// Waits until it can carry another request. Returns `false` if it never will.
    pub(crate) async fn becomes_ready(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Sends a request and waits for the head of its response.
    pub(crate) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Unanswered> {
        self.task.is_in_call = true;
        self.progress.give();
        let mut error = match self.sender.try_send_request(request).await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        let is_unsent = error.take_message().is_some() || self.progress.is_unsent();
        let mut error = error.into_error();
        // The connection ended before it took the request. Only its task knows why.
        if error.is_canceled()
            && let Some(end) = self.end.take()
            && let Ok(Err(cause)) = end.await
        {
            error = cause;
        }
        Err(Unanswered {
            is_unsent,
            error: send_error(error),
        })
    }

    /// Notes that nothing of the call is under way any more.
    pub(crate) const fn end_call(&mut self) {
        self.task.is_in_call = false;
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// The task that drives a connection.
struct Task {
    handle: AbortHandle,
    is_in_call: bool,
}

impl Drop for Task {
    fn drop(&mut self) {
        if self.is_in_call {
            self.handle.abort();
        }
    }
}
