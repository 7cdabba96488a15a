//! [`ReqwestTransport`]: one round trip through a `reqwest` client.

use std::fmt;
use std::sync::Arc;

use ap_core::{
    AsyncTransport, Connect, Deadline, ErrorKind, Moment, Settings, TransportError, check_head,
    host, is_loopback, room_for, wire_headers,
};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Request, Response, header};
use tokio::time::Instant;

use crate::convert::{body_error, send_error};
use crate::library;
use crate::urls::Urls;

/// An async transport over a [`reqwest::Client`]. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct ReqwestTransport {
    client: reqwest::Client,
    /// Whether the client is our own, which speaks HTTP/1.1 alone: there is no `Host` in later versions.
    is_own: bool,
    urls: Arc<Urls>,
    start: Instant,
    settings: Settings,
}

impl ReqwestTransport {
    /// A transport over a client of the caller's, whose connections, resolver and TLS it keeps. Limits
    /// and the deadline are kept as the settings say. What only the client itself decides must be right
    /// in it: no redirects, no retries, no cookies, no decompression, no proxy for loopback.
    #[must_use]
    pub fn from_client(client: reqwest::Client, settings: &Settings) -> Self {
        Self::new(client, false, settings)
    }

    fn new(client: reqwest::Client, is_own: bool, settings: &Settings) -> Self {
        Self {
            client,
            is_own,
            urls: Arc::default(),
            start: Instant::now(),
            settings: settings.clone(),
        }
    }

    fn prepare(&self, request: &Request<Bytes>) -> Result<reqwest::Request, TransportError> {
        let uri = request.uri();
        let unsendable =
            |why: &'static str| TransportError::new(ErrorKind::Unsendable).with_source(why);
        let url = self.urls.of(uri).map_err(unsendable)?;
        if !request.headers().contains_key(header::ACCEPT) {
            return Err(unsendable("the library would add an Accept header"));
        }
        if url.scheme() != "https" && !is_loopback(uri) {
            return Err(unsendable("plain http goes to loopback alone"));
        }
        let mut prepared = reqwest::Request::new(request.method().clone(), url);
        let host = if self.is_own { host(uri) } else { None };
        *prepared.headers_mut() = wire_headers(request, host);
        if !request.body().is_empty() {
            *prepared.body_mut() = Some(request.body().clone().into());
        }
        Ok(prepared)
    }

    async fn exchange(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let is_proxied = self.settings.proxy.is_some() && !is_loopback(request.uri());
        let prepared = self.prepare(request)?;
        let response = self.client.execute(prepared).await;
        let mut response = response.map_err(|error| {
            let error = send_error(error);
            if is_proxied { error.by_proxy() } else { error }
        })?;

        let mut head = Response::new(());
        *head.status_mut() = response.status();
        *head.version_mut() = response.version();
        *head.headers_mut() = std::mem::take(response.headers_mut());
        let (head, ()) = head.into_parts();
        check_head(&self.settings, request.method(), &head)?;
        let announced = response.content_length();
        let Some(first) = response.chunk().await.map_err(body_error)? else {
            return Ok(Response::from_parts(head, Bytes::new()));
        };
        // Most answers come in one piece, which then needs no copy.
        let mut rest = BytesMut::new();
        let mut total = first.len();
        while total <= self.settings.body_limit {
            let Some(chunk) = response.chunk().await.map_err(body_error)? else {
                let whole = if rest.is_empty() {
                    first
                } else {
                    rest.freeze()
                };
                return Ok(Response::from_parts(head, whole));
            };
            if rest.is_empty() {
                rest.reserve(room_for(announced));
                rest.extend_from_slice(&first);
            }
            total += chunk.len();
            rest.extend_from_slice(&chunk);
        }
        Err(TransportError::new(ErrorKind::TooLarge))
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Connect for ReqwestTransport {
    fn connect(settings: &Settings) -> Result<Self, TransportError> {
        Ok(Self::new(library::build(settings)?, true, settings))
    }
}

#[async_trait]
impl AsyncTransport for ReqwestTransport {
    fn now(&self) -> Moment {
        Moment::after_start(self.start.elapsed())
    }

    async fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        let now = Instant::now();
        let left = deadline.begin(Moment::after_start(now.duration_since(self.start)))?;
        // The library's own limit of time costs a box for the body.
        let Some(end) = left.and_then(|left| now.checked_add(left)) else {
            return self.exchange(request).await;
        };
        let answered = tokio::time::timeout_at(end, self.exchange(request)).await;
        answered.unwrap_or_else(|_| Err(TransportError::new(ErrorKind::Timeout)))
    }

    async fn sleep_until(&self, deadline: Deadline) {
        match deadline.left(self.now()) {
            Some(left) => tokio::time::sleep(left).await,
            None => std::future::pending().await,
        }
    }
}
