//! What a request must look like before a key goes near it.

use bytes::Bytes;
use http::uri::{self, PathAndQuery};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};

use crate::credentials::Credentials;
use crate::origin::{InvalidOrigin, Origin, Origins};
use crate::product::{Product, Service};

/// Why a request is not signed or not sent. Clients find all of these before a packet leaves; [`check`] says
/// what whoever signs by hand finds. None repeats a header's value, a query or a path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The URL is not one that a key may be sent to, whatever the list says.
    #[error(transparent)]
    Origin(InvalidOrigin),
    /// The URL's origin is not on the client's list.
    #[error("{0} is not an origin of this client: the key goes only to those on its list")]
    OriginNotListed(Origin),
    /// The request was changed between two steps of its call, and goes to another product now.
    #[error("the request now goes to {0}, another product than when its call began")]
    OtherProduct(Product),
    /// The URL's path or query is not one that every HTTP library sends unchanged.
    #[error(transparent)]
    Target(InvalidTarget),
    /// A header that is not the caller's to set.
    #[error("the header {0} is set by this library or by HTTP itself: leave it out")]
    ReservedHeader(HeaderName),
    /// A header value outside printable ASCII.
    #[error("the value of the header {0} holds a byte that is not printable ASCII")]
    HeaderValue(HeaderName),
    /// `TRACE` or `CONNECT`, which would show the key to others (RFC 9110 sections 9.3.6, 9.3.8).
    #[error("the method {0} is not sent with a key")]
    Method(Method),
    /// A URL that holds the key itself.
    #[error("the URL holds the API key: URLs are logged everywhere, so reset that key")]
    KeyInUrl,
    /// A body or a type that cannot be sent.
    #[error("the request's body cannot be written as JSON")]
    Body,
}

/// Why a path is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTarget {
    /// The path does not begin with `/`.
    #[error("the path does not begin with a slash")]
    NotAbsolute,
    /// The path begins with `//` or `/\`, which some parsers take for another host.
    #[error("the path begins with two slashes, which could name another host: begin with one")]
    OtherHost,
    /// A backslash, which some parsers take for a slash.
    #[error("the path holds a backslash (byte {at}): use slashes, or %5C")]
    Backslash {
        /// Where it is, in bytes from 0.
        at: usize,
    },
    /// A control character.
    #[error("the path holds a control character (byte {at})")]
    Control {
        /// Where it is, in bytes from 0.
        at: usize,
    },
    /// A character that must be percent-encoded, and is not.
    #[error("the path holds a character that must be percent-encoded (byte {at})")]
    Unencoded {
        /// Where it is, in bytes from 0.
        at: usize,
    },
    /// A `.` or `..` segment, plain or encoded, which some libraries resolve and others send.
    #[error("the path holds a . or .. segment: write the path out")]
    DotSegment,
    /// A `%` that two hexadecimal digits do not follow.
    #[error("the path holds a % that is not followed by two hexadecimal digits (byte {at})")]
    Percent {
        /// Where it is, in bytes from 0.
        at: usize,
    },
    /// A fragment, which is never sent.
    #[error("the path holds a fragment (#…): leave it out, or write %23")]
    Fragment,
    /// Longer than a request line may be.
    #[error("the path and query together have more than {MAX_TARGET_LEN} bytes")]
    TooLong,
}

/// The longest path and query, in bytes. Servers commonly refuse request lines over 8,000.
pub const MAX_TARGET_LEN: usize = 7_900;

/// What nearly every header of a call is, told without a look at its letters.
fn is_usual(name: &HeaderName) -> bool {
    *name == header::ACCEPT || *name == header::USER_AGENT || *name == header::CONTENT_TYPE
}

