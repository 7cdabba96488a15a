//! Environment variables other than those of keys: origins and the proxy.

use std::ffi::OsString;

use ap_client::ap_core::{Error, Origin, Origins, Service};
use ap_client::transport::{Proxy, TransportConfig};

const PROXY_VARIABLE: &str = "ACTIVEPROSPECT_PROXY";

const fn url_variable(service: Service) -> &'static str {
    match service {
        Service::LeadConduit => "ACTIVEPROSPECT_LCX_URL",
        Service::TrustedForm => "ACTIVEPROSPECT_TRUSTEDFORM_URL",
        Service::TrustedFormApp => "ACTIVEPROSPECT_TRUSTEDFORM_APP_URL",
        Service::SuppressionList => "ACTIVEPROSPECT_SUPPRESSIONLIST_URL",
    }
}

/// Returns the value of a variable.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Says what is wrong with the variables of keys. Nothing but variables was read, so there is no error behind this one.
pub(crate) fn keys_error(error: &ap_keys::Error) -> Error {
    Error::build(error.to_string())
}

/// Returns the vendor's origins, with those of the variables instead.
pub(crate) fn origins(variable: impl Fn(&str) -> Option<OsString>) -> Result<Origins, Error> {
    let mut changes = Vec::new();
    for service in Service::ALL {
        let name = url_variable(service);
        if let Some(url) = text(&variable, name)? {
            changes.push((
                service,
                Origin::parse_any(&url).map_err(|error| invalid(name, error))?,
            ));
        }
    }
    let origins = Origins::vendor().with_all(changes);
    origins.map_err(|error| invalid("the origins of ACTIVEPROSPECT_…_URL", error))
}

/// Returns the default settings of a transport, with the proxy of the variable.
pub(crate) fn config(
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<TransportConfig, Error> {
    let config = TransportConfig::new();
    let Some(url) = text(&variable, PROXY_VARIABLE)? else {
        return Ok(config);
    };
    let proxy = Proxy::parse_with_password(&url).map_err(|error| invalid(PROXY_VARIABLE, error))?;
    Ok(config.proxy(proxy))
}

/// Returns the text of a variable that is set and not empty.
fn text(variable: impl Fn(&str) -> Option<OsString>, name: &str) -> Result<Option<String>, Error> {
    let Some(value) = variable(name).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let text = value.into_string();
    text.map(Some).map_err(|_| invalid(name, "it is not text"))
}

fn invalid(name: &str, why: impl std::fmt::Display) -> Error {
    Error::build(format!("{name} cannot be used: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Variables<'a> = &'a [(&'a str, &'a str)];

    fn find(variables: Variables<'_>) -> impl Fn(&str) -> Option<OsString> {
        move |name| {
            let found = variables.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| value.into())
        }
    }

    #[test]
    fn each_service_has_a_variable_for_its_origin() {
        let none = origins(find(&[])).unwrap();
        assert_eq!(none, Origins::vendor());
        for service in Service::ALL {
            let variables = [(url_variable(service), "http://127.0.0.1:8080/")];
            let origins = origins(find(&variables)).unwrap();
            for other in Service::ALL {
                let expected = if other == service {
                    "http://127.0.0.1:8080"
                } else {
                    other.vendor_origin()
                };
                assert_eq!(origins.get(other).as_str(), expected);
            }
        }
    }

    #[test]
    fn an_invalid_variable_is_named_and_not_repeated() {
        let lcx = "ACTIVEPROSPECT_LCX_URL";
        let trustedform = "ACTIVEPROSPECT_TRUSTEDFORM_URL";
        let here = "http://127.0.0.1:8080";
        for (variables, expected) in [
            (
                &[(lcx, "placeholder")][..],
                "ACTIVEPROSPECT_LCX_URL cannot be used: the URL does not begin with",
            ),
            (
                &[(lcx, "http://placeholder.example")],
                "cannot be used: an origin is plain http",
            ),
            (
                &[(lcx, here), (trustedform, here)],
                "cannot be used: LeadConduit and TrustedForm have the same origin",
            ),
        ] {
            let error = origins(find(variables)).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("placeholder"), "{error}");
        }
        for url in [
            "placeholder",
            "ftp://user:placeholder@proxy.example",
            "http://u:%FF@placeholder",
        ] {
            let error = config(find(&[(PROXY_VARIABLE, url)]))
                .unwrap_err()
                .to_string();
            assert!(
                error.starts_with("ACTIVEPROSPECT_PROXY cannot be used: "),
                "{error}"
            );
            assert!(!error.contains("placeholder"), "{error}");
        }
    }

    #[test]
    fn a_proxy_may_have_a_password() {
        assert!(config(find(&[])).unwrap().proxy.is_none());
        let url = "http://user:pass%40word@proxy.example:3128";
        let proxy = config(find(&[(PROXY_VARIABLE, url)]))
            .unwrap()
            .proxy
            .unwrap();
        let expected = ("user".to_owned(), "pass@word".to_owned());
        assert_eq!(proxy.user_and_password(), Some(expected));
        assert_eq!(proxy.origin().as_str(), "http://proxy.example:3128");
    }
}
