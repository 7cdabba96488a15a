//! [`ReqwestTransport`]: one round trip through a `reqwest` client.

use std::fmt;
use std::sync::Arc;

use ap_client::transport::{
    AsyncTransport, BodyPieces, Connect, Deadline, FreshConnection, Moment, TransportConfig,
    TransportError, TransportErrorKind, check_head, check_plain_http, may_end_connection,
    wire_headers,
};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, header, response};
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::config::Factory;
use crate::error::{body_error, send_error};
use crate::paced_body::{MOST_IN_ONE_PIECE, PacedBody};
use crate::pools::Pools;
use crate::urls::Urls;

/// An async transport over [`reqwest::Client`], on tokio. Cheap to clone; clones share their connections.
///
/// You can use it in several tokio runtimes at the same time; each has connections of its own. Outside of a
/// runtime, a call ends in an error of kind [`Setup`](TransportErrorKind::Setup). The runtime must have timers
/// and I/O (`enable_all` on its builder). Nobody can ask a runtime for these, so without them tokio panics.
#[derive(Clone)]
pub struct ReqwestTransport {
    pools: Arc<Pools>,
    urls: Arc<Urls>,
    start: Instant,
    config: TransportConfig,
}

impl ReqwestTransport {
    /// Creates a transport over `reqwest` clients that you begin to build: with your resolver, your local
    /// address, your socket options.
    ///
    /// The function is called for each client that is needed: one keeps the idle connections of a tokio
    /// runtime, another opens a connection for each request. TLS, the proxy, redirects, retries, decompression,
    /// HTTP versions, the parsing of responses, the addresses of `localhost`, verbose logs, the connect timeout
    /// and the size of the pool are set afterwards, so your settings of these have no effect.
    ///
    /// These cannot be taken back, so do not set them: default headers, a user agent or a cookie store, which
    /// change requests; `http09_responses`, which lets anything pass for a response; `connector_layer`,
    /// `unix_socket` or `windows_named_pipe` to another place than the URL says. Shorter timeouts of yours hold
    /// as well.
    ///
    /// # Errors
    ///
    /// [`TransportError`] of kind [`Setup`](TransportErrorKind::Setup) if a setting cannot be used.
    ///
    /// ```
    /// use ap_reqwest::ap_client::transport::TransportConfig;
    /// use ap_reqwest::ap_core::ApiKey;
    /// use ap_reqwest::{ClientBuilder, ReqwestTransport, reqwest};
    ///
    /// let new = || reqwest::Client::builder().tcp_nodelay(true);
    /// let transport = ReqwestTransport::from_builder(new, &TransportConfig::new())?;
    /// let client = ClientBuilder::new().key(ApiKey::parse("1234567890")?).build_with(transport)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_builder(
        new: impl Fn() -> reqwest::ClientBuilder + Send + Sync + 'static,
        config: &TransportConfig,
    ) -> Result<Self, TransportError> {
        Ok(Self {
            pools: Arc::new(Pools::new(Factory::new(new, config)?)?),
            urls: Arc::default(),
            start: Instant::now(),
            config: config.clone(),
        })
    }

    fn prepare(&self, request: &Request<Bytes>) -> Result<reqwest::Request, TransportError> {
        let uri = request.uri();
        let unsendable = |why: &'static str| {
            TransportError::new(TransportErrorKind::Unsendable).with_source(why)
        };
        check_plain_http(uri)?;
        if !request.headers().contains_key(header::ACCEPT) {
            return Err(unsendable("the library would add an Accept header"));
        }
        let (url, host) = self.urls.get(uri).map_err(unsendable)?;
        let mut prepared = reqwest::Request::new(request.method().clone(), url);
        *prepared.headers_mut() = wire_headers(request, host);
        if !request.body().is_empty() {
            let body = request.body().clone();
            *prepared.body_mut() = Some(if body.len() <= MOST_IN_ONE_PIECE {
                body.into()
            } else {
                reqwest::Body::wrap(PacedBody::new(body))
            });
        }
        Ok(prepared)
    }

    async fn round_trip(
        &self,
        client: &reqwest::Client,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, TransportError> {
        let is_proxied = self.config.proxy_for(request.uri()).is_some();
        let prepared = self.prepare(request)?;
        let mut response = client.execute(prepared).await.map_err(|error| {
            let error = send_error(error);
            if is_proxied {
                error.through_proxy()
            } else {
                error
            }
        })?;
        let head = take_head(&mut response);
        check_head(&self.config, request.method(), &head)?;
        let body = self.read_body(response).await?;
        Ok(Response::from_parts(head, body))
    }

    async fn read_body(&self, mut response: reqwest::Response) -> Result<Bytes, TransportError> {
        let mut pieces = BodyPieces::new(&self.config, response.content_length());
        while let Some(piece) = response.chunk().await.map_err(body_error)? {
            pieces.push(piece)?;
        }
        Ok(pieces.finish())
    }
}

fn take_head(response: &mut reqwest::Response) -> response::Parts {
    let mut head = Response::new(());
    *head.status_mut() = response.status();
    *head.version_mut() = response.version();
    *head.headers_mut() = std::mem::take(response.headers_mut());
    head.into_parts().0
}

impl Connect for ReqwestTransport {
    fn connect(config: &TransportConfig) -> Result<Self, TransportError> {
        Self::from_builder(reqwest::Client::builder, config)
    }
}

#[async_trait]
impl AsyncTransport for ReqwestTransport {
    fn now(&self) -> Moment {
        Moment::after_start(self.start.elapsed())
    }

    async fn sleep_until(&self, moment: Moment) {
        match self.start.checked_add(moment.since_start()) {
            // Without a runtime there is no timer. The call itself then says so.
            _ if Handle::try_current().is_err() => std::future::pending().await,
            Some(end) => tokio::time::sleep_until(end).await,
            None => std::future::pending().await,
        }
    }

    async fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        // This comes first, because outside of a runtime there is no timer.
        let pool = match request.extensions().get::<FreshConnection>() {
            Some(FreshConnection) => None,
            None => Some(self.pools.pooled()?),
        };
        let client = match &pool {
            Some(pool) => &pool.client,
            None => self.pools.fresh()?,
        };
        let now = Instant::now();
        let remaining = deadline.begin(Moment::after_start(now.duration_since(self.start)))?;
        // The library's own timeout would box the body.
        let response = match remaining.and_then(|remaining| now.checked_add(remaining)) {
            Some(end) => tokio::time::timeout_at(end, self.round_trip(client, request))
                .await
                .unwrap_or_else(|_| Err(TransportError::new(TransportErrorKind::Timeout)))?,
            None => self.round_trip(client, request).await?,
        };
        if let Some(pool) = pool
            && may_end_connection(response.status(), !request.body().is_empty())
        {
            self.pools.retire(&pool);
        }
        Ok(response)
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
