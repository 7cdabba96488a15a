//! [`HyperTransport`]: one round trip over a connection of hyper's.

use std::fmt;
use std::sync::Arc;

use ap_client::transport::{
    AsyncTransport, BodyPieces, Connect, Deadline, FreshConnection, Moment, TransportConfig,
    TransportError, TransportErrorKind, check_head, may_end_connection,
};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body as _, Incoming};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use crate::connection::{Connection, Unanswered};
use crate::limits::Limits;
use crate::origin_pool::OriginPool;
use crate::pool::Pool;
use crate::room::{Reserved, Room};

/// An async transport over [`hyper`](hyper::client::conn::http1), on tokio. Cheap to clone; clones share their
/// connections.
///
/// You can use it in several tokio runtimes at the same time; each has connections of its own. Outside of a
/// runtime, a call ends in an error of kind [`Setup`](TransportErrorKind::Setup). The runtime must have timers
/// and I/O (`enable_all` on its builder). Nobody can ask a runtime for these, so without them tokio panics.
///
/// ```
/// use ap_hyper::ap_client::transport::TransportConfig;
/// use ap_hyper::ap_core::ApiKey;
/// use ap_hyper::{ClientBuilder, HyperTransport};
///
/// let transport = HyperTransport::new(&TransportConfig::new())?;
/// let client = ClientBuilder::new().key(ApiKey::parse("1234567890")?).build_with(transport.clone())?;
/// // A second account, over the same connections.
/// let other = ClientBuilder::new().key(ApiKey::parse("0987654321")?).build_with(transport)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct HyperTransport {
    pool: Arc<Pool>,
    start: Instant,
    config: TransportConfig,
    room: Option<Room>,
}

impl HyperTransport {
    /// Creates a transport. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// [`TransportError`] of kind [`Setup`](TransportErrorKind::Setup) if a setting cannot be used.
    pub fn new(config: &TransportConfig) -> Result<Self, TransportError> {
        Self::with_limits(config, Limits::new())
    }

    /// Creates a transport with limits on what its calls share. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// [`TransportError`] of kind [`Setup`](TransportErrorKind::Setup) if a setting cannot be used.
    pub fn with_limits(config: &TransportConfig, limits: Limits) -> Result<Self, TransportError> {
        Ok(Self {
            pool: Arc::new(Pool::new(config, limits.max_idle)?),
            start: Instant::now(),
            config: config.clone(),
            room: limits.max_buffered.map(Room::new),
        })
    }
}

/// One call.
struct Call<'a> {
    transport: &'a HyperTransport,
    origin: &'a OriginPool,
    request: &'a Request<Bytes>,
    start: Instant,
    /// When it must be over. `None` if it may take for ever.
    end: Option<Instant>,
}

impl Call<'_> {
    /// Sends the request. A connection that the server had ended before any byte of it was sent is replaced.
    async fn exchange(&self) -> Result<(Box<Connection>, Response<Incoming>), TransportError> {
        let (origin, request) = (self.origin, self.request);
        let is_fresh = request.extensions().get::<FreshConnection>().is_some();
        let mut now = self.start;
        loop {
            let idle = if is_fresh {
                None
            } else {
                origin.take(now).await
            };
            let was_idle = idle.is_some();
            let mut connection = match idle {
                Some(connection) => connection,
                // Opening is rare and its future is large, so a call makes no room for it.
                None => Box::pin(self.limit(origin.open())).await?,
            };
            if is_fresh {
                // Now the one that the key was rejected on is idle, if it can be kept.
                origin.make_room();
            }
            match connection.send(request, origin.host(), self.end).await {
                Ok(response) => return Ok((connection, response)),
                Err(Unanswered { is_unsent, .. }) if is_unsent && was_idle => now = Instant::now(),
                Err(Unanswered { error, .. }) => return Err(error),
            }
        }
    }

    async fn read_body(
        &self,
        connection: &mut Connection,
        mut body: Incoming,
    ) -> Result<Bytes, TransportError> {
        let announced = body.size_hint().exact();
        let mut size = announced.unwrap_or_default();
        let mut pieces = BodyPieces::new(&self.transport.config, announced);
        let mut reserved = Reserved::default();
        self.reserve(&mut reserved, size).await?;
        while let Some(piece) = connection.next_piece(&mut body).await? {
            if announced.is_none() {
                size += piece.len() as u64;
                self.reserve(&mut reserved, size).await?;
            }
            pieces.push(piece)?;
        }
        Ok(reserved.keep_with(pieces.finish()))
    }

    /// Waits until there is room for a response of this size.
    async fn reserve(&self, reserved: &mut Reserved, size: u64) -> Result<(), TransportError> {
        match &self.transport.room {
            Some(room) if !room.try_reserve(reserved, size)? => {
                // As rare and large as opening.
                Box::pin(self.limit(room.reserve(reserved, size))).await
            }
            _ => Ok(()),
        }
    }

    /// Ends what is waited for when the call must be over. A [`Connection`] does this by itself.
    async fn limit<T>(
        &self,
        wait: impl Future<Output = Result<T, TransportError>>,
    ) -> Result<T, TransportError> {
        match self.end {
            Some(end) => timeout_at(end, wait)
                .await
                .unwrap_or_else(|_| Err(TransportError::new(TransportErrorKind::Timeout))),
            None => wait.await,
        }
    }
}

impl Connect for HyperTransport {
    fn connect(config: &TransportConfig) -> Result<Self, TransportError> {
        Self::new(config)
    }
}

#[async_trait]
impl AsyncTransport for HyperTransport {
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
        // This comes before the clock, because outside of a runtime there is no timer.
        let origin = self.pool.origin(request.uri())?;
        let start = Instant::now();
        let remaining = deadline.begin(Moment::after_start(start.duration_since(self.start)))?;
        let call = Call {
            transport: self,
            origin: &origin,
            request,
            start,
            end: remaining.and_then(|remaining| start.checked_add(remaining)),
        };
        let (mut connection, response) = call.exchange().await?;
        let (mut head, body) = response.into_parts();
        // What hyper puts there is not part of a response.
        head.extensions.clear();
        check_head(&self.config, request.method(), &head)?;
        let body = call.read_body(&mut connection, body).await?;
        if !may_end_connection(head.status, !request.body().is_empty()) {
            origin.give_back(connection);
        }
        Ok(Response::from_parts(head, body))
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
