//! [`Pools`]: idle connections, kept apart for each tokio runtime.
//!
//! A task of the runtime that opened a connection reads from it and writes to it. In another runtime it would
//! stand still whenever the first one has nothing to do, or for ever.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use ap_client::transport::{TransportError, TransportErrorKind};
use tokio::runtime::{Handle, Id};

use crate::config::Factory;

/// A program has a handful of runtimes. With more of them, the pool that is oldest goes.
const MOST: usize = 8;

/// A client that keeps idle connections.
#[derive(Clone)]
pub(crate) struct Pool {
    pub(crate) client: reqwest::Client,
    number: u64,
}

/// The clients of a transport.
pub(crate) struct Pools {
    factory: Factory,
    by_runtime: RwLock<Vec<(Id, Pool)>>,
    /// How many pools there were.
    count: AtomicU64,
    /// Keeps no connection, so it serves every runtime.
    fresh: reqwest::Client,
}

impl Pools {
    pub(crate) fn new(factory: Factory) -> Result<Self, TransportError> {
        Ok(Self {
            fresh: factory.fresh()?,
            by_runtime: RwLock::default(),
            count: AtomicU64::new(0),
            factory,
        })
    }

    /// Returns the client that opens a connection for each request.
    ///
    /// # Errors
    ///
    /// [`Setup`](TransportErrorKind::Setup) outside of a runtime.
    pub(crate) fn fresh(&self) -> Result<&reqwest::Client, TransportError> {
        runtime().map(|_| &self.fresh)
    }

    /// Returns the client that keeps the connections of this runtime.
    ///
    /// # Errors
    ///
    /// [`Setup`](TransportErrorKind::Setup) outside of a runtime.
    pub(crate) fn pooled(&self) -> Result<Pool, TransportError> {
        let runtime = runtime()?;
        let find = |pools: &[(Id, Pool)]| {
            let found = pools.iter().find(|(id, _)| *id == runtime);
            found.map(|(_, pool)| pool.clone())
        };
        let known = find(
            &self
                .by_runtime
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        );
        if let Some(pool) = known {
            return Ok(pool);
        }
        let mut pools = self.write();
        // Another call of this runtime may have been faster.
        if let Some(pool) = find(&pools) {
            return Ok(pool);
        }
        let pool = Pool {
            client: self.factory.pooled()?,
            number: self.count.fetch_add(1, Ordering::Relaxed),
        };
        if pools.len() == MOST {
            pools.remove(0);
        }
        pools.push((runtime, pool.clone()));
        Ok(pool)
    }

    /// Gives no more calls to a pool. Those that use it already are not disturbed.
    ///
    /// The library cannot be told to drop one connection.
    pub(crate) fn retire(&self, retired: &Pool) {
        self.write()
            .retain(|(_, pool)| pool.number != retired.number);
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<(Id, Pool)>> {
        self.by_runtime
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the runtime that polls this call.
fn runtime() -> Result<Id, TransportError> {
    let handle = Handle::try_current().map_err(|_| {
        TransportError::new(TransportErrorKind::Setup)
            .with_source("there is no tokio runtime here; make the call inside of one")
    })?;
    Ok(handle.id())
}