/// Whether a header belongs to HTTP's framing, to the connection or to this library.
#[inline(never)]
fn is_reserved(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "authorization"
            | "proxy-authorization"
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

/// Checks that a request may carry these credentials and that every HTTP library sends it as it is: all that
/// [`sign`](crate::sign) looks at, and its path, its query and its headers byte by byte. Says which service it
/// goes to. [`Account::begin`](crate::Account::begin) does this by itself.
///
/// # Errors
///
/// [`RequestError`] says what is not in order.
///
/// ```
/// use ap_core::{ApiKey, Credentials, Origins, RequestError, check};
///
/// let credentials = Credentials::new(ApiKey::parse("placeholder-key")?);
/// let request = http::Request::get("https://app.leadconduit.com/flows?key=placeholder-key").body(())?;
/// let outcome = check(&request, &credentials, &Origins::vendor());
/// assert_eq!(outcome, Err(RequestError::KeyInUrl));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check<B>(
    request: &Request<B>,
    credentials: &Credentials,
    origins: &Origins,
) -> Result<Service, RequestError> {
    check_all(request, std::slice::from_ref(credentials), &[], origins)
}

/// The same for several keys: `ours`, and those that earlier steps of the same call `tried`, which may have
/// left the ring since. An `Authorization` is in order if one of them made it.
pub(crate) fn check_all<B>(
    request: &Request<B>,
    ours: &[Credentials],
    tried: &[Credentials],
    origins: &Origins,
) -> Result<Service, RequestError> {
    let service = service(origins, request.uri())?;
    check_method(request.method())?;
    let target = target(request.uri());
    let encoded = check_target(target).map_err(RequestError::Target)?;
    check_headers(request.headers(), ours, tried)?;
    if holds_any(target, encoded, ours.iter().chain(tried)) {
        return Err(RequestError::KeyInUrl);
    }
    Ok(service)
}

/// The part of it that is about where a key goes: looked at before every signature.
#[inline]
pub(crate) fn check_recipient<B>(
    request: &Request<B>,
    origins: &Origins,
) -> Result<Service, RequestError> {
    let service = service(origins, request.uri())?;
    check_request_line(request)?;
    Ok(service)
}

/// The same for a request that goes to this service, as far as its call knows.
#[inline]
pub(crate) fn check_recipient_is<B>(
    request: &Request<B>,
    origins: &Origins,
    expected: Service,
) -> Result<Service, RequestError> {
    if origins.get(expected).is_spelled_in(request.uri()) {
        check_request_line(request)?;
        Ok(expected)
    } else {
        check_recipient(request, origins)
    }
}

/// What a request line can hold that takes the key to somebody else, or back.
#[inline]
fn check_request_line<B>(request: &Request<B>) -> Result<(), RequestError> {
    check_method(request.method())?;
    check_host_of(target(request.uri())).map_err(RequestError::Target)
}

fn check_method(method: &Method) -> Result<(), RequestError> {
    if *method == Method::TRACE || *method == Method::CONNECT {
        return Err(RequestError::Method(method.clone()));
    }
    Ok(())
}

/// The path and query, as the URI has them.
fn target(uri: &Uri) -> &str {
    uri.path_and_query().map_or("", |target| target.as_str())
}

/// The service whose origin the URI has.
#[inline]
pub(crate) fn service(origins: &Origins, uri: &Uri) -> Result<Service, RequestError> {
    match origins.service_of(uri) {
        Some(service) => Ok(service),
        None => Err(not_listed(uri)),
    }
}

#[cold]
fn not_listed(uri: &Uri) -> RequestError {
    match Origin::of(uri) {
        Err(invalid) => RequestError::Origin(invalid),
        Ok(origin) if !origin.is_https() && !origin.is_loopback() => {
            RequestError::Origin(InvalidOrigin::PlainHttp)
        }
        Ok(origin) => RequestError::OriginNotListed(origin),
    }
}

