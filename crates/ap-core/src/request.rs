//! What a request must look like before a key goes near it.

use bytes::Bytes;
use http::uri::{self, PathAndQuery};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};

use crate::credentials::Credentials;
use crate::origin::{InvalidOrigin, Origin, Origins};
use crate::product::{Product, Service};

/// Why a request is not signed or not sent. All of these are found before a packet leaves, and none
/// repeats a header's value, a query or a path.
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

/// Whether a header belongs to HTTP's framing, to the connection or to this library.
fn is_reserved(name: &HeaderName) -> bool {
    let name = name.as_str();
    // Most names are told by their length and first letter.
    let may_be = matches!(
        (name.len(), name.as_bytes().first()),
        (2, Some(b't'))
            | (4, Some(b'h'))
            | (6, Some(b'e'))
            | (7, Some(b't' | b'u'))
            | (10, Some(b'c' | b'k'))
            | (13, Some(b'a'))
            | (14, Some(b'c'))
            | (16 | 19, Some(b'p'))
            | (17, Some(b't'))
    );
    may_be
        && matches!(
            name,
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

/// The service that the request goes to, if everything about it but the key is in order. An
/// `Authorization` is in order if one of `ours` made it, or one of `tried`, which an earlier step of
/// the same call sent and which may have left the ring since.
pub(crate) fn check(
    origins: &Origins,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    ours: &[Credentials],
    tried: &[Credentials],
) -> Result<Service, RequestError> {
    let service = service(origins, uri)?;
    if *method == Method::TRACE || *method == Method::CONNECT {
        return Err(RequestError::Method(method.clone()));
    }
    let target = uri.path_and_query().map_or("", |p| p.as_str());
    let encoded = check_target(target).map_err(RequestError::Target)?;
    check_headers(headers, ours, tried)?;
    let keys = ours.iter().chain(tried).map(|one| one.key().expose());
    if holds_any(target, encoded, keys) {
        return Err(RequestError::KeyInUrl);
    }
    Ok(service)
}

/// The service whose origin the URI has.
pub(crate) fn service(origins: &Origins, uri: &Uri) -> Result<Service, RequestError> {
    origins
        .service_of(uri)
        .ok_or_else(|| match Origin::of(uri) {
            Err(invalid) => RequestError::Origin(invalid),
            Ok(origin) if !origin.is_https() && !origin.is_loopback() => {
                RequestError::Origin(InvalidOrigin::PlainHttp)
            }
            Ok(origin) => RequestError::OriginNotListed(origin),
        })
}

fn check_headers(
    headers: &HeaderMap,
    ours: &[Credentials],
    tried: &[Credentials],
) -> Result<(), RequestError> {
    for (name, value) in headers {
        if *name == header::AUTHORIZATION && (is_of(value, ours) || is_of(value, tried)) {
            continue;
        }
        if is_reserved(name) {
            return Err(RequestError::ReservedHeader(name.clone()));
        }
        if !is_printable(value.as_bytes()) {
            return Err(RequestError::HeaderValue(name.clone()));
        }
    }
    Ok(())
}

/// Printable ASCII and tabs, eight bytes at a time.
fn is_printable(value: &[u8]) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = EACH * 0x80;
    let each_is = |bytes: &[u8]| bytes.iter().all(|b| matches!(b, b' '..=b'~' | b'\t'));
    let are = |bytes: &[u8; 8]| {
        let word = u64::from_le_bytes(*bytes);
        // The high bit of each byte that is less than a space, or more than a tilde.
        let low = word.wrapping_sub(EACH * 0x20) & !word;
        let high = word.wrapping_add(EACH) | word;
        (low | high) & HIGH == 0 || each_is(bytes)
    };
    match value.last_chunk() {
        // The last eight may be looked at twice.
        Some(last) => value.as_chunks().0.iter().all(are) && are(last),
        None => each_is(value),
    }
}

/// Whether a value is the very buffer that an earlier signature put there, not an equal one of the
/// caller's: a request can then be signed again, and a caller's own header is still refused.
fn is_of(value: &HeaderValue, ours: &[Credentials]) -> bool {
    ours.iter()
        .any(|credentials| std::ptr::eq(credentials.authorization().as_bytes(), value.as_bytes()))
}

/// The same look for keys that were not there when the request was checked.
pub(crate) fn check_no_key_in(uri: &Uri, keys: &[Credentials]) -> Result<(), RequestError> {
    let target = uri.path_and_query().map_or("", |target| target.as_str());
    let keys = keys.iter().map(|one| one.key().expose());
    if holds_any(target, target.contains('%'), keys) {
        return Err(RequestError::KeyInUrl);
    }
    Ok(())
}

/// Whether a target holds a key, plain or encoded. URLs end up in logs of every machine on the way.
fn holds_any<'a>(target: &str, encoded: bool, mut keys: impl Iterator<Item = &'a str>) -> bool {
    let target = target.as_bytes();
    keys.any(|key| {
        let key = key.as_bytes();
        // What is shorter than the key holds it in no spelling.
        key.len() <= target.len()
            && (target.windows(key.len()).any(|window| window == key)
                || encoded && (0..target.len()).any(|at| begins_with(&target[at..], key)))
    })
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

/// Checks that a path and query are spelled so that no library rewrites them: visible ASCII, no
/// character that the URL standard would encode, no dot segments, sound percent-encoding. Whether there is
/// any of the last.
fn check_target(target: &str) -> Result<bool, InvalidTarget> {
    let bytes = target.as_bytes();
    match bytes {
        [b'/', b'/' | b'\\', ..] => return Err(InvalidTarget::OtherHost),
        [b'/', ..] => {}
        _ => return Err(InvalidTarget::NotAbsolute),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_is_told_alike_at_every_place_of_a_value() {
        for len in 0..=20 {
            for at in 0..len {
                for byte in 0..=255 {
                    let mut value = vec![b'a'; len];
                    value[at] = byte;
                    let expected = matches!(byte, b' '..=b'~' | b'\t');
                    assert_eq!(is_printable(&value), expected, "{byte} at {at} of {len}");
                }
            }
            assert!(is_printable(&vec![b'~'; len]) && is_printable(&vec![b'\t'; len]));
        }
    }

    #[test]
    fn the_short_look_at_a_name_misses_none_that_is_reserved() {
        for name in [
            "authorization",
            "proxy-authorization",
            "host",
            "content-length",
            "transfer-encoding",
            "connection",
            "te",
            "trailer",
            "upgrade",
            "expect",
            "keep-alive",
            "proxy-connection",
        ] {
            assert!(is_reserved(&HeaderName::from_static(name)), "{name}");
        }
        for name in ["accept", "user-agent", "tf", "hosts", "expects", "x-host"] {
            assert!(!is_reserved(&HeaderName::from_static(name)), "{name}");
        }
    }
}
