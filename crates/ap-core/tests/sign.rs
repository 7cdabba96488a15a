//! What a signature by itself refuses, and what it leaves to `check`.
#![allow(clippy::unwrap_used)]

use ap_core::{
    ApiKey, Credentials, InvalidTarget, Origins, RequestError, Service, basic, check, sign,
};
use http::{HeaderName, HeaderValue, Method, Request, header};

fn credentials() -> Credentials {
    Credentials::new(ApiKey::parse("placeholder-key").unwrap())
}

fn request(url: &str) -> Request<()> {
    let request = Request::get(url).header("accept", "application/json");
    request.body(()).unwrap()
}

fn with_header(name: HeaderName, value: HeaderValue) -> Request<()> {
    let mut request = request("https://app.leadconduit.com/flows");
    request.headers_mut().append(name, value);
    request
}

fn with_method(method: Method) -> Request<()> {
    let mut request = request("https://app.leadconduit.com/flows");
    *request.method_mut() = method;
    request
}

#[test]
fn a_key_that_would_reach_somebody_else_is_not_put_on() {
    let reserved = RequestError::ReservedHeader;
    let other_host = || RequestError::Target(InvalidTarget::OtherHost);
    let host = HeaderValue::from_static("evil.example");
    let mut two_lines = with_header(header::AUTHORIZATION, credentials().authorization().clone());
    two_lines
        .headers_mut()
        .append(header::AUTHORIZATION, basic(b"X", b"placeholder-key"));
    let rows = [
        (
            request("https://app.leadconduit.com//evil.example/"),
            other_host(),
        ),
        (
            request("https://app.leadconduit.com/\\evil.example/"),
            other_host(),
        ),
        (with_header(header::HOST, host), reserved(header::HOST)),
        (
            with_header(header::AUTHORIZATION, basic(b"API", b"placeholder-key")),
            reserved(header::AUTHORIZATION),
        ),
        (two_lines, reserved(header::AUTHORIZATION)),
        (
            with_method(Method::TRACE),
            RequestError::Method(Method::TRACE),
        ),
        (
            with_method(Method::CONNECT),
            RequestError::Method(Method::CONNECT),
        ),
    ];
    for (mut request, error) in rows {
        let before = request.headers().clone();
        let (credentials, origins) = (credentials(), Origins::vendor());
        assert_eq!(
            check(&request, &credentials, &origins),
            Err(error.clone()),
            "{request:?}"
        );
        assert_eq!(sign(&mut request, &credentials, &origins), Err(error));
        assert_eq!(request.headers(), &before, "a refused request is unchanged");
    }
}

#[test]
fn what_spoils_only_the_request_is_left_to_check() {
    for url in [
        "https://app.leadconduit.com/a/../b",
        "https://app.leadconduit.com/?key=placeholder-key",
    ] {
        let mut request = request(url);
        let (credentials, origins) = (credentials(), Origins::vendor());
        assert!(check(&request, &credentials, &origins).is_err());
        assert_eq!(
            sign(&mut request, &credentials, &origins),
            Ok(Service::LeadConduit)
        );
    }
}

#[test]
fn a_request_is_signed_again_in_one_line() {
    let (credentials, origins) = (credentials(), Origins::vendor());
    let mut request = request("https://app.leadconduit.com/flows");
    request
        .headers_mut()
        .append("x-many", HeaderValue::from_static("1"));
    for _ in 0..3 {
        assert!(check(&request, &credentials, &origins).is_ok());
        sign(&mut request, &credentials, &origins).unwrap();
        let lines = request.headers().get_all(header::AUTHORIZATION);
        assert_eq!(lines.iter().count(), 1);
        // From the second time on, the map has lines of one name beside it.
        request
            .headers_mut()
            .append("x-many", HeaderValue::from_static("2"));
    }
}
