//! The addresses of `localhost`. A hosts file or a resolver can point that name to another machine, so it is not
//! looked up (RFC 6761 section 6.3).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::Uri;
use http::uri::Scheme;

/// The addresses of the name `localhost`, in the order in which to try them.
///
/// For libraries whose resolver you can override for a name. See [`localhost_addresses`].
pub const LOCALHOST: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

/// Returns the addresses to connect to if a URI's host is `localhost`, and `None` for any other host.
///
/// ```
/// use ap_client::transport::localhost_addresses;
///
/// let addresses = localhost_addresses(&"http://localhost:8080/flows".parse()?);
/// let expected = ["127.0.0.1:8080".parse()?, "[::1]:8080".parse()?];
/// assert_eq!(addresses, Some(expected));
/// assert_eq!(localhost_addresses(&"https://app.leadconduit.com/".parse()?), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn localhost_addresses(uri: &Uri) -> Option<[SocketAddr; 2]> {
    if !uri.host()?.eq_ignore_ascii_case("localhost") {
        return None;
    }
    let is_https = uri.scheme() == Some(&Scheme::HTTPS);
    let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
    Some(LOCALHOST.map(|address| SocketAddr::new(address, port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_is_this_machine_in_every_spelling_and_other_names_are_not_known() {
        for (uri, port) in [
            ("http://localhost/", Some(80)),
            ("http://LocalHost:8080/a?b", Some(8080)),
            ("https://localhost/", Some(443)),
            ("https://localhost:8443/", Some(8443)),
            ("http://127.0.0.1:80/", None),
            ("http://[::1]:80/", None),
            ("https://localhost.example/", None),
            ("https://localhost./", None),
            ("/flows", None),
        ] {
            let addresses = localhost_addresses(&uri.parse().unwrap());
            let expected = port.map(|port| LOCALHOST.map(|address| (address, port).into()));
            assert_eq!(addresses, expected, "{uri}");
            assert!(addresses.iter().flatten().all(|a| a.ip().is_loopback()));
        }
    }
}
