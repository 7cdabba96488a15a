//! [`KeyFilter`]: keeps API keys out of the answers that programs get.

use std::sync::{Arc, Mutex, PoisonError};

use ap_client::ap_core::Credentials;
use ap_client::ap_core::redact::is_api_key_name;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, response};
use memchr::memchr2_iter;

use crate::api_key_members::{self, MARK};
use crate::refusal::Refusal;
use crate::secret::Secret;

/// What says how a body was, and is no longer true of a changed one.
static OF_THE_BODY: [HeaderName; 5] = [
    header::CONTENT_LENGTH,
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];

/// The usual media types, which need no search for their charset.
const USUAL_MEDIA_TYPES: [&[u8]; 2] = [b"application/json", b"application/json; charset=utf-8"];

/// The charsets in which every byte of ASCII means itself, by how their names begin.
const SEARCHABLE_CHARSETS: [&str; 5] = ["utf-8", "utf8", "us-ascii", "iso-8859-", "windows-"];

/// Keeps API keys out of the answers that programs get: those of the account by their text, and others, such as the new
/// one during a reset, by the names of JSON members.
#[derive(Default)]
pub(crate) struct KeyFilter {
    known: Mutex<Known>,
}

/// The account's keys when they were last looked at, and how they are found.
#[derive(Default)]
struct Known {
    credentials: Arc<[Credentials]>,
    secrets: Arc<[Secret]>,
}

impl KeyFilter {
    /// Returns the body that a program gets.
    ///
    /// A key that is the value of a member or a header is replaced, because the rest of such an answer is of use: a user, an
    /// account, a page of changes. An answer with a key of the account anywhere else is refused, and so is one that
    /// cannot be searched.
    pub(crate) fn filter(
        &self,
        credentials: Arc<[Credentials]>,
        head: &mut response::Parts,
        mut body: Bytes,
    ) -> Result<Bytes, Refusal> {
        if !body.is_empty() {
            if !is_searchable(head.status, &head.headers) {
                return Err(Refusal::unsearchable());
            }
            if is_json(&head.headers, &body)
                && let Some(redacted) = api_key_members::redact(&body)
            {
                // A body counts against a limit of the transport's for as long as it is kept: until the answer is written.
                head.extensions
                    .insert(std::mem::replace(&mut body, redacted));
                for name in &OF_THE_BODY {
                    head.headers.remove(name);
                }
            }
        }
        let secrets = self.secrets(credentials);
        let is_in = |text: &[u8]| secrets.iter().any(|secret| secret.is_in(text));
        let is_in_json = |text: &[u8]| secrets.iter().any(|secret| secret.is_in_json(text));
        if is_in(&body) || is_in_json(&body) {
            return Err(Refusal::withheld());
        }
        for (name, value) in &mut head.headers {
            let name = name.as_str().as_bytes();
            if is_api_key_name(name) {
                *value = HeaderValue::from_static(MARK);
            }
            if is_in(name) || is_in(value.as_bytes()) {
                return Err(Refusal::withheld());
            }
        }
        Ok(body)
    }

    fn secrets(&self, credentials: Arc<[Credentials]>) -> Arc<[Secret]> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&known.credentials, &credentials) {
            let keys = credentials.iter().map(|one| one.key().expose().as_bytes());
            known.secrets = keys.map(Secret::new).collect();
            known.credentials = credentials;
        }
        Arc::clone(&known.secrets)
    }
}

/// Returns `true` if a key in the body would be found: the body is whole, and not compressed.
fn is_searchable(status: StatusCode, headers: &HeaderMap) -> bool {
    let is_part = matches!(status, StatusCode::PARTIAL_CONTENT | StatusCode::IM_USED);
    !is_part
        && headers.iter().all(|(name, value)| {
            let value = value.as_bytes();
            if *name == header::CONTENT_TYPE {
                USUAL_MEDIA_TYPES.contains(&value) || has_searchable_charset(value)
            } else if *name == header::CONTENT_ENCODING {
                is_identity(value)
            } else {
                *name != header::CONTENT_RANGE
            }
        })
}

/// Returns `true` if a list of content codings names none that changes the body.
fn is_identity(codings: &[u8]) -> bool {
    codings
        .split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .all(|coding| coding.is_empty() || coding.eq_ignore_ascii_case(b"identity"))
}

fn has_searchable_charset(media_type: &[u8]) -> bool {
    ends_of(b"charset", media_type).all(|end| {
        let charset = media_type.get(end..).unwrap_or_default();
        let is_before = |byte: &u8| matches!(byte, b' ' | b'\t' | b'=' | b'"' | b'\'');
        let start = charset.iter().position(|byte| !is_before(byte));
        let charset = start.and_then(|start| charset.get(start..));
        let charset = charset.unwrap_or_default();
        SEARCHABLE_CHARSETS
            .iter()
            .any(|known| starts_with(charset, known.as_bytes()))
    })
}

/// Returns `true` if a body is JSON, or JSON for a script, by its first byte or its media type.
fn is_json(headers: &HeaderMap, body: &[u8]) -> bool {
    let start = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if let Some(b'{' | b'[') = start.trim_ascii_start().first() {
        return true;
    }
    let media_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let media_type = media_type.unwrap_or_default();
    [&b"json"[..], b"javascript"]
        .iter()
        .any(|name| ends_of(name, media_type).next().is_some())
}

/// Returns where a word ends that a text contains, in upper or lower case. It has letters only.
fn ends_of<'a>(word: &'a [u8], text: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let first = word.first().copied().unwrap_or_default();
    memchr2_iter(first, first.to_ascii_uppercase(), text)
        .filter(|at| starts_with(text.get(*at..).unwrap_or_default(), word))
        .map(|at| at + word.len())
}

/// Returns `true` if a text starts with a word, in upper or lower case.
fn starts_with(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use ap_client::ap_core::{ApiKey, KeyRing};

    use super::*;

    #[test]
    fn a_key_that_replaced_another_one_is_looked_for() {
        let filter = KeyFilter::default();
        let ring = KeyRing::from_key(ApiKey::parse("placeholder-old-key").unwrap());
        let is_withheld = |key: &str| {
            let (mut head, ()) = http::Response::new(()).into_parts();
            let body = format!("your key is {key}").into();
            filter.filter(ring.credentials(), &mut head, body).is_err()
        };
        assert!(is_withheld("placeholder-old-key") && !is_withheld("placeholder-new-key"));
        let new = ApiKey::parse("placeholder-new-key").unwrap();
        ring.replace(vec![new]).unwrap();
        assert!(is_withheld("placeholder-new-key"));
    }

    #[test]
    fn an_answer_that_cannot_be_searched_is_known_by_its_head() {
        for (status, name, value, expected) in [
            (200, "content-type", "application/json", true),
            (200, "content-type", "application/json; charset=utf-8", true),
            (200, "content-type", "text/plain; charset=\"UTF-8\"", true),
            (200, "content-type", "text/csv;charset=ISO-8859-1", true),
            (200, "content-type", "text/plain; charset=utf-16le", false),
            (
                200,
                "content-type",
                "text/plain; Charset = \"UTF-7\"",
                false,
            ),
            (200, "content-encoding", "identity", true),
            (200, "content-encoding", "", true),
            (200, "content-encoding", "gzip", false),
            (200, "content-encoding", "identity, br", false),
            (200, "content-range", "bytes 0-1/3", false),
            (206, "x", "y", false),
            (226, "x", "y", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(
                is_searchable(status, &headers),
                expected,
                "{status} {name}: {value}"
            );
        }
    }
}
