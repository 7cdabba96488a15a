//! Looks names up when a connection is made, and not for calls that go by one that is there: the library
//! would look them up for every call. Says of every failure that it was one of names: the operating
//! system's own error does not tell.

use std::net::SocketAddr;

use http::Uri;
use ureq::Error;
use ureq::config::Config;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, NextTimeout};

use crate::call::End;

/// What the library asks, for every call.
#[derive(Debug)]
pub(crate) struct Later;

impl Resolver for Later {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        Ok(self.empty())
    }
}

/// The addresses of a host that a connection is to be made to.
pub(crate) fn look_up(details: &ConnectionDetails<'_>, end: End) -> Result<Vec<SocketAddr>, Error> {
    let timeout = end.timeout();
    if timeout.after.is_zero() {
        return Err(Error::Timeout(end.reason));
    }
    match DefaultResolver::default().resolve(details.uri, details.config, timeout) {
        Ok(addresses) => Ok(addresses.iter().copied().collect()),
        Err(Error::Io(_)) => Err(Error::HostNotFound),
        Err(error) => Err(error),
    }
}
