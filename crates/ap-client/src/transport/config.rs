//! [`TransportConfig`]: the settings of every transport, with the same names and defaults.

use std::fmt;
use std::time::Duration;

use ap_core::key::basic;
use ap_core::origin::is_loopback;
use ap_core::{InvalidOrigin, Origin, TransportError};
use base64::Engine as _;
use bytes::Bytes;
use http::{HeaderValue, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rustls_pki_types::CertificateDer;

use super::deadline::LONGEST;
use super::root_certificates;

/// What RFC 3986 section 2.3 does not call unreserved.
const NOT_UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The limits, root certificates and proxy of a transport. Plain data, the same for every transport.
///
/// No setting weakens the verification of certificates. The timeout of a whole call is set on the
/// [`ClientBuilder`](crate::ClientBuilder::timeout).
///
/// ```
/// use ap_client::transport::TransportConfig;
/// use std::time::Duration;
///
/// let config = TransportConfig::new().connect_timeout(Duration::from_secs(5));
/// assert_eq!(config.max_body_size, 64 * 1024 * 1024);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct TransportConfig {
    /// How long connecting may take, name resolution and TLS included. 10 s by default.
    pub connect_timeout: Duration,
    /// The largest body of a response, in bytes. 64 MiB by default.
    pub max_body_size: usize,
    /// The largest head of a response, in bytes. 64 KiB by default. Some libraries have a limit of their own.
    pub max_header_size: usize,
    /// The largest number of header lines of a response. 100 by default.
    pub max_headers: usize,
    /// `true` to trust Mozilla's root certificates; the default. A transport whose library has only the system's roots may
    /// use those in their place, and says so in its documentation.
    pub mozilla_roots: bool,
    /// Root certificates that are trusted as well: PEM texts of one certificate or more each.
    pub root_pems: Vec<Bytes>,
    /// The proxy. None by default: proxy variables of the environment are not read, and loopback is never
    /// proxied.
    pub proxy: Option<Proxy>,
}

impl TransportConfig {
    /// Creates a configuration with all defaults.
    pub fn new() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            max_body_size: 64 * 1024 * 1024,
            max_header_size: 64 * 1024,
            max_headers: 100,
            mozilla_roots: true,
            root_pems: Vec::new(),
            proxy: None,
        }
    }

    /// Sets [`connect_timeout`](#structfield.connect_timeout).
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets [`max_body_size`](#structfield.max_body_size), in bytes.
    pub const fn max_body_size(mut self, bytes: usize) -> Self {
        self.max_body_size = bytes;
        self
    }

    /// Sets [`max_header_size`](#structfield.max_header_size), in bytes.
    pub const fn max_header_size(mut self, bytes: usize) -> Self {
        self.max_header_size = bytes;
        self
    }

    /// Sets [`max_headers`](#structfield.max_headers).
    pub const fn max_headers(mut self, lines: usize) -> Self {
        self.max_headers = lines;
        self
    }

    /// Sets [`mozilla_roots`](#structfield.mozilla_roots).
    pub const fn mozilla_roots(mut self, are_trusted: bool) -> Self {
        self.mozilla_roots = are_trusted;
        self
    }

    /// Trusts the root certificates of a PEM text as well.
    pub fn root_pem(mut self, pem: impl Into<Bytes>) -> Self {
        self.root_pems.push(pem.into());
        self
    }

    /// Sets the [`proxy`](#structfield.proxy).
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// Returns the proxy for a request to this URI: the [`proxy`](#structfield.proxy), but none for loopback.
    ///
    /// ```
    /// use ap_client::transport::{Proxy, TransportConfig};
    ///
    /// let config = TransportConfig::new().proxy(Proxy::parse("http://proxy.example:3128")?);
    /// assert!(config.proxy_for(&"https://app.leadconduit.com/flows".parse()?).is_some());
    /// assert!(config.proxy_for(&"http://localhost:8080/flows".parse()?).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn proxy_for(&self, uri: &Uri) -> Option<&Proxy> {
        self.proxy.as_ref().filter(|_| !is_loopback(uri))
    }

    /// Returns the connect timeout as libraries can count it: at most a year.
    #[must_use]
    pub fn bounded_connect_timeout(&self) -> Duration {
        self.connect_timeout.min(LONGEST)
    }

    /// Parses the certificates of [`root_pems`](#structfield.root_pems). Nothing in them is left out: text between
    /// certificates is allowed, a private key or another kind of certificate is not.
    ///
    /// # Errors
    ///
    /// [`TransportError`] of kind [`Setup`](ap_core::TransportErrorKind::Setup) if a text contains no certificate,
    /// or anything that is not one. Its source says which certificate, counted from 1, and why.
    pub fn root_certificates(&self) -> Result<Vec<CertificateDer<'static>>, TransportError> {
        let mut roots = Vec::new();
        for pem in &self.root_pems {
            root_certificates::read(pem, &mut roots).map_err(TransportError::setup)?;
        }
        Ok(roots)
    }
}

