//! What frames a request, and the rules for a response's head.

use ap_core::origin::is_loopback;
use ap_core::{TransportError, TransportErrorKind};
use bytes::Bytes;
use http::header::MaxSizeReached;
use http::uri::Scheme;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, Version, header, response};

use super::config::TransportConfig;

/// Returns the value of `Host` for a request (RFC 9112 section 3.2): the URI's authority without the scheme's
/// default port.
///
/// `None` for a URI without a host, or with user information. Use it if your library would build the value
/// again for every call.
///
/// ```
/// use ap_client::transport::host;
///
/// let value = host(&"http://127.0.0.1:8080/flows".parse()?);
/// assert_eq!(value.as_ref().map(|value| value.as_bytes()), Some(&b"127.0.0.1:8080"[..]));
/// let value = host(&"https://app.leadconduit.com:443/".parse()?);
/// assert_eq!(value.as_ref().map(|value| value.as_bytes()), Some(&b"app.leadconduit.com"[..]));
/// assert_eq!(host(&"https://name@app.leadconduit.com/".parse()?), None);
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[must_use]
pub fn host(uri: &Uri) -> Option<HeaderValue> {
    let authority = uri.authority()?.as_str();
    let own_port = if uri.scheme() == Some(&Scheme::HTTPS) {
        ":443"
    } else {
        ":80"
    };
    if authority.as_bytes().contains(&b'@') {
        return None;
    }
    let host = authority.strip_suffix(own_port).unwrap_or(authority);
    HeaderValue::from_str(host).ok()
}

/// Returns the headers of a request with its framing: `Host` first (RFC 9110 section 7.2), if one is given and
/// the request has none, and the length of an empty body that must be announced.
///
/// Use it if your library would add these itself for every call.
///
/// ```
/// use ap_client::transport::{host, wire_headers};
/// use http::{Request, header};
///
/// let request = Request::post("http://127.0.0.1:8080/flows").body(Default::default())?;
/// let headers = wire_headers(&request, host(request.uri()));
/// assert_eq!(headers[header::HOST], "127.0.0.1:8080");
/// assert_eq!(headers[header::CONTENT_LENGTH], "0");
/// # Ok::<(), http::Error>(())
/// ```
#[must_use]
pub fn wire_headers(request: &Request<Bytes>, host: Option<HeaderValue>) -> HeaderMap {
    // If there are as many as a map can contain, the library may add the rest.
    framed(request, host).unwrap_or_else(|_| request.headers().clone())
}

fn framed(
    request: &Request<Bytes>,
    host: Option<HeaderValue>,
) -> Result<HeaderMap, MaxSizeReached> {
    // The exact number, with the length that HTTP libraries add to a body: the next larger map costs much more.
    let announces_length = !request.body().is_empty() || announces_empty_body(request.method());
    let added = usize::from(host.is_some()) + usize::from(announces_length);
    let mut headers = HeaderMap::try_with_capacity(request.headers().keys_len() + added)?;
    if let Some(host) = host {
        headers.try_append(header::HOST, host)?;
    }
    for (name, value) in request.headers() {
        if *name == header::HOST {
            headers.try_insert(name, value.clone())?;
        } else {
            headers.try_append(name, value.clone())?;
        }
    }
    if request.body().is_empty() && announces_empty_body(request.method()) {
        headers.try_insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"))?;
    }
    Ok(headers)
}

/// Checks where a request goes, and returns its headers with the framing: [`check_plain_http`], then [`host`] and
/// [`wire_headers`].
///
/// ```
/// use ap_client::transport::{TransportErrorKind, check_request};
/// use http::{Request, header};
///
/// let request = Request::get("http://127.0.0.1:8080/flows").body(Default::default())?;
/// assert_eq!(check_request(&request)?[header::HOST], "127.0.0.1:8080");
///
/// let request = Request::get("http://app.leadconduit.com/flows").body(Default::default())?;
/// assert_eq!(check_request(&request).unwrap_err().kind(), TransportErrorKind::Unsendable);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Unsendable`](TransportErrorKind::Unsendable) for plain http to another machine, and for a URI without a host or
/// with user information.
pub fn check_request(request: &Request<Bytes>) -> Result<HeaderMap, TransportError> {
    check_plain_http(request.uri())?;
    let Some(host) = host(request.uri()) else {
        return Err(TransportError::new(TransportErrorKind::Unsendable)
            .with_source("the URL has no host, or has user information"));
    };
    Ok(wire_headers(request, Some(host)))
}

