//! Short names for origins, used instead of a URL's host.
//!
//! hyper's pool hashes the host three times per call, byte by byte, and uses it for nothing else.

use std::sync::{Arc, PoisonError, RwLock};

use http::Uri;
use http::uri::{Authority, Parts, Scheme};

/// The origins that were used so far. A name is an index into the list. A client has only a few.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(Arc<RwLock<Vec<Named>>>);

#[derive(Debug)]
struct Named {
    scheme: Scheme,
    authority: Authority,
    name: Authority,
}

impl Named {
    fn is_of(&self, url: &Uri) -> bool {
        url.scheme() == Some(&self.scheme)
            && url.authority().map(Authority::as_str) == Some(self.authority.as_str())
    }
}

impl Names {
    /// Returns the URL with its origin's name as the host.
    pub(crate) fn shorten(&self, url: &Uri) -> Result<Uri, http::Error> {
        let mut parts = Parts::default();
        parts.scheme = url.scheme().cloned();
        parts.authority = match self.find(url) {
            Some(name) => Some(name),
            None => self.add(url)?,
        };
        parts.path_and_query = url.path_and_query().cloned();
        Ok(Uri::from_parts(parts)?)
    }

    /// Returns the origin whose name is this URL's host.
    pub(crate) fn origin(&self, short: &Uri) -> Option<Uri> {
        let index: usize = short.host()?.parse().ok()?;
        let list = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let named = list.get(index)?;
        let origin = Uri::builder().scheme(named.scheme.clone());
        let origin = origin.authority(named.authority.clone());
        origin.path_and_query("/").build().ok()
    }

    fn find(&self, url: &Uri) -> Option<Authority> {
        let list = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let named = list.iter().find(|named| named.is_of(url))?;
        Some(named.name.clone())
    }

    /// Adds the URL's origin. Returns `None` if the URL has no host.
    fn add(&self, url: &Uri) -> Result<Option<Authority>, http::Error> {
        let (Some(scheme), Some(authority)) = (url.scheme(), url.authority()) else {
            return Ok(None);
        };
        let mut list = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Another call may have added it in the meantime, or the host may be in capitals this time.
        let mut known = list.iter();
        if let Some(known) =
            known.find(|named| named.scheme == *scheme && named.authority == *authority)
        {
            return Ok(Some(known.name.clone()));
        }
        let name: Authority = list.len().to_string().parse()?;
        list.push(Named {
            scheme: scheme.clone(),
            authority: authority.clone(),
            name: name.clone(),
        });
        Ok(Some(name))
    }
}
