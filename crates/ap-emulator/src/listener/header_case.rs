//! The published sample spells `ETag` with two capitals, where title case gives `Etag`.
//!
//! The server keeps the spelling of a request's header names in a private extension and uses such
//! an extension in an answer, which is documented; the only way to get one is to have it read a
//! request with that spelling.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use http::{Extensions, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;

/// Without the extension everything works, with the plainer spelling; so nothing here fails.
pub(crate) async fn learn() -> Extensions {
    let learned = Arc::new(Mutex::new(Extensions::new()));
    let store = Arc::clone(&learned);
    let service = service_fn(move |request: http::Request<Incoming>| {
        *store.lock().unwrap_or_else(PoisonError::into_inner) = request.extensions().clone();
        async { Ok::<_, Infallible>(Response::new(Body::empty())) }
    });
    let (mut client, server) = tokio::io::duplex(1024);
    let sample = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nETag: x\r\n\r\n";
    if client.write_all(sample).await.is_ok() {
        let _ = http1::Builder::new()
            .preserve_header_case(true)
            .serve_connection(TokioIo::new(server), service)
            .await;
    }
    let learned = learned.lock().unwrap_or_else(PoisonError::into_inner);
    learned.clone()
}