/// Checks that a request over plain http goes to this machine.
///
/// This looks at the URI alone. `localhost` passes, so connect to
/// [`localhost_addresses`](super::localhost_addresses) and not to what a resolver or a hosts file says.
///
/// ```
/// use ap_client::transport::check_plain_http;
///
/// assert!(check_plain_http(&"https://app.leadconduit.com/flows".parse()?).is_ok());
/// assert!(check_plain_http(&"http://127.0.0.1:8080/flows".parse()?).is_ok());
/// assert!(check_plain_http(&"http://app.leadconduit.com/flows".parse()?).is_err());
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
///
/// # Errors
///
/// [`Unsendable`](TransportErrorKind::Unsendable) if it goes elsewhere, where others could read the key.
pub fn check_plain_http(uri: &Uri) -> Result<(), TransportError> {
    if uri.scheme() == Some(&Scheme::HTTPS) || is_loopback(uri) {
        return Ok(());
    }
    Err(TransportError::new(TransportErrorKind::Unsendable)
        .with_source("plain http is only sent to loopback"))
}

/// Returns `true` if an empty body is announced by `Content-Length: 0`: if the method usually has a body
/// (RFC 9110 section 8.6). [`wire_headers`] adds it.
///
/// ```
/// use ap_client::transport::announces_empty_body;
/// use http::Method;
///
/// assert!(announces_empty_body(&Method::POST));
/// assert!(!announces_empty_body(&Method::GET));
/// ```
#[must_use]
pub fn announces_empty_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

