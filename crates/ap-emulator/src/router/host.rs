//! Which `Host` a request may name: only loopback, so that a page of another site, whose name was
//! made to point at 127.0.0.1, cannot talk to the emulator.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::header::HOST;
use http::{Request, Version};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Loopback,
    Foreign,
    Malformed,
}

pub(crate) fn judge<B>(request: &Request<B>) -> Verdict {
    let mut lines = request.headers().get_all(HOST).iter();
    let named = lines.next();
    if lines.next().is_some() || (named.is_none() && request.version() != Version::HTTP_10) {
        return Verdict::Malformed;
    }
    let header_ok = named.is_none_or(|line| line.to_str().is_ok_and(is_loopback));
    // An absolute request target overrules `Host`, so that it has to pass as well.
    let target_ok = request
        .uri()
        .authority()
        .is_none_or(|name| is_loopback(name.as_str()));
    if header_ok && target_ok {
        Verdict::Loopback
    } else {
        Verdict::Foreign
    }
}

fn is_loopback(authority: &str) -> bool {
    let (name, port) = if let Some(rest) = authority.strip_prefix('[') {
        let Some((name, port)) = rest.split_once(']') else {
            return false;
        };
        if name.parse::<Ipv6Addr>() != Ok(Ipv6Addr::LOCALHOST) {
            return false;
        }
        ("localhost", port)
    } else {
        authority
            .find(':')
            .map_or((authority, ""), |colon| authority.split_at(colon))
    };
    let port_ok = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    let name_ok = name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback());
    port_ok && name_ok
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_loopback_names_pass() {
        for name in [
            "localhost",
            "LocalHost:80",
            "127.0.0.1",
            "127.0.0.1:8080",
            "127.9.8.7:1",
            "[::1]",
            "[::1]:65535",
            "localhost:",
        ] {
            assert!(is_loopback(name), "{name}");
        }
        for name in [
            "",
            "example.com",
            "127.0.0.1.example.com",
            "localhost.example.com",
            "127.1",
            "0.0.0.0:80",
            "[::]",
            "[::1",
            "[::1]x",
            "user@localhost",
            "localhost:80x",
            "::1",
            "[localhost]",
            "128.0.0.1",
            "10.0.0.1",
        ] {
            assert!(!is_loopback(name), "{name}");
        }
    }
}
