//! [`Route`]: which service a request is for.

use ap_client::ap_core::Service;

use crate::refusal::Refusal;

/// Which service the requests of a listener are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// The first segment of the path names it: `/lcx/flows` is `/flows` of LeadConduit. The names are those of
    /// [`service_name`].
    ByPath,
    /// All are for this one, and the whole path is the service's.
    Service(Service),
}

/// Returns the name of a service in paths, variables and metrics.
///
/// ```
/// use ap_gateway::ap_client::ap_core::Service;
///
/// assert_eq!(ap_gateway::service_name(Service::TrustedFormApp), "trustedform-app");
/// assert_eq!(ap_gateway::service_from_name("lcx"), Some(Service::LeadConduit));
/// ```
#[must_use]
pub const fn service_name(service: Service) -> &'static str {
    match service {
        Service::LeadConduit => "lcx",
        Service::TrustedForm => "trustedform",
        Service::TrustedFormApp => "trustedform-app",
        Service::SuppressionList => "suppressionlist",
    }
}

/// Returns the service of a [name](service_name).
#[must_use]
pub fn service_from_name(name: &str) -> Option<Service> {
    Service::ALL
        .into_iter()
        .find(|service| service_name(*service) == name)
}

impl Route {
    /// Returns the service of a path and query, and what of them is the service's.
    pub(crate) fn find(self, target: &str) -> Result<(Service, String), Refusal> {
        match self {
            Self::Service(service) => Ok((service, target.to_owned())),
            Self::ByPath => {
                let rest = target.strip_prefix('/').unwrap_or(target);
                let end = rest.find(['/', '?']).unwrap_or(rest.len());
                let (name, rest) = rest.split_at(end);
                let service = service_from_name(name).ok_or_else(Refusal::no_such_service)?;
                let slash = if rest.starts_with('/') { "" } else { "/" };
                Ok((service, format!("{slash}{rest}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ap_client::ap_core::Service;

    use super::Route;

    #[test]
    fn the_first_segment_names_the_service_and_is_not_sent() {
        for (target, expected) in [
            ("/lcx/flows?a=b", Some((Service::LeadConduit, "/flows?a=b"))),
            ("/trustedform/", Some((Service::TrustedForm, "/"))),
            ("/trustedform-app", Some((Service::TrustedFormApp, "/"))),
            (
                "/suppressionlist?a",
                Some((Service::SuppressionList, "/?a")),
            ),
            (
                "/lcx//other.example",
                Some((Service::LeadConduit, "//other.example")),
            ),
            ("/lcx/../x", Some((Service::LeadConduit, "/../x"))),
            ("/", None),
            ("", None),
            ("/flows", None),
            ("/LCX/flows", None),
            ("/%6ccx/flows", None),
            ("//lcx/flows", None),
            ("/?/lcx/", None),
        ] {
            let found = Route::ByPath.find(target).ok();
            let expected = expected.map(|(service, rest)| (service, rest.to_owned()));
            assert_eq!(found, expected, "{target}");
        }
        let (service, rest) = Route::Service(Service::TrustedForm).find("/lcx/x").unwrap();
        assert_eq!((service, rest.as_str()), (Service::TrustedForm, "/lcx/x"));
    }
}
