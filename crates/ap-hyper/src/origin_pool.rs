//! [`OriginPool`]: the idle connections to one origin, in one tokio runtime.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use ap_client::transport::{TransportError, TransportErrorKind, check_plain_http, host};
use http::uri::Authority;
use http::{HeaderValue, Uri};
use tokio::runtime::{Handle, Id};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until, timeout};

use crate::connection::Connection;
use crate::connector::Connector;
use crate::slots::{Slot, Slots};

/// How long a connection is kept without a request. Many load balancers close idle connections after 60 seconds or more.
/// Ours are closed earlier, so that no request is sent on a connection that is just being closed.
/// Nobody drives an idle connection: one that the server ends is closed when a call takes it, or after this time.
const IDLE_LIMIT: Duration = Duration::from_secs(50);

/// After this time without a request, a call first lets the runtime see if the server has ended the connection. Before it,
/// the runtime has most likely just looked.
const FRESH: Duration = Duration::from_millis(10);

/// How long a connection may take to become ready for another request after a whole response. hyper needs a moment;
/// a request that is still being sent may take for ever.
const SETTLE: Duration = Duration::from_secs(1);

/// The idle connections to one origin. The runtime that opened a connection says when it can be read and written, so it is
/// only used in that runtime: in another one it would stand still while the first runtime does not run.
pub(crate) struct OriginPool {
    runtime: Handle,
    uri: Uri,
    host: HeaderValue,
    connector: Arc<Connector>,
    /// One for each idle connection of all origins.
    slots: Arc<Slots>,
    idle: Mutex<Idle>,
}

#[derive(Debug, Default)]
struct Idle {
    /// The one that was used last is at the end.
    connections: Vec<Kept>,
    /// A task [watches](watch) them.
    is_watched: bool,
}

#[derive(Debug)]
struct Kept {
    connection: Box<Connection>,
    since: Instant,
    _slot: Slot,
}

