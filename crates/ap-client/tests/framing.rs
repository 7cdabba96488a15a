//! The rules that transports share: the head of a response, the framing of a request, and their settings.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::error::Error as _;
use std::time::Duration;

use ap_client::transport::{
    Proxy, TransportConfig, TransportErrorKind, announces_empty_body, body_capacity, check_head,
    check_plain_http, host, wire_headers,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, Version, header, response};
use proptest::prelude::*;

/// Reads `1.1 200 name: value; name: value`.
fn head(text: &str) -> response::Parts {
    let (version, rest) = text.split_once(' ').unwrap();
    let (status, headers) = rest.split_once(' ').unwrap_or((rest, ""));
    let version = if version == "1.0" {
        Version::HTTP_10
    } else {
        Version::HTTP_11
    };
    let mut response = Response::builder().version(version).status(status);
    for line in headers.split(';').filter(|line| !line.trim().is_empty()) {
        let (name, value) = line.split_once(':').unwrap();
        response = response.header(name.trim(), value.trim());
    }
    response.body(()).unwrap().into_parts().0
}

#[test]
fn a_head_is_checked_before_the_body_is_read() {
    let config = TransportConfig::new()
        .max_body_size(9)
        .max_header_size(60)
        .max_headers(3);
    for row in [
        "GET  1.1 200 content-length: 2                              = ok",
        "GET  1.0 200 content-length: 2                              = ok",
        "GET  1.1 200 content-length: 9                              = ok",
        "GET  1.1 200 content-length: 10                             = too_large",
        "HEAD 1.1 200 content-length: 10                             = ok",
        "GET  1.1 200 content-length: 2; content-length: 2           = ok",
        "GET  1.1 200 content-length: 2; content-length: 3           = malformed",
        "GET  1.1 200 content-length: 2; content-length: 02          = malformed",
        "GET  1.1 200 content-length: +2                             = malformed",
        "GET  1.1 200 content-length: -2                             = malformed",
        "GET  1.1 200 content-length: 2, 2                           = malformed",
        "GET  1.1 200 content-length: 0x2                            = malformed",
        "GET  1.1 200 content-length:                                = malformed",
        "GET  1.1 200 content-length: 99999999999999999999           = malformed",
        "GET  1.1 200 transfer-encoding: chunked                     = ok",
        "GET  1.1 200 transfer-encoding: Chunked                     = ok",
        "GET  1.0 200 transfer-encoding: chunked                     = malformed",
        "GET  1.1 200 transfer-encoding: gzip, chunked               = malformed",
        "GET  1.1 200 transfer-encoding: identity                    = malformed",
        "GET  1.1 200 transfer-encoding: chunked; content-length: 2  = malformed",
        "GET  1.1 200 transfer-encoding: x; transfer-encoding: chunked = malformed",
        "GET  1.1 200                                                = truncated",
        "GET  1.1 500 x: y                                           = truncated",
        "HEAD 1.1 200                                                = ok",
        "GET  1.1 204                                                = ok",
        "GET  1.1 304                                                = ok",
        "GET  1.1 304 content-length: 9                              = ok",
        "GET  1.1 199 content-length: 0                              = malformed",
        "GET  1.1 599 content-length: 0                              = ok",
        "GET  1.1 600 content-length: 0                              = malformed",
        "GET  1.1 200 content-length: 0; x: 1; x: 2                  = ok",
        "GET  1.1 200 content-length: 0; x: 1; x: 2; x: 3            = too_large",
        "GET  1.1 200 content-length: 0; x: 345678901234567890123456789012345678 = ok",
        "GET  1.1 200 content-length: 0; x: 3456789012345678901234567890123456789 = too_large",
    ] {
        let (request, expected) = row.rsplit_once('=').unwrap();
        let (method, response) = request.split_once(' ').unwrap();
        let checked = check_head(&config, &method.parse().unwrap(), &head(response.trim()));
        let name = checked.map_or_else(|error| error.kind().name(), |()| "ok");
        assert_eq!(name, expected.trim(), "{row}");
    }
}

#[test]
fn a_request_gets_its_host_and_the_length_of_an_empty_body() {
    for row in [
        "GET    http://127.0.0.1:8080/x         = host: 127.0.0.1:8080",
        "GET    https://app.leadconduit.com/    = host: app.leadconduit.com",
        "GET    https://app.leadconduit.com:443 = host: app.leadconduit.com",
        "GET    http://127.0.0.1:80/            = host: 127.0.0.1",
        "GET    http://127.0.0.1:443/           = host: 127.0.0.1:443",
        "GET    http://[::1]:8080/              = host: [::1]:8080",
        "POST   http://127.0.0.1:1/             = host: 127.0.0.1:1, content-length: 0",
        "PUT    http://127.0.0.1:1/             = host: 127.0.0.1:1, content-length: 0",
        "PATCH  http://127.0.0.1:1/             = host: 127.0.0.1:1, content-length: 0",
        "DELETE http://127.0.0.1:1/             = host: 127.0.0.1:1",
        "GET    http://a@127.0.0.1:1/           = ",
    ] {
        let (request, expected) = row.split_once('=').unwrap();
        let (method, url) = request.split_once(' ').unwrap();
        let request = Request::builder().method(method).uri(url.trim());
        let request = request.body(Bytes::new()).unwrap();
        let headers = wire_headers(&request, host(request.uri()));
        let lines: Vec<_> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        assert_eq!(lines.join(", "), expected.trim(), "{row}");
        let has_length = headers.contains_key(header::CONTENT_LENGTH);
        assert_eq!(announces_empty_body(request.method()), has_length);
    }
    assert_eq!(host(&"/flows".parse().unwrap()), None);
}

