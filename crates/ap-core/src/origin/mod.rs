//! [`Origin`]: scheme, host and port, kept canonical. [`Origins`]: the list of those a key may go to.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use http::Uri;
use http::uri::{Authority, Scheme};

use crate::product::{Product, Service};

/// A scheme, a host and a port (RFC 6454 section 4), canonical from the moment it is read.
///
/// Hosts are ASCII names or IP addresses; ports are written out only where they are not the scheme's
/// own. Nothing is mapped or guessed: user information, a port outside 1 to 65535 or with a sign or
/// leading zeros, non-ASCII hosts, numbers that some parsers take for addresses (`127.1`,
/// `0x7f000001`), zone ids and trailing dots are refused.
///
/// ```
/// use ap_core::Origin;
///
/// assert_eq!(Origin::parse("https://APP.leadconduit.com:443")?.as_str(), "https://app.leadconduit.com");
/// assert!(Origin::parse("http://127.0.0.1:8080").is_err(), "plain http is asked for by name");
/// assert_eq!(Origin::parse_loopback("http://127.0.0.1:8080")?.as_str(), "http://127.0.0.1:8080");
/// assert!(Origin::parse_loopback("http://app.leadconduit.com").is_err());
/// # Ok::<(), ap_core::InvalidOrigin>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// `https://host` or `https://host:port`.
    text: Box<str>,
    is_https: bool,
    /// Host and port, as an URI takes them.
    authority: Authority,
    host: usize,
    host_end: usize,
    port: u16,
    loopback: bool,
}

impl Origin {
    /// Reads an `https` origin.
    ///
    /// # Errors
    ///
    /// [`InvalidOrigin`] says what is wrong, without repeating the text.
    pub fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        let origin = Self::read(text)?;
        if origin.is_https() {
            Ok(origin)
        } else {
            Err(InvalidOrigin::PlainHttp)
        }
    }

    /// Reads an origin on this machine, `http` or `https`: `127.0.0.0/8`, `[::1]` or `localhost`.
    /// This is the only way to an origin without TLS (RFC 7617 section 4).
    ///
    /// # Errors
    ///
    /// [`InvalidOrigin`] says what is wrong, without repeating the text.
    pub fn parse_loopback(text: &str) -> Result<Self, InvalidOrigin> {
        let origin = Self::read(text)?;
        if origin.loopback {
            Ok(origin)
        } else {
            Err(InvalidOrigin::NotLoopback)
        }
    }

    /// The canonical text, without a path: what RFC 6454 section 6.2 calls its serialization.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the scheme is `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// Whether the host is this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// The host, lower case; an IPv6 address is in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.text[self.host..self.host_end]
    }

    /// The port, the scheme's own included.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        if self.is_https { "https" } else { "http" }
    }

    /// The origin of an absolute URI, whatever its path. Plain http is taken: it is for saying what
    /// is wrong with a URI, and [`Origins`] refuses it.
    pub(crate) fn of(uri: &Uri) -> Result<Self, InvalidOrigin> {
        let scheme = uri.scheme_str().ok_or(InvalidOrigin::Scheme)?;
        let authority = uri.authority().ok_or(InvalidOrigin::NoHost)?;
        Self::from_parts(scheme, authority.as_str())
    }

    /// A URI that was made from an origin shares its text, and then nothing of it needs to be read.
    #[inline]
    fn is_spelled(&self, (is_https, authority): (bool, &str)) -> bool {
        let ours = self.authority.as_str();
        is_https == self.is_https && (std::ptr::eq(authority, ours) || authority == ours)
    }

    pub(crate) fn read(text: &str) -> Result<Self, InvalidOrigin> {
        let (scheme, rest) = text.split_once("://").ok_or(InvalidOrigin::Scheme)?;
        Self::from_parts(scheme, rest.strip_suffix('/').unwrap_or(rest))
    }

    fn from_parts(scheme: &str, authority: &str) -> Result<Self, InvalidOrigin> {
        let parts = Parts::read(scheme, authority)?;
        let mut text = format!("{}://", parts.scheme);
        let start = text.len();
        parts.host.write(&mut text);
        let host_end = text.len();
        if parts.port != parts.own_port {
            text.push_str(&format!(":{}", parts.port));
        }
        let authority = Authority::try_from(&text[start..]).map_err(|_| InvalidOrigin::Host)?;
        Ok(Self {
            text: text.into(),
            is_https: parts.scheme == "https",
            authority,
            host: start,
            host_end,
            port: parts.port,
            loopback: parts.host.is_loopback(),
        })
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
/// Transports ask before they use a proxy, and before they send anything over plain http.
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
    // The usual form at once: what is a number of four parts is no name.
    if matches!(scheme, "http" | "https")
        && let Some((host, port)) = authority.split_once(':')
        && let (Ok(address), Ok(_)) = (host.parse::<Ipv4Addr>(), parse_port(port))
    {
        return address.is_loopback();
    }
    Parts::read(scheme, authority).is_ok_and(|parts| parts.host.is_loopback())
}

/// What an origin is made of, read and checked.
struct Parts<'a> {
    scheme: &'static str,
    host: Host<'a>,
    port: u16,
    own_port: u16,
}

