//! The spelling of `ETag`, as in the vendor's published sample; hyper's title case gives `Etag`.
//!
//! hyper keeps the spelling of a request's header names in a private extension, and uses it for a
//! response that carries the same extension; this is documented. The only way to get the extension is
//! to let hyper read a request with that spelling.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use http::{Extensions, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;

/// Returns the extension. If that fails it is empty, and responses say `Etag`.
pub(super) async fn extension() -> Extensions {
    let captured = Arc::new(Mutex::new(Extensions::new()));
    let store = Arc::clone(&captured);
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
    let captured = captured.lock().unwrap_or_else(PoisonError::into_inner);
    captured.clone()
}
