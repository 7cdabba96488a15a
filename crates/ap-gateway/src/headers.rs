//! Which headers pass, in both directions.

use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, HeaderMap,
    HeaderName, IF_RANGE, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, RANGE, SET_COOKIE, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};

/// What belongs to one connection (RFC 9110 section 7.6.1).
static HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// What the gateway sets itself, also as some servers spell it; cookies, which belong to a session that the key began; and
/// what asks for an answer that is compressed, cut or in another charset, in which a key would not be found.
static OURS_OF_REQUEST: [HeaderName; 12] = [
    HOST,
    AUTHORIZATION,
    CONTENT_LENGTH,
    HeaderName::from_static("content_length"),
    HeaderName::from_static("transfer_encoding"),
    EXPECT,
    COOKIE,
    ACCEPT_ENCODING,
    HeaderName::from_static("accept-charset"),
    HeaderName::from_static("a-im"),
    RANGE,
    IF_RANGE,
];

/// Removes from a request what is not the client's to send to a product.
pub(crate) fn clean_request(headers: &mut HeaderMap) {
    remove(headers, |name| OURS_OF_REQUEST.contains(name));
}

/// Removes from an answer what is not the product's to send to a program. `keeps_length` is for answers with a body, and for
/// those to `HEAD`, which have a length without one.
pub(crate) fn clean_answer(headers: &mut HeaderMap, keeps_length: bool) {
    remove(headers, |name| {
        *name == SET_COOKIE || (*name == CONTENT_LENGTH && !keeps_length)
    });
    // If a header is there several times, it may be the length. Then all its values are the same.
    if keeps_length
        && headers.len() > headers.keys_len()
        && let Some(length) = headers.remove(CONTENT_LENGTH)
    {
        headers.insert(CONTENT_LENGTH, length);
    }
}

/// Removes what belongs to one connection, and other headers. Few of them are there, so it looks at those that are.
fn remove(headers: &mut HeaderMap, is_removed: impl Fn(&HeaderName) -> bool) {
    let is_removed = |name: &&HeaderName| HOP_BY_HOP.contains(name) || is_removed(name);
    while let Some(name) = headers.keys().find(is_removed).cloned() {
        if name == CONNECTION {
            remove_named(headers);
        }
        headers.remove(name);
    }
}

/// Removes the headers that `Connection` names.
fn remove_named(headers: &mut HeaderMap) {
    let lines = headers.get_all(CONNECTION).iter();
    let named: Vec<_> = lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;

    fn map(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn nothing_asks_for_an_answer_in_which_a_key_would_not_be_found() {
        let mut headers = map(&[
            ("accept-encoding", "gzip"),
            ("accept-charset", "utf-16"),
            ("a-im", "feed"),
            ("range", "bytes=0-9"),
            ("if-range", "x"),
            ("accept", "application/json"),
        ]);
        clean_request(&mut headers);
        assert_eq!(headers, map(&[("accept", "application/json")]));
    }

    #[test]
    fn what_belongs_to_a_connection_does_not_pass() {
        let mut headers = map(&[
            ("connection", "close, x-mine"),
            ("connection", " X-Other ,,"),
            ("x-mine", "1"),
            ("x-other", "1"),
            ("x-kept", "1"),
            ("x-kept", "2"),
            ("te", "trailers"),
            ("cookie", "a=b"),
            ("authorization", "Basic eA=="),
            ("content-length", "1"),
            ("host", "localhost"),
        ]);
        clean_request(&mut headers);
        assert_eq!(headers, map(&[("x-kept", "1"), ("x-kept", "2")]));
        let mut headers = map(&[
            ("set-cookie", "a=b"),
            ("content-length", "7"),
            ("etag", "x"),
        ]);
        clean_answer(&mut headers, true);
        assert_eq!(headers, map(&[("content-length", "7"), ("etag", "x")]));
        clean_answer(&mut headers, false);
        assert_eq!(headers, map(&[("etag", "x")]));
    }
}
