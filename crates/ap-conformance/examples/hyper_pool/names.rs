//! Short names for origins, in the place of a URL's host: the pool hashes that three times a call, byte by
//! byte, and takes it for nothing else.

use std::sync::{Arc, PoisonError, RwLock};

use http::Uri;
use http::uri::{Authority, Parts, Scheme};

/// The origins so far. A name is a place in the list. A client has only a few.
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
    /// The URL with its origin's name for a host.
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

    /// The origin that has the name which is this URL's host.
    pub(crate) fn origin(&self, short: &Uri) -> Option<Uri> {
        let place: usize = short.host()?.parse().ok()?;
        let list = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let named = list.get(place)?;
        let origin = Uri::builder().scheme(named.scheme.clone());
        let origin = origin.authority(named.authority.clone());
        origin.path_and_query("/").build().ok()
    }

    fn find(&self, url: &Uri) -> Option<Authority> {
        let list = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let named = list.iter().find(|named| named.is_of(url))?;
        Some(named.name.clone())
    }

    /// `None` for a URL that names no host.
    fn add(&self, url: &Uri) -> Result<Option<Authority>, http::Error> {
        let (Some(scheme), Some(authority)) = (url.scheme(), url.authority()) else {
            return Ok(None);
        };
        let mut list = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Another call may have been here by now, or the host be spelled in capitals this time.
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
