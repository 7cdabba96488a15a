//! One connection of a client, from its first byte to its end.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ap_listener::{HeadScanner, PendingRequests, ScannedStream};
use bytes::Bytes;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::connections::{Order, Tracked};
use crate::delivery::{DeliveryStream, Unwritten};
use crate::head_timer::HeadTimer;
use crate::phase::Phase;
use crate::refusal::Refusal;
use crate::responder::{Entrance, Responder};

/// The largest head, in bytes.
const MAX_HEAD: usize = 64 * 1024;
/// How long a connection that closes because the gateway stops may take for the answer that it was writing.
const STOP_TIME: Duration = Duration::from_secs(5);
/// How long a client may take to read why its connection is refused.
const REFUSE_TIME: Duration = Duration::from_secs(1);

/// Serves a connection until its client, its limits, or an [`Order`] end it.
pub(crate) async fn serve<S>(
    stream: S,
    responder: Arc<Responder>,
    entrance: Entrance,
    tracked: Tracked,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = responder.forwarder.limits;
    let client_timeout = limits.client_timeout;
    let requests = PendingRequests::default();
    let scanner = HeadScanner::new(requests.clone()).encoding_targets();
    let stream = ScannedStream::new(stream, Bytes::new(), scanner, client_timeout);
    let unwritten = Unwritten::new();
    let head_timer = HeadTimer::new(client_timeout);
    let stream = DeliveryStream::new(stream, unwritten.clone(), head_timer, limits.answer_timeout);
    // hyper allows 100 header lines. The same number as a setting would make it slower. It reads nothing during a call, for
    // which it would make a buffer each time: the stream notices a client that is gone.
    let mut server = http1::Builder::new();
    server
        .half_close(true)
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD)
        .max_header_size(MAX_HEAD)
        .auto_date_header(false);
    let tracked = Arc::new(tracked);
    let (shared, calls, delivery) = (&*responder, &tracked, &unwritten);
    let service = service_fn(move |request: Request<Incoming>| {
        delivery.begin(&request);
        let framing = requests.pop();
        let mut call = calls
            .begin()
            .map(|busy| (busy, shared.receive(request, framing, entrance)));
        async move {
            // It is used where it is, because another place for it would make each call larger.
            let Some((_, received)) = &mut call else {
                // The connection is about to close for another one. Nothing of the request has been done.
                return pending().await;
            };
            let mut response = received.respond(delivery.phase()).await;
            let busy = call.map(|(busy, _)| busy);
            let attached = std::mem::take(response.extensions_mut());
            Ok::<_, Infallible>(response.map(|body| delivery.answer(body, (busy, attached))))
        }
    });
    let mut connection = server.serve_connection(TokioIo::new(stream), service);
    let served = poll_fn(|context| {
        let order = tracked.poll_order(context);
        if order == Poll::Ready(Order::Close) {
            return order.map(Err);
        }
        // A request that has arrived is served before the gateway stops. `poll_without_shutdown` would need a box for each
        // call, and does not flush at the end.
        match Pin::new(&mut connection).poll(context) {
            Poll::Ready(end) => Poll::Ready(Ok(end)),
            // The rest of an answer is written first: hyper, told to finish, can drop it.
            Poll::Pending if delivery.phase().is_answered() => Poll::Pending,
            Poll::Pending => order.map(Err),
        }
    });
    let mut end = match served.await {
        Ok(end) => Some(end),
        Err(Order::Close) => return,
        Err(Order::Finish) => None,
    };
    if end.is_none() {
        Pin::new(&mut connection).graceful_shutdown();
        while end.is_none() {
            end = timeout(STOP_TIME, &mut connection).await.ok();
            if tracked.is_idle() {
                break;
            }
        }
    }
    let stream = connection.into_parts().io.into_inner();
    // Nobody needs to know how the connection ended otherwise, and nothing is logged.
    let refusal = match end {
        Some(Err(_)) if stream.is_late() => Some(Refusal::slow_head()),
        Some(Err(error)) if is_unanswered(&error, &stream, unwritten.phase()) => {
            Some(Refusal::of_head(&error))
        }
        _ => None,
    };
    if let Some(refusal) = &refusal {
        responder.refused(refusal);
    }
    let stream = stream.into_inner().into_inner();
    unwritten.clear();
    tokio::select! {
        biased;
        () = tracked.closing() => {}
        () = close(stream, refusal) => {}
    }
}

/// Returns `true` if a connection ended because of a head that the server refused, or did not read to its end, and its
/// client has no answer.
fn is_unanswered<S, T>(error: &hyper::Error, stream: &DeliveryStream<S, T>, phase: &Phase) -> bool {
    stream.has_refused()
        || (phase.is_none() && (error.is_parse_version_h2() || error.is_incomplete_message()))
}

/// Tells a client why its connection ends, if that is necessary, and closes it.
pub(crate) async fn close<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    refusal: Option<Refusal>,
) {
    if let Some(refusal) = refusal {
        // On the heap, because few connections need it.
        let message = refusal.message();
        let written = Box::pin(timeout(REFUSE_TIME, stream.write_all(&message)));
        if !matches!(written.await, Ok(Ok(()))) {
            return;
        }
    }
    ap_listener::close(stream).await;
}
