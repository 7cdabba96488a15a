//! One connection of a client, from its first byte to its end.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ap_listener::{HeadScanner, PendingRequests, ScannedStream};
use bytes::Bytes;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::connections::Tracked;
use crate::delivery::{DeliveryStream, Unwritten};
use crate::head_timer::HeadTimer;
use crate::responder::{Entrance, Responder};

/// The largest head, in bytes.
const MAX_HEAD: usize = 64 * 1024;
/// How long a connection that closes because the gateway stops may take for the answer that it was writing.
const STOP_TIME: Duration = Duration::from_secs(5);
/// How long a client may take to read why its connection is refused.
const REFUSE_TIME: Duration = Duration::from_secs(1);

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
    let limits = responder.forwarder.limits;
    let client_timeout = limits.client_timeout;
    let requests = PendingRequests::default();
    let scanner = HeadScanner::new(requests.clone());
    let stream = ScannedStream::new(stream, Bytes::new(), scanner, client_timeout);
    let unwritten = Unwritten::new();
    let stream = DeliveryStream::new(stream, unwritten.clone(), limits.answer_timeout);
    // hyper allows 100 header lines. The same number as a setting would make it slower.
    let mut server = http1::Builder::new();
    server
        .timer(HeadTimer::default())
        .header_read_timeout(client_timeout)
        .max_buf_size(MAX_HEAD)
        .max_header_size(MAX_HEAD)
        .auto_date_header(false);
    let tracked = Arc::new(tracked);
    let service = service_fn(|request: Request<Incoming>| {
        let (responder, framing) = (Arc::clone(&responder), requests.pop());
        let (busy, unwritten) = (tracked.begin(), unwritten.clone());
        Box::pin(async move {
            let Some(busy) = busy else {
                // The connection is about to close for another one. Nothing of the request has been done.
                return pending().await;
            };
            let mut response = responder.respond(request, framing, entrance).await;
            let attached = std::mem::take(response.extensions_mut());
            Ok::<_, Infallible>(response.map(|body| unwritten.answer(body, (busy, attached))))
        })
    });
    let mut connection = server.serve_connection(TokioIo::new(stream), service);
    let is_stopping = tokio::select! {
        biased;
        // Only an idle connection is told so: there is nothing to finish, and another one waits for its descriptor.
        () = tracked.closing() => return,
        // Nobody needs to know how the connection ended, and nothing is logged.
        _ = poll_fn(|context| {
            unwritten.wake();
            connection.poll_without_shutdown(context)
        }) => false,
        _ = stopped.wait_for(|is_stopped| *is_stopped) => true,
    };
    if is_stopping {
        Pin::new(&mut connection).graceful_shutdown();
        loop {
            let end = poll_fn(|context| {
                unwritten.wake();
                connection.poll_without_shutdown(context)
            });
            if timeout(STOP_TIME, end).await.is_ok() || tracked.is_idle() {
                break;
            }
        }
    }
    let stream = connection
        .into_parts()
        .io
        .into_inner()
        .into_inner()
        .into_inner();
    unwritten.clear();
    tokio::select! {
        biased;
        () = tracked.closing() => {}
        () = ap_listener::close(stream) => {}
    }
}

/// Refuses a connection, because too many are busy.
pub(crate) async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    if let Ok(Ok(())) = timeout(REFUSE_TIME, stream.write_all(BUSY)).await {
        ap_listener::close(stream).await;
    }
}
