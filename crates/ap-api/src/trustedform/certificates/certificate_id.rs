//! [`CertificateId`]: the id of a certificate, from a URL that came with a lead.

use std::fmt;
use std::str::FromStr;

use ap_core::{Origins, Service};

use crate::values::PathSegment;

/// The id of a certificate.
///
/// Leads contain a certificate's URL, and leads come from strangers. [`from_url`](Self::from_url) accepts URLs at the
/// certificates' origin alone. A request always goes to the client's own origin, whatever the lead says.
///
/// ```
/// use ap_api::trustedform::certificates::{CertificateId, InvalidCertificate};
///
/// let id = CertificateId::from_url("https://cert.trustedform.com/0123456789abcdef0123456789abcdef01234567")?;
/// assert_eq!(id.as_str().len(), 40);
///
/// let elsewhere = "https://cert.trustedform.com.example/0123456789abcdef0123456789abcdef01234567";
/// assert_eq!(CertificateId::from_url(elsewhere), Err(InvalidCertificate::Elsewhere));
/// # Ok::<(), InvalidCertificate>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CertificateId(Box<str>);

/// The text is not a certificate's id or URL. It is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCertificate {
    /// The URL is not at the certificates' origin.
    #[error(
        "the URL does not begin with the origin of certificates (https://cert.trustedform.com unless you call another one), so it is not a certificate and gets no key"
    )]
    Elsewhere,
    /// A ping URL, which is none of a certificate.
    #[error("the URL is a ping URL, not that of a certificate; use the certificate's")]
    PingUrl,
    /// The URL has a query or a fragment, as share URLs have.
    #[error("the URL has a query or a fragment; use the certificate's own URL, not a share URL")]
    NotOnlyPath,
    /// The id has none of the known forms.
    #[error(
        "the certificate's id is not 40 or 80 letters, digits, - and _, and does not begin with 0."
    )]
    Id,
}

/// The longest id.
const MAX_LEN: usize = 255;

impl CertificateId {
    /// Takes the id from a certificate's URL at the vendor's origin. `http://` is accepted: the request goes out by
    /// `https://` anyway. A slash at the end and white space around it are ignored.
    ///
    /// # Errors
    ///
    /// [`InvalidCertificate`].
    pub fn from_url(url: &str) -> Result<Self, InvalidCertificate> {
        let url = url.trim();
        let host = Service::TrustedForm.vendor_origin();
        let host = host.strip_prefix("https://").unwrap_or(host);
        let path = strip_scheme(url)
            .and_then(|rest| strip_prefix_ignoring_case(rest, host))
            .map(|rest| rest.strip_prefix(":443").unwrap_or(rest));
        Self::from_path(url, path)
    }

    /// Takes the id from a certificate's URL at the origin of certificates of `origins`, for example an emulator's.
    ///
    /// # Errors
    ///
    /// [`InvalidCertificate`].
    ///
    /// ```
    /// use ap_api::trustedform::certificates::CertificateId;
    /// use ap_core::{Origin, Origins, Service};
    ///
    /// let emulator = Origin::parse_loopback("http://127.0.0.1:8080")?;
    /// let origins = Origins::vendor().with(Service::TrustedForm, emulator)?;
    /// let url = "http://127.0.0.1:8080/0123456789abcdef0123456789abcdef01234567";
    /// assert!(CertificateId::from_url_at(url, &origins).is_ok());
    /// assert!(CertificateId::from_url(url).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_url_at(url: &str, origins: &Origins) -> Result<Self, InvalidCertificate> {
        let url = url.trim();
        let origin = origins.get(Service::TrustedForm).to_string();
        if origin == Service::TrustedForm.vendor_origin() {
            return Self::from_url(url);
        }
        Self::from_path(url, strip_prefix_ignoring_case(url, &origin))
    }

    fn from_path(url: &str, path: Option<&str>) -> Result<Self, InvalidCertificate> {
        let Some(path) = path.and_then(|path| path.strip_prefix('/')) else {
            let host = strip_scheme(url).unwrap_or(url);
            return Err(
                match strip_prefix_ignoring_case(host, "ping.trustedform.com/") {
                    Some(_) => InvalidCertificate::PingUrl,
                    None => InvalidCertificate::Elsewhere,
                },
            );
        };
        if path.contains(['?', '#']) {
            return Err(InvalidCertificate::NotOnlyPath);
        }
        path.strip_suffix('/').unwrap_or(path).parse()
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the certificate's URL at the vendor's origin.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/{}", Service::TrustedForm.vendor_origin(), self.0)
    }
}

/// From an id alone: 40 characters for a web form, 80 for an app, or one that begins with `0.` for Meta Lead Ads.
impl FromStr for CertificateId {
    type Err = InvalidCertificate;

    fn from_str(id: &str) -> Result<Self, InvalidCertificate> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_valid = match id.strip_prefix("0.") {
            Some(rest) => {
                !rest.is_empty()
                    && id.len() <= MAX_LEN
                    && rest.bytes().all(|b| b == b'.' || is_allowed(b))
            }
            None => matches!(id.len(), 40 | 80) && id.bytes().all(is_allowed),
        };
        match is_valid {
            true => Ok(Self(id.into())),
            false => Err(InvalidCertificate::Id),
        }
    }
}

impl PathSegment for CertificateId {
    fn segment(&self) -> &str {
        &self.0
    }

    fn problem(&self) -> Option<&'static str> {
        None
    }
}

impl From<&Self> for CertificateId {
    fn from(id: &Self) -> Self {
        id.clone()
    }
}

impl fmt::Display for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateId({:?})", &*self.0)
    }
}

fn strip_scheme(url: &str) -> Option<&str> {
    ["https://", "http://"]
        .into_iter()
        .find_map(|scheme| strip_prefix_ignoring_case(url, scheme))
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}
