//! [`Origin`]: a scheme, a host and a port, in one canonical form. [`Origins`]: where keys may go.

mod origins;

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use http::Uri;
use http::uri::{Authority, Scheme};

pub use origins::{InvalidOrigins, Origins};

/// A scheme, a host and a port (RFC 6454 section 4), in one canonical form.
///
/// The host is an ASCII name in lower case or an IP address. The port is left out if it is the scheme's
/// default. Nothing is guessed: user information, a port outside 1 to 65535 or with a sign or leading
/// zeros, a host that is not ASCII, a number that only some parsers read as an address (`127.1`,
/// `0x7f000001`), a zone id and a trailing dot are errors.
///
/// ```
/// use ap_core::Origin;
///
/// assert_eq!(Origin::parse("https://APP.leadconduit.com:443")?.as_str(), "https://app.leadconduit.com");
/// assert!(Origin::parse("http://127.0.0.1:8080").is_err(), "plain http is for loopback only");
/// assert_eq!(Origin::parse_loopback("http://127.0.0.1:8080")?.as_str(), "http://127.0.0.1:8080");
/// assert!(Origin::parse_loopback("http://app.leadconduit.com").is_err());
/// # Ok::<(), ap_core::InvalidOrigin>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// `https://host` or `https://host:port`.
    text: Box<str>,
    is_https: bool,
    /// Host and port, as a URI has them.
    authority: Authority,
    /// Where the host begins and ends in the text.
    host: (usize, usize),
    port: u16,
    is_loopback: bool,
}

impl Origin {
    /// Parses an `https` origin.
    ///
    /// # Errors
    ///
    /// [`InvalidOrigin`] says what is wrong, without repeating the text.
    pub fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        let origin = Self::parse_any(text)?;
        if origin.is_https() {
            Ok(origin)
        } else {
            Err(InvalidOrigin::PlainHttp)
        }
    }

    /// Parses an origin on this machine, `http` or `https`: `127.0.0.0/8`, `[::1]` or `localhost`.
    ///
    /// Only such an origin may be without TLS (RFC 7617 section 4).
    ///
    /// # Errors
    ///
    /// [`InvalidOrigin`] says what is wrong, without repeating the text.
    pub fn parse_loopback(text: &str) -> Result<Self, InvalidOrigin> {
        let origin = Self::parse_any(text)?;
        if origin.is_loopback {
            Ok(origin)
        } else {
            Err(InvalidOrigin::NotLoopback)
        }
    }

    /// Returns the canonical text, without a path (RFC 6454 section 6.2).
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns `true` if the scheme is `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// Returns `true` if the host is this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    /// Returns the host, in lower case. An IPv6 address is in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.text[self.host.0..self.host.1]
    }

    /// Returns the port, also if it is the scheme's default.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        if self.is_https { "https" } else { "http" }
    }

    /// Returns the origin of an absolute URI, whatever its path. Plain http is accepted here, since this is
    /// for error messages; [`Origins`] refuses it.
    pub(crate) fn of(uri: &Uri) -> Result<Self, InvalidOrigin> {
        let scheme = uri.scheme_str().ok_or(InvalidOrigin::Scheme)?;
        let authority = uri.authority().ok_or(InvalidOrigin::NoHost)?;
        Self::from_parts(scheme, authority.as_str())
    }

    /// Parses an `http` or `https` origin of any host: for a proxy, which gets no key.
    ///
    /// # Errors
    ///
    /// [`InvalidOrigin`] says what is wrong, without repeating the text.
    pub fn parse_any(text: &str) -> Result<Self, InvalidOrigin> {
        let (scheme, rest) = text.split_once("://").ok_or(InvalidOrigin::Scheme)?;
        Self::from_parts(scheme, rest.strip_suffix('/').unwrap_or(rest))
    }

    fn from_parts(scheme: &str, authority: &str) -> Result<Self, InvalidOrigin> {
        let parts = Parts::read(scheme, authority)?;
        let mut text = format!("{}://", parts.scheme);
        let start = text.len();
        parts.host.write(&mut text);
        let host = (start, text.len());
        if parts.port != parts.default_port {
            text.push_str(&format!(":{}", parts.port));
        }
        let authority = Authority::try_from(&text[start..]).map_err(|_| InvalidOrigin::Host)?;
        Ok(Self {
            text: text.into(),
            is_https: parts.scheme == "https",
            authority,
            host,
            port: parts.port,
            is_loopback: parts.host.is_loopback(),
        })
    }

    /// Makes a vendor's origin, whose text is canonical already.
    fn from_canonical(text: &'static str) -> Self {
        let start = "https://".len();
        Self {
            text: text.into(),
            is_https: true,
            authority: Authority::from_static(&text[start..]),
            host: (start, text.len()),
            port: 443,
            is_loopback: false,
        }
    }

    pub(crate) fn uri_scheme(&self) -> Scheme {
        if self.is_https() {
            Scheme::HTTPS
        } else {
            Scheme::HTTP
        }
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }
}

/// Returns `true` if a URI's host is this machine: `127.0.0.0/8`, `[::1]` or `localhost`.
///
/// Transports call this before they use a proxy, and before they send anything over plain http.
///
/// ```
/// use ap_core::origin::is_loopback;
///
/// assert!(is_loopback(&"http://127.0.0.1:8080/flows".parse()?));
/// assert!(!is_loopback(&"http://127.0.0.1.example/flows".parse()?));
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[must_use]
pub fn is_loopback(uri: &Uri) -> bool {
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return false;
    };
    let authority = authority.as_str();
    // The usual form first, which needs no look at each label: an IPv4 address is not a name.
    if matches!(scheme, "http" | "https")
        && let Some((host, port)) = authority.split_once(':')
        && let (Ok(address), Ok(_)) = (host.parse::<Ipv4Addr>(), parse_port(port))
    {
        return address.is_loopback();
    }
    Parts::read(scheme, authority).is_ok_and(|parts| parts.host.is_loopback())
}

