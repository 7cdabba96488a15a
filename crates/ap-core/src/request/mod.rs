//! What a request must look like before a key is put on it: [`check`] and [`sign`].

mod sign;
mod target;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use memchr::memmem;
use percent_encoding::percent_decode_str;

use crate::credentials::Credentials;
use crate::origin::{InvalidOrigin, Origin, Origins};
use crate::product::{Product, Service};

pub(crate) use sign::put_authorization;
pub use sign::sign;
pub use target::{InvalidTarget, MAX_TARGET_LEN};
pub(crate) use target::{push_query, push_segment, uri_at};

/// Why a request is not signed or not sent. Nothing has left this machine.
///
/// No text of these repeats a path, a query, a header's value or a body.
///
/// ```
/// use ap_core::{Draft, Origins, RequestError, Service};
///
/// let draft = Draft::get(Service::LeadConduit, "/flows").header("Host", "elsewhere.example");
/// let error = draft.prepare(&Origins::vendor(), None).unwrap_err();
/// assert!(matches!(error.request(), Some(RequestError::ReservedHeader(_))));
/// assert_eq!(error.to_string(), "the header host is set by this library or by HTTP itself; leave it out");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The URL is not one that a key may be sent to.
    #[error(transparent)]
    Origin(InvalidOrigin),
    /// The URL's origin is not on the list of allowed origins.
    #[error("{0} is not an allowed origin of this client; add it to the client's origins")]
    OriginNotAllowed(Origin),
    /// The request was changed during its call and now goes to another product.
    #[error("the request now goes to {0}, another product than when its call began")]
    OtherProduct(Product),
    /// The URL's path or query is not one that every HTTP library sends unchanged.
    #[error(transparent)]
    Target(InvalidTarget),
    /// A header that this library or HTTP itself sets.
    #[error("the header {0} is set by this library or by HTTP itself; leave it out")]
    ReservedHeader(HeaderName),
    /// A header value that is not printable ASCII, or not a header's value at all.
    #[error("the value of the header {0} contains a byte that is not printable ASCII; encode it")]
    HeaderValue(HeaderName),
    /// A text that is not a header's name. It is not repeated: it may be a whole line, with its value.
    #[error("a header's name is not valid HTTP; use letters, digits and hyphens")]
    HeaderName,
    /// More headers than a header map of the `http` crate can contain (24,576).
    #[error("the request has too many headers; leave some out")]
    TooManyHeaders,
    /// `TRACE` or `CONNECT`, which would show the key to others (RFC 9110 sections 9.3.6, 9.3.8).
    #[error("the method {0} is not sent with a key")]
    Method(Method),
    /// A URL that contains the key itself.
    #[error("the URL contains the API key; URLs end up in logs, so remove it and reset that key")]
    KeyInUrl,
    /// Parameters that cannot be written as a query.
    #[error("the query parameters cannot be written as a query; use pairs, a map or a flat struct")]
    Query,
    /// A parameter that the product is known to refuse: an endpoint says what is wrong, without its value.
    #[error("{0}")]
    Parameter(&'static str),
    /// A body that cannot be written as JSON or as a form.
    #[error("the body cannot be written as {0}")]
    Body(&'static str),
}

/// Checks everything about a request that is about to be signed, and returns the service it goes to.
///
/// It checks the origin against the allowed ones, the method, path and query byte by byte, every header,
/// and that the URL does not contain a key. An `Authorization` is accepted if it is the value of one of
/// `credentials`. [`sign`] checks all of this, and [`Draft::prepare`](crate::Draft::prepare) everything but the
/// key, which it does not know; call it yourself for a request that you send without a key.
///
/// # Errors
///
/// [`RequestError`] says what is wrong.
///
/// ```
/// use ap_core::{ApiKey, Credentials, Origins, RequestError, check};
///
/// let credentials = [Credentials::new(ApiKey::parse("placeholder-key")?)];
/// let request = http::Request::get("https://app.leadconduit.com/flows?key=placeholder-key").body(())?;
/// assert_eq!(check(&request, &credentials, &Origins::vendor()), Err(RequestError::KeyInUrl));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
pub fn check<B>(
    request: &Request<B>,
    credentials: &[Credentials],
    origins: &Origins,
) -> Result<Service, RequestError> {
    check_with(request, credentials, &[], origins)
}

/// Like [`check`], for the keys of the account and those that the call has `tried`, which may have been
/// removed from the account since.
pub(crate) fn check_with<B>(
    request: &Request<B>,
    credentials: &[Credentials],
    tried: &[Credentials],
    origins: &Origins,
) -> Result<Service, RequestError> {
    let service = check_origin(request, origins)?;
    check_method(request.method())?;
    let target = request
        .uri()
        .path_and_query()
        .map_or("", |target| target.as_str());
    target::check(target).map_err(RequestError::Target)?;
    let all = || credentials.iter().chain(tried);
    check_headers(request.headers(), all)?;
    if all().any(|one| contains_key(target, one.key().expose())) {
        return Err(RequestError::KeyInUrl);
    }
    Ok(service)
}

/// Returns the service whose origin the request goes to.
pub(crate) fn check_origin<B>(
    request: &Request<B>,
    origins: &Origins,
) -> Result<Service, RequestError> {
    let uri = request.uri();
    origins
        .service_of(uri)
        .ok_or_else(|| match Origin::of(uri) {
            Err(invalid) => RequestError::Origin(invalid),
            Ok(origin) if !origin.is_https() && !origin.is_loopback() => {
                RequestError::Origin(InvalidOrigin::PlainHttp)
            }
            Ok(origin) => RequestError::OriginNotAllowed(origin),
        })
}

#[inline]
pub(crate) fn check_method(method: &Method) -> Result<(), RequestError> {
    match *method {
        // The usual ones, recognised without comparing text.
        Method::GET | Method::POST | Method::PUT | Method::PATCH | Method::DELETE => Ok(()),
        _ => check_unusual_method(method),
    }
}

#[cold]
fn check_unusual_method(method: &Method) -> Result<(), RequestError> {
    // Methods are case-sensitive, but some servers are not.
    let is = |name| method.as_str().eq_ignore_ascii_case(name);
    if is("TRACE") || is("CONNECT") {
        return Err(RequestError::Method(method.clone()));
    }
    Ok(())
}

/// Checks each header. An `Authorization` must be that of one of the `credentials`.
pub(crate) fn check_headers<'a, I: Iterator<Item = &'a Credentials>>(
    headers: &HeaderMap,
    credentials: impl Fn() -> I,
) -> Result<(), RequestError> {
    let mut headers = headers.iter();
    headers.try_for_each(|(name, value)| check_header(name, value, &credentials))
}

fn check_header<'a, I: Iterator<Item = &'a Credentials>>(
    name: &HeaderName,
    value: &HeaderValue,
    credentials: impl Fn() -> I,
) -> Result<(), RequestError> {
    if *name == header::ACCEPT || *name == header::USER_AGENT || *name == header::CONTENT_TYPE {
        // The usual ones, recognised without comparing text.
    } else if *name == header::AUTHORIZATION {
        return match credentials().any(|one| one.authorization() == value) {
            true => Ok(()),
            false => Err(RequestError::ReservedHeader(name.clone())),
        };
    } else if is_reserved(name) {
        return Err(RequestError::ReservedHeader(name.clone()));
    }
    // The type excludes control characters other than tabs.
    if value.as_bytes().is_ascii() {
        Ok(())
    } else {
        Err(RequestError::HeaderValue(name.clone()))
    }
}

/// Returns `true` for headers of HTTP's framing, of the connection, or of this library.
fn is_reserved(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "proxy-authorization"
            | "host"
            | "content-length"
            | "transfer-encoding"
            | "connection"
            | "te"
            | "trailer"
            | "upgrade"
            | "expect"
            | "keep-alive"
            | "proxy-connection"
    )
}

/// Returns `true` if a path and query contain a key, plain or percent-encoded.
fn contains_key(target: &str, key: &str) -> bool {
    // No spelling of a key is shorter than the key.
    key.len() <= target.len() && search_key(target, key)
}

#[cold]
fn search_key(target: &str, key: &str) -> bool {
    let finder = memmem::Finder::new(key);
    if finder.find(target.as_bytes()).is_some() {
        return true;
    }
    target.contains('%') && {
        let decoded: Vec<u8> = percent_decode_str(target).collect();
        finder.find(&decoded).is_some()
    }
}
