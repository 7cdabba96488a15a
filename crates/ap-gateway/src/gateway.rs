//! [`Gateway`]: listeners, and what they share.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use ap_client::{Async, Client};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use crate::access::{Access, OnAccess};
use crate::admission::Admission;
use crate::budget::Budget;
use crate::connection;
use crate::connections::Connections;
use crate::forward::Forwarder;
use crate::key_filter::KeyFilter;
use crate::limits::Limits;
use crate::listener::{Kind, Listener};
use crate::local_key::LocalKey;
use crate::metrics::Metrics;
use crate::ready::Readiness;
use crate::refusal::Refusal;
use crate::responder::{Entrance, Responder};

/// How long accepting pauses after a failure. Most likely there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Forwards the requests of programs on this machine, and signs them.
///
/// Programs show the [`LocalKey`] as the password of HTTP Basic, with any user name. The client makes the calls: it has
/// the account's keys, its key source and its transport.
///
/// ```
/// use ap_gateway::ap_client::ap_core::{ApiKey, Service};
/// use ap_gateway::ap_client::{Async, ClientBuilder, fake};
/// use ap_gateway::{Gateway, Limits, Listener, LocalKey, Route};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = ClientBuilder::<Async>::new()
///     .key(ApiKey::parse("1234567890")?)
///     .build_with(fake(|_| (200, "[]")))?; // or a transport, such as `ap-hyper`
/// let mut gateway = Gateway::new(client, LocalKey::generate()?, Limits::new())?;
/// let listener = Listener::port(0, Route::Service(Service::LeadConduit))?;
/// println!("call {}", listener.url().unwrap_or_default());
/// gateway.listen(listener);
///
/// let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// let stop = async {}; // usually a signal
/// let ended = runtime.block_on(gateway.serve(stop))?;
/// assert_eq!(ended.unfinished, 0);
/// # Ok(())
/// # }
/// ```
pub struct Gateway {
    client: Client<Async>,
    local_key: LocalKey,
    limits: Limits,
    listeners: Vec<Listener>,
    on_access: Option<OnAccess>,
}

/// How a gateway ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ended {
    /// Connections with a call or an answer that was still under way when their time was over.
    pub unfinished: usize,
}

/// The local key is one of the account's keys, so that it would be worth as much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the gateway's key is the account's API key; make another one")]
pub struct SameKey;

impl Gateway {
    /// Creates a gateway without listeners.
    ///
    /// # Errors
    ///
    /// [`SameKey`] if the local key is one of the client's.
    pub fn new(
        client: Client<Async>,
        local_key: LocalKey,
        limits: Limits,
    ) -> Result<Self, SameKey> {
        let keys = client.keys().credentials();
        if keys.iter().any(|one| local_key.is_same(one.key())) {
            return Err(SameKey);
        }
        Ok(Self {
            client,
            local_key,
            limits,
            listeners: Vec::new(),
            on_access: None,
        })
    }

    /// Adds a listener. Its connections wait until the gateway serves.
    pub fn listen(&mut self, listener: Listener) {
        self.listeners.push(listener);
    }

    /// Calls a function for each request that was answered, for example to write an access log.
    pub fn on_access(&mut self, function: impl Fn(&Access) + Send + Sync + 'static) {
        self.on_access = Some(Box::new(function));
    }

    /// Serves until `stop` returns. Then no more connections are accepted, and the calls under way have the time of
    /// [`Limits::stop_timeout`]. A runtime with one thread is enough, and the fastest.
    ///
    /// # Errors
    ///
    /// If a listener cannot be used.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> io::Result<Ended> {
        let connections = Connections::new(self.limits.max_connections);
        let responder = Arc::new(Responder {
            forwarder: Forwarder {
                client: self.client,
                local_key: self.local_key,
                limits: self.limits,
                key_filter: KeyFilter::default(),
                budget: Budget::new(self.limits.max_buffered.max(self.limits.max_body_size)),
            },
            admission: Admission::new(self.limits),
            metrics: Metrics::new(),
            readiness: Readiness::default(),
            on_access: self.on_access,
            connections,
        });
        // Every connection holds a clone. When all are gone, nothing is received any more.
        let (alive, mut all_ended) = mpsc::channel::<()>(1);
        #[cfg(unix)]
        let mut files = Vec::new();
        let mut accepting = Vec::new();
        for Listener { kind, route } in self.listeners {
            let acceptor = |port| Acceptor {
                responder: Arc::clone(&responder),
                entrance: Entrance { route, port },
                alive: alive.clone(),
            };
            accepting.push(match kind {
                Kind::Tcp(listener, address) => {
                    listener.set_nonblocking(true)?;
                    let listener = tokio::net::TcpListener::from_std(listener)?;
                    let acceptor = acceptor(Some(address.port()));
                    tokio::spawn(async move {
                        loop {
                            let accepted = listener.accept().await;
                            let accepted = accepted.map(|(stream, _)| {
                                let _ = stream.set_nodelay(true);
                                stream
                            });
                            acceptor.accepted(accepted).await;
                        }
                    })
                }
                #[cfg(unix)]
                Kind::Unix(socket) => {
                    let (listener, file) = socket.into_parts();
                    files.push(file);
                    listener.set_nonblocking(true)?;
                    let listener = tokio::net::UnixListener::from_std(listener)?;
                    let acceptor = acceptor(None);
                    tokio::spawn(async move {
                        loop {
                            let accepted = listener.accept().await;
                            acceptor.accepted(accepted.map(|(stream, _)| stream)).await;
                        }
                    })
                }
            });
        }
        drop(alive);
        stop.await;
        for accepting in accepting {
            accepting.abort();
        }
        responder.connections.stop();
        let unfinished =
            match tokio::time::timeout(self.limits.stop_timeout, all_ended.recv()).await {
                Ok(_) => 0,
                Err(_) => responder.connections.busy(),
            };
        Ok(Ended { unfinished })
    }
}

/// What the connections of one listener share.
struct Acceptor {
    responder: Arc<Responder>,
    entrance: Entrance,
    alive: mpsc::Sender<()>,
}

impl Acceptor {
    async fn accepted<S>(&self, accepted: io::Result<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Ok(stream) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            return;
        };
        let connections = &self.responder.connections;
        let Some(tracked) = connections.open().await else {
            if let Some(permit) = connections.refuse() {
                let refusal = Refusal::too_many_connections();
                self.responder.refused(&refusal);
                tokio::spawn(async move {
                    connection::close(stream, Some(refusal)).await;
                    drop(permit);
                });
            }
            return;
        };
        let (responder, entrance) = (Arc::clone(&self.responder), self.entrance);
        let alive = self.alive.clone();
        tokio::spawn(async move {
            connection::serve(stream, responder, entrance, tracked).await;
            drop(alive);
        });
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("client", &self.client)
            .field("limits", &self.limits)
            .field("listeners", &self.listeners)
            .finish_non_exhaustive()
    }
}
