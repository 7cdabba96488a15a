//! Paths and queries: checked, so that every HTTP library sends them unchanged, and encoded.

use http::Uri;
use http::uri::{self, PathAndQuery};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::origin::Origin;

/// Why a path and query are not sent. Positions are byte offsets from 0.
///
/// ```
/// use ap_core::request::InvalidTarget;
/// use ap_core::{Draft, Origins, RequestError, Service};
///
/// let draft = Draft::get(Service::LeadConduit, "/flows/../users");
/// let error = draft.prepare(&Origins::vendor(), None).unwrap_err();
/// let expected = RequestError::Target(InvalidTarget::DotSegment);
/// assert_eq!(error.request(), Some(&expected));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTarget {
    /// The path does not begin with `/`.
    #[error("the path does not begin with a slash; add one")]
    NotAbsolute,
    /// The path begins with `//` or `/\`, which some parsers read as another host.
    #[error("the path begins with two slashes, which could name another host; begin with one")]
    OtherHost,
    /// A backslash, which some parsers read as a slash.
    #[error("the path contains a backslash at byte {at}; use a slash, or %5C")]
    Backslash {
        /// Where it is.
        at: usize,
    },
    /// A control character.
    #[error("the path contains a control character at byte {at}; remove it")]
    Control {
        /// Where it is.
        at: usize,
    },
    /// A character that must be percent-encoded.
    #[error("the path contains a character at byte {at} that must be percent-encoded")]
    Unencoded {
        /// Where it is.
        at: usize,
    },
    /// A `.` or `..` segment, plain or encoded, which some libraries resolve and others send.
    #[error("the path contains a . or .. segment; write the path without it")]
    DotSegment,
    /// A segment without any text, which would turn the path of one item into the path of all.
    #[error("a segment of the path is empty; check the id that it was made from")]
    EmptySegment,
    /// A `%` without two hexadecimal digits after it.
    #[error(
        "the path contains a % at byte {at} without two hexadecimal digits after it; write %25"
    )]
    Percent {
        /// Where it is.
        at: usize,
    },
    /// A fragment, which is never sent.
    #[error("the path contains a fragment (#…); leave it out, or write %23")]
    Fragment,
    /// Longer than [`MAX_TARGET_LEN`].
    #[error("the path and query have more than {MAX_TARGET_LEN} bytes; send less in the query")]
    TooLong,
}

/// The longest path and query, in bytes. Servers commonly refuse request lines over 8,000.
pub const MAX_TARGET_LEN: usize = 7_900;

/// What RFC 3986 section 2 and the path set of the URL standard encode, except control characters, which are
/// refused.
const PATH: &AsciiSet = &AsciiSet::EMPTY
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'|')
    .add(b'^')
    .add(b'[')
    .add(b']');

/// What the special-query set of the URL standard encodes as well.
const QUERY: &AsciiSet = &PATH.add(b'\'');

/// All but the unreserved characters (RFC 3986 section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Checks that a path and query are spelled so that no library rewrites them: visible ASCII, no character
/// that the URL standard would encode, no dot segments, valid percent-encoding.
pub(super) fn check(target: &str) -> Result<(), InvalidTarget> {
    let bytes = target.as_bytes();
    match bytes {
        [b'/', b'/' | b'\\', ..] => return Err(InvalidTarget::OtherHost),
        [b'/', ..] => {}
        _ => return Err(InvalidTarget::NotAbsolute),
    }
    if bytes.len() > MAX_TARGET_LEN {
        return Err(InvalidTarget::TooLong);
    }
    // Every signature comes through here, so the usual characters are recognised first. No early exit: this
    // way the compiler unrolls the loop.
    let is_plain = |all, byte: &u8| all & IS_PLAIN[usize::from(*byte)];
    if bytes.iter().fold(true, is_plain) {
        return Ok(());
    }
    let mut is_query = false;
    let mut has_dots = false;
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'?' => is_query = true,
            b'.' => has_dots |= !is_query,
            b'%' => {
                let digits = bytes.get(at + 1..at + 3).unwrap_or_default();
                if digits.len() < 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(InvalidTarget::Percent { at });
                }
                has_dots |= !is_query;
            }
            b'\'' if !is_query => {}
            b' ' | b'"' | b'\'' | b'<' | b'>' | b'`' | b'{' | b'}' | b'|' | b'^' | b'[' | b']' => {
                return Err(InvalidTarget::Unencoded { at });
            }
            0x80.. => return Err(InvalidTarget::Unencoded { at }),
            b'\\' => return Err(InvalidTarget::Backslash { at }),
            b'#' => return Err(InvalidTarget::Fragment),
            0..=0x1F | 0x7F => return Err(InvalidTarget::Control { at }),
            _ => {}
        }
    }
    if has_dots && has_dot_segment(target) {
        return Err(InvalidTarget::DotSegment);
    }
    Ok(())
}