/// Returns `true` if a connection should not be used again after a response with this status, because the server may
/// end it: a server can reject a key without reading the request's body.
///
/// A product rejects keys with 401, and TrustedForm with 403 too.
///
/// ```
/// use ap_client::transport::may_end_connection;
/// use http::StatusCode;
///
/// assert!(may_end_connection(StatusCode::UNAUTHORIZED, true));
/// assert!(!may_end_connection(StatusCode::UNAUTHORIZED, false)); // the request has no body
/// assert!(!may_end_connection(StatusCode::NOT_FOUND, true));
/// ```
#[must_use]
pub fn may_end_connection(status: StatusCode, has_body: bool) -> bool {
    has_body && matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

/// Returns how many bytes to allocate at once for a body of this announced length: at most 1 MiB, because it
/// may not arrive.
///
/// ```
/// use ap_client::transport::body_capacity;
///
/// assert_eq!(body_capacity(Some(300)), 300);
/// assert_eq!(body_capacity(Some(u64::MAX)), 1024 * 1024);
/// assert_eq!(body_capacity(None), 0);
/// ```
#[must_use]
pub fn body_capacity(announced: Option<u64>) -> usize {
    const MOST: u64 = 1024 * 1024;
    let room = announced.unwrap_or_default().min(MOST);
    usize::try_from(room).unwrap_or_default()
}

/// Checks a response's head before its body is read, with the same rules for every transport.
///
/// ```
/// use ap_client::transport::{TransportConfig, TransportErrorKind, check_head, response_head};
/// use http::Method;
///
/// let config = TransportConfig::new();
/// let check = |lines: &[(&str, &str)]| {
///     let head = response_head(200, lines.iter().copied())?;
///     check_head(&config, &Method::GET, &head)
/// };
/// assert!(check(&[("Content-Length", "2")]).is_ok());
/// let two_lengths = check(&[("Content-Length", "2"), ("Content-Length", "3")]);
/// assert_eq!(two_lengths.unwrap_err().kind(), TransportErrorKind::Malformed);
/// let no_length = check(&[]);
/// assert_eq!(no_length.unwrap_err().kind(), TransportErrorKind::Truncated);
/// ```
///
/// # Errors
///
/// - [`TooLarge`](TransportErrorKind::TooLarge) if there are more header lines, a larger head or a longer
///   announced body than the settings allow.
/// - [`Malformed`](TransportErrorKind::Malformed) for a status outside 200 to 599, or framing that recipients
///   could read differently (RFC 9112 section 6.3): lengths that differ or are not plain numbers, another
///   coding than chunked, chunked in HTTP/1.0, or both a length and a coding.
/// - [`Truncated`](TransportErrorKind::Truncated) if the head does not say where the body ends: a broken
///   connection and a complete body would look the same (RFC 9112 section 8). A library that removes
///   `Transfer-Encoding` from its responses makes every chunked one look so.
pub fn check_head(
    config: &TransportConfig,
    method: &Method,
    head: &response::Parts,
) -> Result<(), TransportError> {
    let framing = Framing::of(head);
    if head.headers.len() > config.max_headers || framing.head_len > config.max_header_size {
        return Err(TransportError::new(TransportErrorKind::TooLarge));
    }
    let malformed =
        |why: String| TransportError::new(TransportErrorKind::Malformed).with_source(why);
    let status = head.status.as_u16();
    if !(200..=599).contains(&status) {
        return Err(malformed(format!(
            "{status} is not the status of a final response"
        )));
    }
    if !framing.is_valid(head) {
        return Err(malformed(
            "the header lines do not say clearly how long the body is".to_owned(),
        ));
    }
    if !framing.says_where_body_ends(method, head) {
        return Err(TransportError::new(TransportErrorKind::Truncated)
            .with_source("the response does not say where its body ends"));
    }
    let limit = u64::try_from(config.max_body_size).unwrap_or(u64::MAX);
    if *method != Method::HEAD && framing.length.is_some_and(|length| length > limit) {
        return Err(TransportError::new(TransportErrorKind::TooLarge));
    }
    Ok(())
}

/// What the header lines say about their size and about the end of the body, read in one pass.
struct Framing {
    /// Bytes of the header lines.
    head_len: usize,
    /// `Content-Length`, if every line of it is the same plain number.
    length: Option<u64>,
    lengths: usize,
    lengths_agree: bool,
    codings: usize,
    is_chunked: bool,
}

impl Framing {
    fn of(head: &response::Parts) -> Self {
        let mut framing = Self {
            head_len: 0,
            length: None,
            lengths: 0,
            lengths_agree: true,
            codings: 0,
            is_chunked: false,
        };
        let mut first: Option<&[u8]> = None;
        for (name, value) in &head.headers {
            framing.head_len += name.as_str().len() + value.len() + 4;
            if *name == header::CONTENT_LENGTH {
                let value = value.as_bytes();
                framing.lengths += 1;
                if *first.get_or_insert(value) != value {
                    framing.lengths_agree = false;
                }
            } else if *name == header::TRANSFER_ENCODING {
                framing.codings += 1;
                framing.is_chunked = value.as_bytes().eq_ignore_ascii_case(b"chunked");
            }
        }
        framing.length = first.and_then(plain_number);
        framing
    }

    fn is_valid(&self, head: &response::Parts) -> bool {
        let has_one_framing = match self.codings {
            0 => self.lengths == 0 || self.length.is_some(),
            1 => self.lengths == 0 && head.version == Version::HTTP_11 && self.is_chunked,
            _ => false,
        };
        has_one_framing && self.lengths_agree
    }

    fn says_where_body_ends(&self, method: &Method, head: &response::Parts) -> bool {
        let has_no_body = *method == Method::HEAD
            || head.status.is_informational()
            || matches!(
                head.status,
                StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
            );
        has_no_body || self.lengths > 0 || self.codings > 0
    }
}

/// Returns the announced length of a body whose head was checked.
pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    plain_number(headers.get(header::CONTENT_LENGTH)?.as_bytes())
}

/// Parses digits without a sign, if the number can be counted.
fn plain_number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, byte| match byte {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}