// Inlined by request: a call has two or three headers, and its frame alone costs as much as one.
#[inline(always)]
fn check_headers(
    headers: &HeaderMap,
    ours: &[Credentials],
    tried: &[Credentials],
) -> Result<(), RequestError> {
    for (name, value) in headers {
        if !is_usual(name) {
            if *name == header::AUTHORIZATION && (is_of(value, ours) || is_of(value, tried)) {
                continue;
            }
            if is_reserved(name) {
                return Err(RequestError::ReservedHeader(name.clone()));
            }
        }
        // The type rules out control characters but tabs.
        if !value.as_bytes().is_ascii() {
            return Err(RequestError::HeaderValue(name.clone()));
        }
    }
    Ok(())
}

/// Whether a value is the very buffer that an earlier signature put there, not an equal one of the
/// caller's: a request can then be signed again, and a caller's own header is still refused.
pub(crate) fn is_of(value: &HeaderValue, ours: &[Credentials]) -> bool {
    ours.iter()
        .any(|credentials| std::ptr::eq(credentials.authorization().as_bytes(), value.as_bytes()))
}

/// The same look for keys that were not there when the request was checked.
pub(crate) fn check_no_key_in(uri: &Uri, keys: &[Credentials]) -> Result<(), RequestError> {
    let target = target(uri);
    if holds_any(target, target.contains('%'), keys.iter()) {
        return Err(RequestError::KeyInUrl);
    }
    Ok(())
}

/// Whether a target holds a key, plain or encoded. URLs end up in logs of every machine on the way.
fn holds_any<'a>(
    target: &str,
    encoded: bool,
    mut keys: impl Iterator<Item = &'a Credentials>,
) -> bool {
    keys.any(|one| {
        let key = one.key().expose();
        // What is shorter than the key holds it in no spelling.
        key.len() <= target.len() && holds(target.as_bytes(), encoded, key.as_bytes())
    })
}

#[inline(never)]
fn holds(target: &[u8], encoded: bool, key: &[u8]) -> bool {
    let is_key = |window: &[u8]| window.first() == key.first() && window == key;
    target.windows(key.len()).any(is_key)
        || encoded && (0..target.len()).any(|at| begins_with(&target[at..], key))
}

/// Whether a target begins with the key, any byte of which may be percent-encoded: a client encodes
/// what the key may hold and a URL may not.
fn begins_with(mut target: &[u8], key: &[u8]) -> bool {
    key.iter().all(|&expected| {
        let (byte, rest) = match target {
            [b'%', high, low, rest @ ..] => {
                let digit = |hex: u8| char::from(hex).to_digit(16).unwrap_or_default();
                (digit(*high) * 16 + digit(*low), rest)
            }
            [byte, rest @ ..] => (u32::from(*byte), rest),
            [] => return false,
        };
        target = rest;
        byte == u32::from(expected)
    })
}

/// Checks that a path begins as one, so that no parser takes it for another host.
fn check_host_of(target: &str) -> Result<(), InvalidTarget> {
    match target.as_bytes() {
        [b'/', b'/' | b'\\', ..] => Err(InvalidTarget::OtherHost),
        [b'/', ..] => Ok(()),
        _ => Err(InvalidTarget::NotAbsolute),
    }
}