impl OriginPool {
    /// Creates a pool without connections.
    ///
    /// # Errors
    ///
    /// [`Unsendable`](TransportErrorKind::Unsendable) for plain http to another machine, and if the URI has no host,
    /// or has user information.
    pub(crate) fn new(
        uri: &Uri,
        runtime: Handle,
        connector: Arc<Connector>,
        slots: Arc<Slots>,
    ) -> Result<Self, TransportError> {
        check_plain_http(uri)?;
        let unsendable = |why: &'static str| {
            TransportError::new(TransportErrorKind::Unsendable).with_source(why)
        };
        let no_host = "the URL has no host, or has user information";
        let host = host(uri).ok_or_else(|| unsendable(no_host))?;
        let (scheme, authority) = (uri.scheme(), uri.authority());
        let (scheme, authority) = scheme.zip(authority).ok_or_else(|| unsendable(no_host))?;
        let uri = Uri::builder()
            .scheme(scheme.clone())
            .authority(authority.clone())
            .path_and_query("/")
            .build();
        Ok(Self {
            runtime,
            uri: uri.map_err(|_| unsendable(no_host))?,
            host,
            connector,
            slots,
            idle: Mutex::default(),
        })
    }

    /// Returns `true` if this is the pool for a URI's origin, in a runtime.
    pub(crate) fn is_of(&self, uri: &Uri, runtime: Id) -> bool {
        self.runtime.id() == runtime
            && self.uri.authority().map(Authority::as_str) == uri.authority().map(Authority::as_str)
            && self.uri.scheme() == uri.scheme()
    }

    /// Returns the value of `Host`.
    pub(crate) const fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// Returns `true` if no connection is idle. Others may be in use.
    pub(crate) fn has_no_idle_connection(&self) -> bool {
        self.lock().connections.is_empty()
    }

    /// Opens a connection.
    pub(crate) async fn open(&self) -> Result<Box<Connection>, TransportError> {
        self.connector.connect(&self.uri).await.map(Box::new)
    }

    /// Returns the idle connection that was used last, if there is one that can carry a request. `now` is when the call
    /// began.
    pub(crate) async fn take(&self, now: Instant) -> Option<Box<Connection>> {
        loop {
            let (mut connection, idle_for) = self.pop(now)?;
            if idle_for > FRESH {
                // The runtime looks at its sockets now.
                yield_now().await;
                if !connection.is_still_ready() {
                    continue;
                }
            }
            return Some(connection);
        }
    }

    /// Closes the oldest idle connection. A resend always opens a new one, so this keeps their number the same in a key
    /// reset with many calls in flight.
    pub(crate) fn make_room(&self) {
        let mut idle = self.lock();
        let oldest = (!idle.connections.is_empty()).then(|| idle.connections.remove(0));
        // It ends after the others can go on.
        drop(idle);
        drop(oldest);
    }

    /// Keeps a connection for other calls, as soon as it is ready for them, unless too many are idle. The response was
    /// read to its end.
    pub(crate) fn give_back(self: &Arc<Self>, mut connection: Box<Connection>) {
        let is_ready = connection.is_ready();
        let Some(slot) = self.slots.take() else {
            if is_ready {
                connection.end_call();
            }
            return;
        };
        if is_ready {
            self.keep(connection, slot);
            return;
        }
        let origin = Arc::clone(self);
        self.runtime.spawn(async move {
            if let Ok(true) = timeout(SETTLE, connection.becomes_ready()).await {
                origin.keep(connection, slot);
            }
        });
    }

    fn pop(&self, now: Instant) -> Option<(Box<Connection>, Duration)> {
        loop {
            let popped = self.lock().connections.pop();
            let Kept {
                connection, since, ..
            } = popped?;
            let idle_for = now.saturating_duration_since(since);
            if idle_for < IDLE_LIMIT {
                return Some((connection, idle_for));
            }
        }
    }

    fn keep(self: &Arc<Self>, mut connection: Box<Connection>, slot: Slot) {
        connection.end_call();
        let mut idle = self.lock();
        idle.connections.push(Kept {
            connection,
            since: Instant::now(),
            _slot: slot,
        });
        let is_watched = std::mem::replace(&mut idle.is_watched, true);
        drop(idle);
        if !is_watched {
            self.runtime.spawn(watch(Watched(Arc::downgrade(self))));
        }
    }

    /// Drops the connections that were not used for too long, and returns when to look again: never if none is left.
    fn drop_old(&self) -> Option<Instant> {
        let mut idle = self.lock();
        let is_old = |one: &Kept| one.since.elapsed() >= IDLE_LIMIT;
        let first_young = idle.connections.partition_point(is_old);
        let old: Vec<_> = idle.connections.drain(..first_young).collect();
        let first = idle.connections.first();
        let next = first.map(|one| one.since + IDLE_LIMIT);
        idle.is_watched = next.is_some();
        // They end after the others can go on.
        drop(idle);
        drop(old);
        next
    }

    /// Drops all connections.
    fn drop_all(&self) {
        let all = std::mem::take(&mut *self.lock());
        drop(all);
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An origin whose idle connections a task of its runtime watches.
struct Watched(Weak<OriginPool>);

impl Drop for Watched {
    /// The runtime ends, and its connections cannot be used any more.
    fn drop(&mut self) {
        if let Some(origin) = self.0.upgrade() {
            origin.drop_all();
        }
    }
}

/// Ends connections that were not used for too long.
async fn watch(mut origin: Watched) {
    while let Some(next) = origin.0.upgrade().and_then(|origin| origin.drop_old()) {
        sleep_until(next).await;
    }
    origin.0 = Weak::new();
}

#[cfg(test)]
mod tests {
    use ap_client::transport::TransportConfig;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// Returns a pool with idle connections that were last used so many seconds ago, and their other ends.
    async fn idle_for(seconds: &[u64]) -> (Arc<OriginPool>, Vec<TcpStream>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/", listener.local_addr().unwrap());
        let connector = Arc::new(Connector::new(&TransportConfig::new()).unwrap());
        let slots = Arc::new(Slots::new(seconds.len()));
        let runtime = Handle::current();
        let origin = OriginPool::new(&uri.parse().unwrap(), runtime, connector, slots).unwrap();
        let mut peers = Vec::new();
        for seconds in seconds {
            let mut connection = origin.open().await.unwrap();
            peers.push(listener.accept().await.unwrap().0);
            assert!(connection.becomes_ready().await);
            let since = Instant::now() - Duration::from_secs(*seconds);
            let _slot = origin.slots.take().unwrap();
            origin.lock().connections.push(Kept {
                connection,
                since,
                _slot,
            });
        }
        (Arc::new(origin), peers)
    }

    #[tokio::test]
    async fn connections_that_were_idle_for_too_long_are_ended() {
        let (origin, mut peers) = idle_for(&[70, 50, 20, 0]).await;
        let next = origin.drop_old().unwrap();
        assert!(next > Instant::now(), "the next one is still young");
        assert_eq!(origin.lock().connections.len(), 2);
        for peer in &mut peers[..2] {
            assert_eq!(peer.read(&mut [0]).await.unwrap(), 0);
        }
        let (origin, _peers) = idle_for(&[70, 50]).await;
        assert_eq!(origin.drop_old(), None);
        assert!(!origin.lock().is_watched);
    }

    #[tokio::test]
    async fn no_more_connections_are_kept_than_there_are_slots() {
        let (origin, mut peers) = idle_for(&[0, 0]).await;
        let second = origin.take(Instant::now()).await.unwrap();
        let first = origin.take(Instant::now()).await.unwrap();
        // Another origin keeps one.
        let other = origin.slots.take().unwrap();
        origin.give_back(first);
        origin.give_back(second);
        assert_eq!(origin.lock().connections.len(), 1);
        assert_eq!(peers[1].read(&mut [0]).await.unwrap(), 0, "it is ended");
        drop(other);
        let first = origin.take(Instant::now()).await.unwrap();
        origin.give_back(first);
        assert_eq!(origin.lock().connections.len(), 1);
    }

    #[tokio::test]
    async fn a_call_takes_the_connection_that_was_used_last_and_none_that_is_old() {
        let (origin, _peers) = idle_for(&[70, 30, 10]).await;
        for expected in [Some(1), Some(3), None] {
            // In tens of seconds, so that a slow machine makes no difference.
            let taken = origin
                .pop(Instant::now())
                .map(|(_, idle_for)| idle_for.as_secs() / 10);
            assert_eq!(taken, expected);
        }
        assert!(origin.take(Instant::now()).await.is_none());
    }
}