/// The parts of an origin, parsed and checked.
struct Parts<'a> {
    scheme: &'static str,
    host: Host<'a>,
    port: u16,
    default_port: u16,
}

impl<'a> Parts<'a> {
    fn read(scheme: &str, authority: &'a str) -> Result<Self, InvalidOrigin> {
        let (scheme, default_port) = if scheme.eq_ignore_ascii_case("https") {
            ("https", 443)
        } else if scheme.eq_ignore_ascii_case("http") {
            ("http", 80)
        } else {
            return Err(InvalidOrigin::Scheme);
        };
        // This first: what stands before an `@` may be a password, and look like a path.
        if authority.contains('@') {
            return Err(InvalidOrigin::UserInformation);
        }
        if authority.contains(['/', '?', '#', '\\']) {
            return Err(InvalidOrigin::Path);
        }
        let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
            let (address, after) = rest.split_once(']').ok_or(InvalidOrigin::Host)?;
            let address: Ipv6Addr = address.parse().map_err(|_| InvalidOrigin::Host)?;
            let port = match after.strip_prefix(':') {
                Some(port) => Some(port),
                None if after.is_empty() => None,
                None => return Err(InvalidOrigin::Host),
            };
            (Host::V6(address), port)
        } else if let Some((name, port)) = authority.split_once(':') {
            (Host::parse(name)?, Some(port))
        } else {
            (Host::parse(authority)?, None)
        };
        Ok(Self {
            scheme,
            host,
            port: port.map_or(Ok(default_port), parse_port)?,
            default_port,
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({})", self.text)
    }
}

enum Host<'a> {
    /// A name in upper or lower case.
    Name(&'a str),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

impl<'a> Host<'a> {
    fn parse(name: &'a str) -> Result<Self, InvalidOrigin> {
        if name.is_empty() {
            return Err(InvalidOrigin::NoHost);
        }
        let labels = || name.as_bytes().split(|&byte| byte == b'.');
        let is_valid = |label: &[u8]| {
            (1..=63).contains(&label.len())
                && label
                    .iter()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
                && !label.starts_with(b"-")
                && !label.ends_with(b"-")
        };
        if name.len() > 253 || !labels().all(is_valid) {
            return Err(InvalidOrigin::Host);
        }
        // Many resolvers read a name whose last label is a number as an address. Only the one form that all
        // of them read alike is accepted (WHATWG URL, "ends in a number").
        let last = labels().next_back().unwrap_or_default();
        let is_hex = matches!(last, [b'0', b'x' | b'X', ..]);
        if is_hex || last.iter().all(u8::is_ascii_digit) {
            return name.parse().map(Self::V4).map_err(|_| InvalidOrigin::Host);
        }
        Ok(Self::Name(name))
    }

    fn is_loopback(&self) -> bool {
        match self {
            Self::Name(name) => name.eq_ignore_ascii_case("localhost"),
            Self::V4(address) => address.is_loopback(),
            Self::V6(address) => address.is_loopback(),
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Name(name) => out.push_str(&name.to_ascii_lowercase()),
            Self::V4(address) => out.push_str(&address.to_string()),
            Self::V6(address) => out.push_str(&format!("[{address}]")),
        }
    }
}

fn parse_port(text: &str) -> Result<u16, InvalidOrigin> {
    let canonical = !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(port) if canonical => Ok(port),
        _ => Err(InvalidOrigin::Port),
    }
}

/// Why a text is not an origin that a key may go to.
///
/// No text of these repeats what was given, since it may contain a password.
///
/// ```
/// use ap_core::{InvalidOrigin, Origin};
///
/// let error = Origin::parse("https://user:placeholder@app.leadconduit.com").unwrap_err();
/// assert_eq!(error, InvalidOrigin::UserInformation);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidOrigin {
    /// Not `http://` or `https://`.
    #[error("the URL does not begin with https://")]
    Scheme,
    /// `http` to another machine: the key would cross the network in the clear.
    #[error("the URL is plain http, which is for loopback only; use https")]
    PlainHttp,
    /// Another machine, where an origin on loopback is expected.
    #[error("the URL is not on loopback (127.0.0.0/8, [::1] or localhost)")]
    NotLoopback,
    /// A user name or a password before the host (RFC 9110 section 4.2.4).
    #[error("the URL contains a user name or a password (the part before an @); remove it")]
    UserInformation,
    /// No host.
    #[error("the URL has no host")]
    NoHost,
    /// A host that is not an ASCII name or a canonical IP address.
    #[error("the URL's host is not an ASCII name or an IP address in its usual form")]
    Host,
    /// A port outside 1 to 65535, empty, or with a sign or leading zeros.
    #[error("the URL's port is not a number from 1 to 65535 without a sign or leading zeros")]
    Port,
    /// Something after the host and port.
    #[error("the URL has something after the host and port; remove it")]
    Path,
}
