//! [`Settings`]: what every transport can be told, under the same names and with the same defaults.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use http::HeaderValue;

use crate::credentials::basic;
use crate::origin::{InvalidOrigin, Origin};
use crate::transport::LONGEST;

/// Limits, roots and proxy of a transport: plain data, so that the blocking and the async side cannot
/// drift apart. No setting weakens the checking of certificates.
///
/// ```
/// let settings = ap_core::Settings::default();
/// assert_eq!(settings.connect_timeout.as_secs(), 10);
/// assert_eq!(settings.body_limit, 64 * 1024 * 1024);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// How long one connection may take to be there, name resolution and TLS included. 10 s.
    pub connect_timeout: Duration,
    /// How long a whole call may take, from the first byte to the last, every attempt included. 60 s.
    pub timeout: Duration,
    /// The largest body of a response, in bytes. 64 MiB.
    pub body_limit: usize,
    /// The largest head of a response, in bytes, where the library lets it be set. 64 KiB.
    pub head_limit: usize,
    /// The most header lines of a response. 100.
    pub header_limit: usize,
    /// Whether Mozilla's root certificates are trusted. They are.
    pub mozilla_roots: bool,
    /// Root certificates that are trusted besides, in PEM, each with one certificate or more.
    pub root_pems: Vec<Bytes>,
    /// The proxy, if there is one. The environment's is never used, and loopback is never proxied.
    pub proxy: Option<Proxy>,
}

impl Settings {
    /// [`connect_timeout`](Self::connect_timeout) as libraries can count it: never more than a year.
    #[must_use]
    pub fn connect_limit(&self) -> Duration {
        self.connect_timeout.min(LONGEST)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(60),
            body_limit: 64 * 1024 * 1024,
            head_limit: 64 * 1024,
            header_limit: 100,
            mozilla_roots: true,
            root_pems: Vec::new(),
            proxy: None,
        }
    }
}

/// An HTTP proxy that connections to other machines go through, by `CONNECT`: it sees where they go,
/// and nothing of what is in them.
///
/// ```
/// use ap_core::Proxy;
///
/// let proxy = Proxy::parse("http://proxy.example:3128")?.with_password("user", "placeholder");
/// assert_eq!(format!("{proxy:?}"), "Proxy(http://proxy.example:3128, with a password)");
/// # Ok::<(), ap_core::InvalidOrigin>(())
/// ```
#[derive(Clone)]
pub struct Proxy {
    origin: Origin,
    authorization: Option<HeaderValue>,
}

impl Proxy {
    /// A proxy at `http://host:port` or `https://host:port`. A password is given apart from the URL.
    ///
    /// # Errors
    ///
    /// [`InvalidOrigin`].
    pub fn parse(url: &str) -> Result<Self, InvalidOrigin> {
        Ok(Self {
            origin: Origin::read(url)?,
            authorization: None,
        })
    }

    /// The same with a user name and a password for the proxy itself.
    #[must_use]
    pub fn with_password(mut self, user: &str, password: &str) -> Self {
        self.authorization = Some(basic(user.as_bytes(), password.as_bytes()));
        self
    }

    /// Where the proxy is.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The value of `Proxy-Authorization`, if a password was given.
    #[must_use]
    pub fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// The user name and the password, for libraries that want them apart.
    #[must_use]
    pub fn user_and_password(&self) -> Option<(String, String)> {
        let encoded = self
            .authorization
            .as_ref()?
            .as_bytes()
            .strip_prefix(b"Basic ")?;
        let pair = base64::engine::general_purpose::STANDARD
            .decode(encoded)
            .ok()?;
        let pair = String::from_utf8(pair).ok()?;
        pair.split_once(':')
            .map(|(user, password)| (user.to_owned(), password.to_owned()))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let password = if self.authorization.is_some() {
            ", with a password"
        } else {
            ""
        };
        write!(f, "Proxy({}{password})", self.origin)
    }
}
