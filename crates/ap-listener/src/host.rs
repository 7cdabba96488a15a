//! Which names a request may use for a server on loopback: only those of loopback. A page of another site can
//! make its own name point to 127.0.0.1, and this keeps it from calling the server.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::header::HOST;
use http::{Request, Version};
use memchr::memchr;

/// What a request names as its host, by `Host` and by an absolute target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// Loopback, or nothing in HTTP/1.0.
    Loopback,
    /// Another host.
    Foreign,
    /// `Host` is missing or stands there twice.
    Malformed,
}

impl Host {
    /// Returns what a request names.
    #[must_use]
    pub fn of<B>(request: &Request<B>) -> Self {
        // Comparing the few names is cheaper than hashing the one to look up.
        let lines = request.headers().iter();
        let mut lines = lines.filter(|(name, _)| **name == HOST);
        let first = lines.next();
        if lines.next().is_some() || (first.is_none() && request.version() != Version::HTTP_10) {
            return Self::Malformed;
        }
        let is_header_ok = first.is_none_or(|(_, line)| line.to_str().is_ok_and(is_loopback));
        // An absolute request target takes precedence over `Host`, so it is checked as well.
        let is_target_ok = request
            .uri()
            .authority()
            .is_none_or(|authority| is_loopback(authority.as_str()));
        if is_header_ok && is_target_ok {
            Self::Loopback
        } else {
            Self::Foreign
        }
    }
}

/// Returns `true` if an authority is an address of loopback or `localhost`, with any port or none.
#[must_use]
pub fn is_loopback(authority: &str) -> bool {
    let (name, port) = if let Some(rest) = authority.strip_prefix('[') {
        let Some((name, port)) = rest.split_once(']') else {
            return false;
        };
        if name.parse::<Ipv6Addr>() != Ok(Ipv6Addr::LOCALHOST) {
            return false;
        }
        ("localhost", port)
    } else {
        memchr(b':', authority.as_bytes())
            .map_or((authority, ""), |colon| authority.split_at(colon))
    };
    let is_port_ok = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    // The usual one comes first, because it needs no parsing.
    let is_name_ok = name == "127.0.0.1"
        || name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback());
    is_port_ok && is_name_ok
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_loopback_names_are_loopback() {
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
