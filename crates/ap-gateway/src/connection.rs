//! One connection of a client, from its first byte to its end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ap_listener::{HeadScanner, PendingRequests, ScannedStream};
use bytes::Bytes;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::connections::Tracked;
use crate::responder::{Entrance, Responder};

/// The largest head, in bytes.
const MAX_HEAD: usize = 64 * 1024;
/// The most header lines.
const MAX_HEADERS: usize = 100;
/// How long a connection that closes for another one may take to finish the answer that it was writing.
const CLOSE_TIME: Duration = Duration::from_secs(1);
/// The same for one that closes because the gateway stops.
const STOP_TIME: Duration = Duration::from_secs(5);

/// What is written to a connection if too many are busy.
const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n\
    ap-gateway-refusal: connections\r\nconnection: close\r\ncontent-length: 32\r\n\r\n{\"error\":\"too many connections\"}";

/// Serves a connection until its client, its limits, or `stopped` end it.
pub(crate) async fn serve<S>(
    stream: S,
    responder: Arc<Responder>,
    entrance: Entrance,
    tracked: Tracked,
    mut stopped: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let client_timeout = responder.forwarder.limits.client_timeout;
    let requests = PendingRequests::default();
    let scanner = HeadScanner::new(requests.clone());
    let stream = ScannedStream::new(stream, Bytes::new(), scanner, client_timeout);
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(client_timeout)
        .max_buf_size(MAX_HEAD)
        .max_header_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .auto_date_header(false);
    let tracked = Arc::new(tracked);
    let service = service_fn(|request: Request<Incoming>| {
        let (responder, framing) = (Arc::clone(&responder), requests.pop());
        let busy = Busy::new(&tracked);
        Box::pin(async move {
            let response = responder.respond(request, framing, entrance).await;
            drop(busy);
            Ok::<_, Infallible>(response)
        })
    });
    let mut connection = server.serve_connection(TokioIo::new(stream), service);
    let close_time = tokio::select! {
        // Nobody needs to know how the connection ended, and nothing is logged.
        _ = poll_fn(|context| connection.poll_without_shutdown(context)) => None,
        () = tracked.closing() => Some(CLOSE_TIME),
        _ = stopped.wait_for(|is_stopped| *is_stopped) => Some(STOP_TIME),
    };
    if let Some(close_time) = close_time {
        Pin::new(&mut connection).graceful_shutdown();
        loop {
            let end = poll_fn(|context| connection.poll_without_shutdown(context));
            // An idle connection has nothing to finish but what was written last.
            if timeout(close_time, end).await.is_ok() || tracked.is_idle() {
                break;
            }
        }
    }
    ap_listener::close(connection.into_parts().io.into_inner().into_inner()).await;
}

/// Refuses a connection, because too many are busy.
pub(crate) async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    if let Ok(Ok(())) = timeout(CLOSE_TIME, stream.write_all(BUSY)).await {
        ap_listener::close(stream).await;
    }
}

/// While this lives, a request of the connection is served.
struct Busy(Arc<Tracked>);

impl Busy {
    fn new(tracked: &Arc<Tracked>) -> Self {
        tracked.set_idle(false);
        Self(Arc::clone(tracked))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.set_idle(true);
    }
}
