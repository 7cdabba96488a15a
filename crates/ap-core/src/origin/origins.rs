//! [`Origins`]: where keys may go.

use http::Uri;

use super::Origin;
use crate::product::{Product, Service};

/// The origins that a client may send a key to, one for each [`Service`].
///
/// A request to any other origin is neither signed nor sent.
///
/// ```
/// use ap_core::{Origin, Origins, Service};
///
/// let staging = Origin::parse("https://staging.suppressionlist.com")?;
/// let origins = Origins::vendor().with(Service::SuppressionList, staging)?;
/// assert_eq!(origins.get(Service::LeadConduit).as_str(), "https://app.leadconduit.com");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins {
    services: [Origin; Service::ALL.len()],
}

impl Origins {
    /// Returns the vendor's origins, for production.
    #[must_use]
    pub fn vendor() -> Self {
        Self {
            services: Service::ALL.map(|service| Origin::from_canonical(service.vendor_origin())),
        }
    }

    /// Changes the origin of one service.
    ///
    /// # Errors
    ///
    /// [`InvalidOrigins`], as for [`with_all`](Self::with_all), which changes several at once.
    pub fn with(self, service: Service, origin: Origin) -> Result<Self, InvalidOrigins> {
        self.with_all([(service, origin)])
    }

    /// Changes the origins of several services. The result is checked after the last change.
    ///
    /// # Errors
    ///
    /// [`InvalidOrigins`] if two products would share an origin: the client could then not tell which of
    /// them an answer comes from.
    pub fn with_all(
        mut self,
        changes: impl IntoIterator<Item = (Service, Origin)>,
    ) -> Result<Self, InvalidOrigins> {
        for (service, origin) in changes {
            if !origin.is_https() && !origin.is_loopback() {
                return Err(InvalidOrigins::PlainHttp);
            }
            self.services[service.index()] = origin;
        }
        for one in Service::ALL {
            for other in Service::ALL {
                if one.product() != other.product() && self.get(one) == self.get(other) {
                    return Err(InvalidOrigins::Shared {
                        one: one.product(),
                        other: other.product(),
                    });
                }
            }
        }
        Ok(self)
    }

    /// Returns the origin of a service.
    #[must_use]
    pub fn get(&self, service: Service) -> &Origin {
        &self.services[service.index()]
    }

    /// Returns the service that a URI belongs to, or `None` if its origin is not allowed.
    ///
    /// If both services of a product have one origin, this is the first of them.
    #[must_use]
    #[inline]
    pub fn service_of(&self, uri: &Uri) -> Option<Service> {
        self.service_by_text(uri)
            .or_else(|| self.service_by_value(uri))
    }

    /// Compares the text alone, which is enough for a canonical URI.
    #[inline]
    fn service_by_text(&self, uri: &Uri) -> Option<Service> {
        let is_https = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?.as_str();
        Service::ALL.into_iter().find(|service| {
            let origin = self.get(*service);
            is_https == origin.is_https && authority == origin.authority.as_str()
        })
    }

    /// Parses the URI's origin: it may be in upper case, or contain the scheme's default port.
    #[cold]
    fn service_by_value(&self, uri: &Uri) -> Option<Service> {
        let origin = Origin::of(uri).ok()?;
        Service::ALL
            .into_iter()
            .find(|service| *self.get(*service) == origin)
    }
}

impl Default for Origins {
    fn default() -> Self {
        Self::vendor()
    }
}

/// Why a list of origins is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidOrigins {
    /// Two products have the same origin.
    #[error("{one} and {other} have the same origin; give each its own")]
    Shared {
        /// One of the two.
        one: Product,
        /// The other one.
        other: Product,
    },
    /// Plain http to another machine.
    #[error("an origin is plain http and not on loopback; use https")]
    PlainHttp,
}
