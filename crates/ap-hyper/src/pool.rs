//! [`Pool`]: the origins that were called, each with its idle connections.

use std::sync::{Arc, PoisonError, RwLock};

use ap_client::transport::{TransportConfig, TransportError};
use http::Uri;
use tokio::runtime::Handle;

use crate::connector::Connector;
use crate::origin_pool::OriginPool;
use crate::slots::Slots;

/// An account's calls go to a handful of origins, from a handful of runtimes.
const MOST: usize = 64;

/// The origins that were called.
pub(crate) struct Pool {
    connector: Arc<Connector>,
    slots: Arc<Slots>,
    origins: RwLock<Vec<Arc<OriginPool>>>,
}

impl Pool {
    /// Creates a pool that keeps so many idle connections.
    ///
    /// # Errors
    ///
    /// `Setup` for a setting that cannot be used.
    pub(crate) fn new(config: &TransportConfig, max_idle: usize) -> Result<Self, TransportError> {
        Ok(Self {
            connector: Arc::new(Connector::new(config)?),
            slots: Arc::new(Slots::new(max_idle)),
            origins: RwLock::default(),
        })
    }

    /// Returns the origin of a URI in the runtime that polls this call.
    ///
    /// # Errors
    ///
    /// `Setup` outside of a runtime, `Unsendable` for plain http to another machine and for a URI without a host.
    pub(crate) fn origin(&self, uri: &Uri) -> Result<Arc<OriginPool>, TransportError> {
        let runtime = Handle::try_current().map_err(|_| {
            TransportError::setup("there is no tokio runtime here; make the call inside of one")
        })?;
        let find = |origins: &[Arc<OriginPool>]| {
            let mut origins = origins.iter();
            origins
                .find(|origin| origin.is_of(uri, runtime.id()))
                .cloned()
        };
        if let Some(known) = find(&self.origins.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(known);
        }
        let mut origins = self.origins.write().unwrap_or_else(PoisonError::into_inner);
        // Another call may have been faster.
        if let Some(known) = find(&origins) {
            return Ok(known);
        }
        if origins.len() == MOST {
            // Runtimes that are gone have no connection that works. Calls that use an origin keep it until they end.
            origins.retain(|origin| !origin.has_no_idle_connection());
        }
        if origins.len() == MOST {
            origins.remove(0);
        }
        let (connector, slots) = (Arc::clone(&self.connector), Arc::clone(&self.slots));
        let origin = Arc::new(OriginPool::new(uri, runtime, connector, slots)?);
        origins.push(Arc::clone(&origin));
        Ok(origin)
    }
}