/// Checks that a path and query are spelled so that no library rewrites them: visible ASCII, no
/// character that the URL standard would encode, no dot segments, sound percent-encoding. Whether there is
/// any of the last.
#[inline(always)]
fn check_target(target: &str) -> Result<bool, InvalidTarget> {
    check_host_of(target)?;
    let bytes = target.as_bytes();
    if bytes.len() > MAX_TARGET_LEN {
        return Err(InvalidTarget::TooLong);
    }
    // As a rule there is nothing but these, and nothing more to look at.
    let all = bytes
        .iter()
        .fold(0, |all, &byte| all | CLASSES[usize::from(byte)] as u8);
    if all <= Class::Question as u8 {
        return Ok(false);
    }
    let mut query_at = bytes.len();
    let (mut dots, mut encoded) = (false, false);
    for (at, &byte) in bytes.iter().enumerate() {
        match CLASSES[usize::from(byte)] {
            Class::Plain => {}
            Class::Question => query_at = query_at.min(at),
            Class::Dot => dots |= at < query_at,
            Class::Percent => {
                let digits = bytes.get(at + 1..at + 3).unwrap_or_default();
                if digits.len() < 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(InvalidTarget::Percent { at });
                }
                encoded = true;
                dots |= at < query_at;
            }
            Class::Quote if at < query_at => {}
            Class::Quote | Class::Encoded => return Err(InvalidTarget::Unencoded { at }),
            Class::Backslash => return Err(InvalidTarget::Backslash { at }),
            Class::Fragment => return Err(InvalidTarget::Fragment),
            Class::Control => return Err(InvalidTarget::Control { at }),
        }
    }
    if dots && has_dot_segment(target) {
        return Err(InvalidTarget::DotSegment);
    }
    Ok(encoded)
}

/// What a byte is in a path or a query.
#[derive(Clone, Copy)]
enum Class {
    Plain = 0,
    Question = 1,
    Dot = 2,
    Percent,
    /// An apostrophe: encoded in a query only.
    Quote,
    /// RFC 3986 section 2 and the URL standard's path and special-query sets, together: what either
    /// would encode.
    Encoded,
    Backslash,
    Fragment,
    Control,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Plain; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'?' => Class::Question,
            b'.' => Class::Dot,
            b'%' => Class::Percent,
            b'\'' => Class::Quote,
            b'\\' => Class::Backslash,
            b'#' => Class::Fragment,
            0..=0x1F | 0x7F => Class::Control,
            b' ' | b'"' | b'<' | b'>' | b'`' | b'{' | b'}' | b'|' | b'^' | b'[' | b']' => {
                Class::Encoded
            }
            0x80.. => Class::Encoded,
            _ => Class::Plain,
        };
        byte += 1;
    }
    classes
};

fn has_dot_segment(target: &str) -> bool {
    let path = target.split('?').next().unwrap_or_default();
    // No other encoding of a dot exists, so this needs no decoder.
    let skip_dot = |text| {
        [".", "%2e", "%2E"]
            .into_iter()
            .find_map(|dot| str::strip_prefix(text, dot))
    };
    path.split('/').any(|mut segment| {
        let mut dots = 0;
        while let Some(rest) = skip_dot(segment) {
            segment = rest;
            dots += 1;
        }
        segment.is_empty() && (1..=2).contains(&dots)
    })
}

/// The URI of a path and query at an origin, as it goes on the wire: what must be percent-encoded is, what
/// already is stays. What could change the origin or climb out of the path is refused, not repaired.
///
/// # Errors
///
/// [`InvalidTarget`].
pub(crate) fn uri_at(origin: &Origin, text: &str) -> Result<Uri, InvalidTarget> {
    let target = match check_target(text) {
        Ok(_) => text.to_owned(),
        Err(InvalidTarget::Unencoded { .. }) => encode(text)?,
        Err(other) => return Err(other),
    };
    let target = PathAndQuery::from_maybe_shared(Bytes::from(target));
    let mut parts = uri::Parts::default();
    parts.scheme = Some(origin.uri_scheme());
    parts.authority = Some(origin.authority().clone());
    parts.path_and_query = Some(target.map_err(|_| InvalidTarget::TooLong)?);
    Uri::from_parts(parts).map_err(|_| InvalidTarget::TooLong)
}

fn encode(text: &str) -> Result<String, InvalidTarget> {
    let mut in_query = false;
    let mut target = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        in_query |= byte == b'?';
        match CLASSES[usize::from(byte)] {
            Class::Encoded => target.push_str(&format!("%{byte:02X}")),
            Class::Quote if in_query => target.push_str("%27"),
            _ => target.push(char::from(byte)),
        }
    }
    check_target(&target)?;
    Ok(target)
}