impl Default for TransportConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// An HTTP proxy for connections to other machines. It opens a tunnel with `CONNECT`, so it sees where they
/// go, and nothing of their content.
///
/// ```
/// use ap_client::transport::Proxy;
///
/// let proxy = Proxy::parse("http://proxy.example:3128")?.with_password("user", "placeholder");
/// assert_eq!(format!("{proxy:?}"), "Proxy(http://proxy.example:3128, with a password)");
/// # Ok::<(), ap_client::ap_core::InvalidOrigin>(())
/// ```
#[derive(Clone)]
pub struct Proxy {
    origin: Origin,
    authorization: Option<HeaderValue>,
}

impl Proxy {
    /// Creates a proxy at `http://host:port` or `https://host:port`. Give a password with
    /// [`with_password`](Self::with_password), not in the URL.
    ///
    /// # Errors
    ///
    /// [`InvalidOrigin`] says what is wrong with the URL.
    pub fn parse(url: &str) -> Result<Self, InvalidOrigin> {
        Ok(Self {
            origin: Origin::parse_any(url)?,
            authorization: None,
        })
    }

    /// Creates a proxy from a URL that may contain a user name and a password, such as
    /// `http://user:password@proxy.example:3128`, for settings that come from one text.
    ///
    /// Both are percent-decoded (RFC 3986 section 3.2.1).
    ///
    /// # Errors
    ///
    /// [`InvalidOrigin`] says what is wrong with the URL, without repeating it.
    ///
    /// ```
    /// use ap_client::transport::Proxy;
    ///
    /// let proxy = Proxy::parse_with_password("http://user:place%40holder@proxy.example:3128")?;
    /// assert_eq!(format!("{proxy:?}"), "Proxy(http://proxy.example:3128, with a password)");
    /// # Ok::<(), ap_client::ap_core::InvalidOrigin>(())
    /// ```
    pub fn parse_with_password(url: &str) -> Result<Self, InvalidOrigin> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err(InvalidOrigin::Scheme);
        };
        let Some((user_information, host)) = rest.rsplit_once('@') else {
            return Self::parse(url);
        };
        let proxy = Self::parse(&format!("{scheme}://{host}"))?;
        let (user, password) = user_information
            .split_once(':')
            .unwrap_or((user_information, ""));
        let decode = |text| percent_decode_str(text).decode_utf8();
        match (decode(user), decode(password)) {
            (Ok(user), Ok(password)) => Ok(proxy.with_password(&user, &password)),
            _ => Err(InvalidOrigin::UserInformation),
        }
    }

    /// Adds a user name and a password for the proxy itself.
    #[must_use]
    pub fn with_password(mut self, user: &str, password: &str) -> Self {
        self.authorization = Some(basic(user.as_bytes(), password.as_bytes()));
        self
    }

    /// Returns the proxy's origin.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns the value of `Proxy-Authorization`, if there is a password.
    #[must_use]
    pub fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// Returns the URL with the user name and the password in it, for libraries that take them so. Both are
    /// percent-encoded (RFC 3986 section 3.2.1). Do not show it.
    ///
    /// ```
    /// use ap_client::transport::Proxy;
    ///
    /// let proxy = Proxy::parse("http://proxy.example:3128")?;
    /// assert_eq!(proxy.url_with_password(), "http://proxy.example:3128");
    /// let proxy = proxy.with_password("user", "place@holder");
    /// assert_eq!(proxy.url_with_password(), "http://user:place%40holder@proxy.example:3128");
    /// # Ok::<(), ap_client::ap_core::InvalidOrigin>(())
    /// ```
    #[must_use]
    pub fn url_with_password(&self) -> String {
        let url = self.origin.as_str();
        let Some((user, password)) = self.user_and_password() else {
            return url.to_owned();
        };
        let encode = |text| utf8_percent_encode(text, NOT_UNRESERVED);
        let login = format!("://{}:{}@", encode(&user), encode(&password));
        url.replacen("://", &login, 1)
    }

    /// Returns the user name and the password, for libraries that take them separately.
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