#[test]
fn a_requests_own_headers_stay_as_they_are() {
    let request = Request::post("http://127.0.0.1:1/")
        .header("x", "1")
        .header("host", "own.example")
        .header("x", "2")
        .body(Bytes::from_static(b"text"))
        .unwrap();
    let headers = wire_headers(&request, host(request.uri()));
    let mut expected = HeaderMap::new();
    expected.append("host", HeaderValue::from_static("own.example"));
    expected.append("x", HeaderValue::from_static("1"));
    expected.append("x", HeaderValue::from_static("2"));
    assert_eq!(headers, expected);
    assert_eq!(headers.keys().next(), Some(&header::HOST));
}

#[test]
fn memory_for_a_body_is_not_taken_on_trust() {
    for (announced, capacity) in [
        (None, 0),
        (Some(0), 0),
        (Some(300), 300),
        (Some(1_048_576), 1_048_576),
        (Some(1_048_577), 1_048_576),
        (Some(u64::MAX), 1_048_576),
    ] {
        assert_eq!(body_capacity(announced), capacity);
    }
}

#[test]
fn plain_http_is_sent_to_loopback_alone() {
    for (url, is_allowed) in [
        ("https://app.leadconduit.com/", true),
        ("http://127.0.0.1:1/", true),
        ("http://[::1]/", true),
        ("http://localhost/", true),
        ("http://192.0.2.1/", false),
        ("http://app.leadconduit.com/", false),
        ("http://localhost.evil.example/", false),
        ("/flows", false),
    ] {
        let checked = check_plain_http(&url.parse().unwrap());
        assert_eq!(checked.is_ok(), is_allowed, "{url}");
        if let Err(error) = checked {
            assert_eq!(error.kind(), TransportErrorKind::Unsendable);
            assert_eq!(
                error.source().unwrap().to_string(),
                "plain http is only sent to loopback"
            );
        }
    }
}

#[test]
fn settings_have_the_documented_defaults_and_limits() {
    let config = TransportConfig::default();
    assert_eq!(config.connect_timeout, Duration::from_secs(10));
    assert_eq!(
        (config.max_body_size, config.max_header_size),
        (64 << 20, 64 << 10)
    );
    assert_eq!((config.max_headers, config.mozilla_roots), (100, true));
    assert!(config.root_pems.is_empty() && config.proxy.is_none());
    let endless = config.connect_timeout(Duration::MAX);
    assert_eq!(
        endless.bounded_connect_timeout(),
        Duration::from_secs(365 * 24 * 60 * 60)
    );
    assert_eq!(endless.root_certificates().unwrap().len(), 0);
}

#[test]
fn a_proxy_has_an_origin_and_perhaps_a_password() {
    let proxy = Proxy::parse("http://PROXY.example:3128").unwrap();
    assert_eq!(proxy.origin().as_str(), "http://proxy.example:3128");
    assert_eq!(
        (proxy.authorization(), proxy.user_and_password()),
        (None, None)
    );
    let proxy = proxy.with_password("user", "p:a:s:s");
    assert_eq!(proxy.authorization().unwrap(), "Basic dXNlcjpwOmE6czpz");
    assert!(proxy.authorization().unwrap().is_sensitive());
    let pair = ("user".to_owned(), "p:a:s:s".to_owned());
    assert_eq!(proxy.user_and_password(), Some(pair));
    for url in [
        "socks5://proxy.example:1080",
        "proxy.example",
        "http://a:b@proxy.example",
    ] {
        assert!(Proxy::parse(url).is_err(), "{url}");
    }
}

#[test]
fn a_proxy_may_come_with_its_password_in_one_text() {
    let pair = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
    for (url, expected) in [
        ("http://proxy.example:3128", None),
        ("http://user:pass@proxy.example:3128", pair("user", "pass")),
        ("http://user@proxy.example:3128", pair("user", "")),
        (
            "http://user:p%40ss:w@proxy.example:3128",
            pair("user", "p@ss:w"),
        ),
        ("http://user:p@ss@proxy.example:3128", pair("user", "p@ss")),
    ] {
        let proxy = Proxy::parse_with_password(url).unwrap();
        assert_eq!(proxy.origin().as_str(), "http://proxy.example:3128");
        assert_eq!(proxy.user_and_password(), expected, "{url}");
    }
    for url in [
        "proxy.example",
        "socks5://user:secret@proxy.example",
        "http://%ff:secret@proxy.example",
    ] {
        let error = Proxy::parse_with_password(url).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{url}: {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_proxy_or_an_error_and_no_password_is_lost(
        text in any::<String>(), host in "[a-z]{1,9}", password in "[ -~]{0,30}",
    ) {
        for text in [text, format!("http://{host}")] {
            let _ = Proxy::parse_with_password(&text);
            if let Ok(proxy) = Proxy::parse(&text) {
                let proxy = proxy.with_password("user", &password);
                let pair = ("user".to_owned(), password.clone());
                prop_assert_eq!(proxy.user_and_password(), Some(pair.clone()));
                let url = proxy.url_with_password();
                let read = Proxy::parse_with_password(&url).unwrap();
                prop_assert_eq!(read.user_and_password(), Some(pair));
                prop_assert_eq!(read.origin(), proxy.origin());
            }
        }
    }
}
