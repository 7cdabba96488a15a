//! Which names a request may use for a server on loopback: only those of loopback. A page of another site can
//! make its own name point to 127.0.0.1, and this keeps it from calling the server.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::header::HOST;
use http::{Request, Version};

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
        let is_header_ok = first.is_none_or(|(_, line)| names_loopback(line.as_bytes()));
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
    names_loopback(authority.as_bytes())
}

fn names_loopback(authority: &[u8]) -> bool {
    // The usual one needs no search.
    if let Some(rest) = authority.strip_prefix(b"127.0.0.1")
        && is_port(rest)
    {
        return true;
    }
    let find = |end: u8| authority.iter().position(|byte| *byte == end);
    let name_len = if authority.starts_with(b"[") {
        find(b']').map(|end| end + 1)
    } else {
        find(b':')
    };
    let (name, port) = authority.split_at(name_len.unwrap_or(authority.len()));
    let is_name_ok = name.eq_ignore_ascii_case(b"localhost")
        || std::str::from_utf8(name).is_ok_and(is_address_of_loopback);
    is_name_ok && is_port(port)
}

/// Returns `true` for what may stand after a host: nothing, or a colon and digits.
fn is_port(text: &[u8]) -> bool {
    match text {
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        other => other.is_empty(),
    }
}

fn is_address_of_loopback(name: &str) -> bool {
    let inside = |name: &str| name.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    inside(name) == Some(Ipv6Addr::LOCALHOST)
        || name
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::{is_loopback, names_loopback};

    #[test]
    fn only_loopback_names_are_loopback() {
        for name in [
            "localhost",
            "LocalHost:80",
            "127.0.0.1",
            "127.0.0.1:8080",
            "127.9.8.7:1",
            "127.0.0.10",
            "127.0.0.100:80",
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
            "127.0.0.1:80x",
            "127.0.0.1:80:80",
            "127.0.0.1.",
            "127.0.0.1000",
            "127.0.0.1 ",
            "[",
            "[]",
            "[]:80",
            "[::1]]:80",
            "[127.0.0.1]",
            "[::1",
            "::1]",
        ] {
            assert!(!is_loopback(name), "{name}");
        }
        for name in [
            &b"127.0.0.1\xff"[..],
            b"localhost:\xff",
            b"local\xffhost",
            b"\xff",
        ] {
            assert!(!names_loopback(name), "{}", name.escape_ascii());
        }
    }
}
