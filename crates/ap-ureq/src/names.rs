//! Resolves names as the library does, and says of every failure that it was one of names: the operating
//! system's own error does not tell.

use http::Uri;
use ureq::Error;
use ureq::config::Config;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

#[derive(Debug)]
pub(crate) struct Names(pub(crate) DefaultResolver);

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        self.0
            .resolve(uri, config, timeout)
            .map_err(|error| match error {
                Error::Io(_) => Error::HostNotFound,
                error => error,
            })
    }
}