/// The characters that need no further look: those of ids, names and numbers, and delimiters.
const IS_PLAIN: [bool; 256] = {
    let mut is_plain = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        is_plain[byte] = (byte as u8).is_ascii_alphanumeric()
            || matches!(
                byte as u8,
                b'/' | b'?' | b'=' | b'&' | b'-' | b'_' | b'~' | b':' | b',' | b'+'
            );
        byte += 1;
    }
    is_plain
};

fn has_dot_segment(target: &str) -> bool {
    let path = target.split('?').next().unwrap_or_default();
    path.split('/').any(is_dot_segment)
}

/// Returns `true` for `.` and `..`, each dot plain or percent-encoded.
fn is_dot_segment(mut segment: &str) -> bool {
    let mut dots = 0;
    while let Some(rest) = [".", "%2e", "%2E"]
        .into_iter()
        .find_map(|dot| segment.strip_prefix(dot))
    {
        segment = rest;
        dots += 1;
    }
    segment.is_empty() && (1..=2).contains(&dots)
}

/// Returns the URI of a path and query at an origin, as it is sent. Characters that must be percent-encoded
/// are; existing percent-encoding stays. A path that could change the origin or climb is an error.
pub(crate) fn uri_at(origin: &Origin, target: String) -> Result<Uri, InvalidTarget> {
    let target = match check(&target) {
        Ok(()) => target,
        Err(InvalidTarget::Unencoded { .. }) => encode(&target)?,
        Err(other) => return Err(other),
    };
    let target = PathAndQuery::from_maybe_shared(bytes::Bytes::from(target));
    let mut parts = uri::Parts::default();
    parts.scheme = Some(origin.uri_scheme());
    parts.authority = Some(origin.authority().clone());
    parts.path_and_query = Some(target.map_err(|_| InvalidTarget::TooLong)?);
    Uri::from_parts(parts).map_err(|_| InvalidTarget::TooLong)
}

fn encode(target: &str) -> Result<String, InvalidTarget> {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let mut encoded = utf8_percent_encode(path, PATH).to_string();
    if let Some(query) = query {
        encoded.push('?');
        encoded.extend(utf8_percent_encode(query, QUERY));
    }
    check(&encoded)?;
    Ok(encoded)
}

/// Appends one segment to the path, percent-encoded so that it stays one segment.
pub(crate) fn push_segment(target: &mut String, segment: &str) -> Result<(), InvalidTarget> {
    if segment.is_empty() {
        return Err(InvalidTarget::EmptySegment);
    }
    if is_dot_segment(segment) {
        return Err(InvalidTarget::DotSegment);
    }
    let query = target.find('?').map(|at| target.split_off(at));
    if !target.ends_with('/') {
        target.push('/');
    }
    target.extend(utf8_percent_encode(segment, SEGMENT));
    target.extend(query);
    Ok(())
}

/// Appends encoded pairs to the query.
pub(crate) fn push_query(target: &mut String, pairs: &str) {
    if pairs.is_empty() {
        return;
    }
    if !target.contains('?') {
        target.push('?');
    } else if !target.ends_with(['?', '&']) {
        target.push('&');
    }
    target.push_str(pairs);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_stays_one_segment() {
        for (path, segment, expected) in [
            ("/flows", "a/b", "/flows/a%2Fb"),
            ("/flows/", "a", "/flows/a"),
            ("/flows", "%2f", "/flows/%252f"),
            ("/flows?a=b", "ü?#", "/flows/%C3%BC%3F%23?a=b"),
            ("", "a", "/a"),
        ] {
            let mut target = path.to_owned();
            assert_eq!(push_segment(&mut target, segment), Ok(()));
            assert_eq!(target, expected);
            assert_eq!(check(&target), Ok(()));
        }
        for (segment, error) in [
            ("", InvalidTarget::EmptySegment),
            (".", InvalidTarget::DotSegment),
            ("..", InvalidTarget::DotSegment),
            ("%2e.", InvalidTarget::DotSegment),
        ] {
            assert_eq!(push_segment(&mut "/flows".to_owned(), segment), Err(error));
        }
    }

    #[test]
    fn encoding_one_character_does_not_let_another_through() {
        let origin = Origin::parse("https://app.leadconduit.com").unwrap();
        for (target, error) in [
            ("/a b\r\nX: y", InvalidTarget::Control { at: 6 }),
            ("/a b?c d\u{7f}", InvalidTarget::Control { at: 12 }),
            ("/a b\\c", InvalidTarget::Backslash { at: 6 }),
            ("/a b#c", InvalidTarget::Fragment),
            ("/a b/../c", InvalidTarget::DotSegment),
            ("/a b%zz", InvalidTarget::Percent { at: 6 }),
        ] {
            assert_eq!(uri_at(&origin, target.to_owned()), Err(error), "{target:?}");
        }
    }

    #[test]
    fn what_the_check_asks_to_encode_is_what_encoding_encodes() {
        for character in (1..=0x7F).map(char::from) {
            for target in [format!("/a{character}"), format!("/?a{character}")] {
                if let Err(InvalidTarget::Unencoded { .. }) = check(&target) {
                    assert!(encode(&target).is_ok(), "{target:?}");
                }
            }
        }
    }
}