impl<'a> Parts<'a> {
    fn read(scheme: &str, authority: &'a str) -> Result<Self, InvalidOrigin> {
        let (scheme, own_port) = if scheme.eq_ignore_ascii_case("https") {
            ("https", 443)
        } else if scheme.eq_ignore_ascii_case("http") {
            ("http", 80)
        } else {
            return Err(InvalidOrigin::Scheme);
        };
        let bytes = authority.as_bytes();
        let mut colon = None;
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                b'@' => return Err(InvalidOrigin::UserInformation),
                b'/' | b'?' | b'#' | b'\\' if !bytes.contains(&b'@') => {
                    return Err(InvalidOrigin::Path);
                }
                b':' if colon.is_none() => colon = Some(at),
                _ => {}
            }
        }
        let (host, port) = match (authority.strip_prefix('['), colon) {
            (Some(rest), _) => {
                let (address, after) = rest.split_once(']').ok_or(InvalidOrigin::Host)?;
                let address: Ipv6Addr = address.parse().map_err(|_| InvalidOrigin::Host)?;
                let port = match after.strip_prefix(':') {
                    Some(port) => Some(port),
                    None if after.is_empty() => None,
                    None => return Err(InvalidOrigin::Host),
                };
                (Host::V6(address), port)
            }
            (None, Some(at)) => (Host::parse(&authority[..at])?, Some(&authority[at + 1..])),
            (None, None) => (Host::parse(authority)?, None),
        };
        Ok(Self {
            scheme,
            host,
            port: port.map_or(Ok(own_port), parse_port)?,
            own_port,
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
    /// In any case.
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
        let is_sound = |label: &[u8]| {
            (1..=63).contains(&label.len())
                && label
                    .iter()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
                && !label.starts_with(b"-")
                && !label.ends_with(b"-")
        };
        if name.len() > 253 || !labels().all(is_sound) {
            return Err(InvalidOrigin::Host);
        }
        // A name whose last label is a number is an address to many resolvers, whatever its form:
        // only the one form that everybody reads alike is taken (WHATWG URL, "ends in a number").
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

/// Why a text is not an origin that a key may go to. None of these repeats the text, which may hold
/// a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidOrigin {
    /// Not `http://` or `https://`.
    #[error("the URL does not begin with https://")]
    Scheme,
    /// `http` to another machine: the key would cross the network in the clear.
    #[error("the URL is plain http, which is for loopback only: use https")]
    PlainHttp,
    /// Asked for as a loopback origin, but it is another machine.
    #[error("the URL is not on loopback (127.0.0.0/8, [::1] or localhost)")]
    NotLoopback,
    /// A user name or a password before the host (RFC 9110 section 4.2.4).
    #[error("the URL holds user information (something before an @): remove it")]
    UserInformation,
    /// No host.
    #[error("the URL has no host")]
    NoHost,
    /// A host that is not an ASCII name or a canonical IP address.
    #[error("the URL's host is not a plain ASCII name or an IP address in its usual form")]
    Host,
    /// A port outside 1 to 65535, empty, or with a sign or leading zeros.
    #[error("the URL's port is not a number from 1 to 65535, written plainly")]
    Port,
    /// Something after the host and port.
    #[error("an origin ends after the host and port: leave out the path")]
    Path,
}

/// The origins that a client may send a key to, one a [`Service`]. Any other gets neither a key nor
/// a signed request.
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
    services: [Origin; 4],
}

/// Whether the URI is one of https, and its authority.
#[inline]
fn spelled(uri: &Uri) -> Option<(bool, &str)> {
    let is_https = match uri.scheme_str()? {
        "https" => true,
        "http" => false,
        _ => return None,
    };
    Some((is_https, uri.authority()?.as_str()))
}

impl Origins {
    /// The vendor's own, for production.
    #[must_use]
    pub fn vendor() -> Self {
        let services = Service::ALL.map(|service| {
            let text = service.vendor_origin();
            let host = "https://".len();
            Origin {
                text: text.into(),
                is_https: true,
                authority: Authority::from_static(&text[host..]),
                host,
                host_end: text.len(),
                port: 443,
                loopback: false,
            }
        });
        Self { services }
    }

    /// The same list with another origin for one service.
    ///
    /// # Errors
    ///
    /// [`InvalidOrigins`], as for [`with_all`](Self::with_all), which moves several at once.
    pub fn with(self, service: Service, origin: Origin) -> Result<Self, InvalidOrigins> {
        self.with_all([(service, origin)])
    }

    /// The same list with other origins for several services, checked when all are in place.
    ///
    /// # Errors
    ///
    /// [`InvalidOrigins`] if two products end up on one origin, since the client could then not tell
    /// which product an answer speaks for.
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

    /// Where a service answers.
    #[must_use]
    pub fn get(&self, service: Service) -> &Origin {
        &self.services[service.index()]
    }

    /// The service that a URI belongs to, if its origin is on the list. Where a product has both its
    /// services on one origin, the first is named.
    #[must_use]
    #[inline]
    pub fn service_of(&self, uri: &Uri) -> Option<Service> {
        self.service_spelled(uri)
            .or_else(|| self.service_spelled_otherwise(uri))
    }

    #[inline]
    fn service_spelled(&self, uri: &Uri) -> Option<Service> {
        let spelled = spelled(uri)?;
        let at = |service: &Service| self.get(*service).is_spelled(spelled);
        Service::ALL.into_iter().find(at)
    }

    /// In upper case, or with the scheme's own port written out.
    #[cold]
    fn service_spelled_otherwise(&self, uri: &Uri) -> Option<Service> {
        let origin = Origin::of(uri).ok()?;
        let at = |service: &Service| *self.get(*service) == origin;
        Service::ALL.into_iter().find(at)
    }
}

impl Default for Origins {
    fn default() -> Self {
        Self::vendor()
    }
}

/// Why a list of origins is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidOrigins {
    /// Two products have one origin.
    #[error("{one} and {other} have the same origin: give each its own")]
    Shared {
        /// One of the two.
        one: Product,
        /// The other.
        other: Product,
    },
    /// Plain http to another machine.
    #[error("an origin is plain http and not on loopback: use https")]
    PlainHttp,
}
