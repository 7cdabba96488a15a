//! Drafts: what is sent, and one clear sentence for each mistake.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use ap_core::{Draft, Error, ErrorKind, Hint, Origin, Origins, Service};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use serde::Serialize;
use serde::ser::{Error as _, Serializer};

fn flows() -> Draft {
    Draft::get(Service::LeadConduit, "/flows")
}

fn prepare(draft: Draft) -> Request<Bytes> {
    draft.prepare(&Origins::vendor(), None).unwrap().0
}

/// Returns the path and query that are sent, or the text of the error, whose kind is always the same.
#[track_caller]
fn target(draft: Draft) -> String {
    match draft.prepare(&Origins::vendor(), None) {
        Ok((request, _)) => {
            assert_eq!(request.uri().host(), Some("app.leadconduit.com"));
            request.uri().path_and_query().unwrap().to_string()
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Request);
            assert_eq!(error.name(), "request");
            assert_eq!(error.service(), Some(Service::LeadConduit));
            assert_eq!(error.hint(), Hint::ChangeRequest);
            assert!(error.request().is_some() && error.response().is_none());
            assert!(!error.may_retry() && !error.may_have_been_applied());
            let text = error.to_string();
            assert!(
                !text.ends_with('.') && !text.contains('\n'),
                "one sentence: {text}"
            );
            text
        }
    }
}

#[test]
fn a_path_is_absolute_and_stays_at_its_origin() {
    for (path, expected) in [
        ("/flows", "/flows"),
        ("/flows?limit=1", "/flows?limit=1"),
        ("/b\u{fc}cher und mehr", "/b%C3%BCcher%20und%20mehr"),
        ("", "the path does not begin with a slash; add one"),
        ("flows", "the path does not begin with a slash; add one"),
        (
            "https://evil.example/",
            "the path does not begin with a slash; add one",
        ),
        (
            "//evil.example",
            "the path begins with two slashes, which could name another host; begin with one",
        ),
        (
            "/a/../b",
            "the path contains a . or .. segment; write the path without it",
        ),
        (
            "/a#b",
            "the path contains a fragment (#\u{2026}); leave it out, or write %23",
        ),
        (
            "/a\r\nhost: evil.example",
            "the path contains a control character at byte 2; remove it",
        ),
        (
            "/50%",
            "the path contains a % at byte 3 without two hexadecimal digits after it; write %25",
        ),
    ] {
        assert_eq!(
            target(Draft::get(Service::LeadConduit, path)),
            expected,
            "{path:?}"
        );
    }
    let long = format!("/{}", "a".repeat(7_900));
    let error = "the path and query have more than 7900 bytes; send less in the query";
    assert_eq!(target(Draft::get(Service::LeadConduit, long)), error);
}

#[test]
fn an_id_stays_one_segment() {
    for (id, expected) in [
        (
            "5fd4371e940df5a34a3888b2",
            "/flows/5fd4371e940df5a34a3888b2",
        ),
        ("a/b", "/flows/a%2Fb"),
        ("%2f", "/flows/%252f"),
        ("a?b#c", "/flows/a%3Fb%23c"),
        ("../a", "/flows/..%2Fa"),
        ("\u{fc} &", "/flows/%C3%BC%20%26"),
        ("...", "/flows/..."),
        (
            "",
            "a segment of the path is empty; check the id that it was made from",
        ),
        (
            ".",
            "the path contains a . or .. segment; write the path without it",
        ),
        (
            "..",
            "the path contains a . or .. segment; write the path without it",
        ),
        (
            "%2e%2E",
            "the path contains a . or .. segment; write the path without it",
        ),
    ] {
        assert_eq!(target(flows().path_segment(id)), expected, "{id:?}");
    }
    let both = Draft::get(Service::LeadConduit, "/flows/?a=b")
        .path_segment("1")
        .path_segment("x y");
    assert_eq!(target(both), "/flows/1/x%20y?a=b", "before the query");
    let delete = Draft::delete(Service::LeadConduit, "/flows/").path_segment("");
    assert!(target(delete).starts_with("a segment of the path is empty"));
}

#[derive(Serialize)]
struct Filter<'a> {
    name: &'a str,
    id: Vec<u8>,
    after: Option<u8>,
}

#[test]
fn a_query_is_encoded_like_a_form_and_a_value_never_leaks_into_the_next() {
    let pairs = |value| target(flows().query(&[("a", value), ("b", "2")]));
    for (value, encoded) in [
        ("1", "1"),
        ("x&b=3", "x%26b%3D3"),
        ("a+b c", "a%2Bb+c"),
        ("#", "%23"),
        ("\u{fc}\u{20ac}", "%C3%BC%E2%82%AC"),
        ("100%", "100%25"),
        ("'", "%27"),
        ("\r\n\0", "%0D%0A%00"),
        ("", ""),
    ] {
        assert_eq!(pairs(value), format!("/flows?a={encoded}&b=2"), "{value:?}");
    }
    let filter = Filter {
        name: "x",
        id: vec![1, 2],
        after: None,
    };
    assert_eq!(target(flows().query(&filter)), "/flows?name=x&id=1&id=2");
    assert_eq!(
        target(flows().query(&BTreeMap::from([("a b", 1)]))),
        "/flows?a+b=1"
    );
    assert_eq!(
        target(flows().query(&[("a", 1)]).query(&[("b", 2)])),
        "/flows?a=1&b=2"
    );
    for (path, expected) in [
        ("/f?x=1", "/f?x=1&a=1"),
        ("/f?", "/f?a=1"),
        ("/f?x&", "/f?x&a=1"),
    ] {
        let draft = Draft::get(Service::LeadConduit, path).query(&[("a", 1)]);
        assert_eq!(target(draft), expected);
    }
    let nothing: [(&str, &str); 0] = [];
    assert_eq!(target(flows().query(&nothing)), "/flows");
    let error =
        "the query parameters cannot be written as a query; use pairs, a map or a flat struct";
    assert_eq!(
        target(flows().query(&[("a", BTreeMap::from([("b", 1)]))])),
        error
    );
    assert_eq!(target(flows().query("text")), error);
}

/// A value that refuses to be written, with a text that may be secret.
struct Refusing;

impl Serialize for Refusing {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("a secret"))
    }
}

#[test]
fn a_body_is_json_or_a_form_or_bytes() {
    let request = prepare(Draft::post(Service::LeadConduit, "/flows").json(&["a"]));
    assert_eq!(request.body(), r#"["a"]"#);
    assert_eq!(request.headers()[header::CONTENT_TYPE], "application/json");
    let filter = Filter {
        name: "a&b",
        id: vec![1, 2],
        after: Some(3),
    };
    let request = prepare(Draft::put(Service::LeadConduit, "/flows").form(&filter));
    assert_eq!(request.body(), "name=a%26b&id=1&id=2&after=3");
    assert_eq!(
        request.headers()[header::CONTENT_TYPE],
        "application/x-www-form-urlencoded"
    );
    let own = flows()
        .header("Content-Type", "application/vnd.api+json")
        .json(&1);
    assert_eq!(
        prepare(own).headers()[header::CONTENT_TYPE],
        "application/vnd.api+json"
    );
    let request = prepare(flows().body("text"));
    assert_eq!(request.body(), "text");
    assert!(!request.headers().contains_key(header::CONTENT_TYPE));
    let json = "the body cannot be written as JSON";
    assert_eq!(
        target(flows().json(&BTreeMap::from([((1, 2), 3)]))),
        json,
        "keys that are no strings"
    );
    assert_eq!(target(flows().json(&Refusing)), json);
    let form = "the body cannot be written as a form";
    assert_eq!(target(flows().form(&Refusing)), form);
    assert_eq!(
        target(flows().form(&[("a", BTreeMap::from([("b", 1)]))])),
        form
    );
}

#[test]
fn a_header_is_valid_and_not_one_of_http_or_of_this_library() {
    let request = prepare(flows().header("x-a", "1").header("X-A", "2"));
    assert_eq!(
        request.headers().get_all("x-a").iter().collect::<Vec<_>>(),
        ["2"]
    );
    for (name, value, error) in [
        (
            "a b",
            "1",
            "a header's name is not valid HTTP; use letters, digits and hyphens",
        ),
        (
            "authorization: Basic WDpZ",
            "1",
            "a header's name is not valid HTTP; use letters, digits and hyphens",
        ),
        (
            "",
            "1",
            "a header's name is not valid HTTP; use letters, digits and hyphens",
        ),
        (
            "X-A",
            "1\r\nhost: evil.example",
            "the value of the header x-a contains a byte that is not printable ASCII; encode it",
        ),
        (
            "x-a",
            "caf\u{e9}",
            "the value of the header x-a contains a byte that is not printable ASCII; encode it",
        ),
        (
            "host",
            "evil.example",
            "the header host is set by this library or by HTTP itself; leave it out",
        ),
        (
            "Content-Length",
            "1",
            "the header content-length is set by this library or by HTTP itself; leave it out",
        ),
        (
            "authorization",
            "Basic WDpZ",
            "the header authorization is set by this library or by HTTP itself; leave it out",
        ),
    ] {
        assert_eq!(
            target(flows().header(name, value)),
            error,
            "{name:?} {value:?}"
        );
    }
}

#[test]
fn repeated_lines_stay_repeated_and_replace_earlier_ones() {
    let mut headers = HeaderMap::new();
    for (name, value) in [("x-a", "1"), ("x-a", "2"), ("x-b", "3")] {
        headers.append(name, HeaderValue::from_static(value));
    }
    let request = prepare(flows().header("x-a", "0").headers(headers));
    assert_eq!(
        request.headers().get_all("x-a").iter().collect::<Vec<_>>(),
        ["1", "2"]
    );
    assert_eq!(request.headers()["x-b"], "3");
}

#[test]
fn too_many_headers_are_an_error_and_no_panic() {
    let error = "the request has too many headers; leave some out";
    let name = |number: u32| HeaderName::try_from(format!("x-{number}")).unwrap();
    let one_by_one = (0..24_577).fold(flows(), |draft, number| draft.header(name(number), "1"));
    assert_eq!(target(one_by_one), error);
    let half = |from: u32| -> HeaderMap {
        let value = HeaderValue::from_static("1");
        (from..from + 13_000)
            .map(|number| (name(number), value.clone()))
            .collect()
    };
    assert_eq!(
        target(flows().headers(half(0)).headers(half(13_000))),
        error
    );
    let full = (0..24_576).fold(flows(), |draft, number| draft.header(name(number), "1"));
    assert_eq!(target(full), error, "no room for Accept");
}

#[test]
fn accept_and_user_agent_are_added_unless_the_draft_has_its_own() {
    let user_agent = HeaderValue::from_static("a program");
    let prepare = |draft: Draft| {
        draft
            .prepare(&Origins::vendor(), Some(&user_agent))
            .unwrap()
            .0
    };
    let request = prepare(flows());
    assert_eq!(request.headers()[header::ACCEPT], "application/json");
    assert_eq!(request.headers()[header::USER_AGENT], "a program");
    let request = prepare(
        flows()
            .header("accept", "text/csv")
            .header("user-agent", "own"),
    );
    assert_eq!(request.headers()[header::ACCEPT], "text/csv");
    assert_eq!(request.headers()[header::USER_AGENT], "own");
    assert_eq!(request.headers().len(), 2);
}

#[test]
fn the_first_problem_is_the_one_that_is_reported() {
    let draft = flows()
        .path_segment("")
        .query("text")
        .header("a b", "1")
        .json(&Refusing);
    assert!(target(draft).starts_with("a segment of the path is empty"));
}

#[test]
fn an_endpoint_refuses_what_it_knows_to_be_wrong_with_its_own_sentence() {
    let draft = flows().refuse("the limit is not from 1 to 1000");
    let error = draft
        .refuse("x")
        .prepare(&Origins::vendor(), None)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request);
    assert_eq!(error.to_string(), "the limit is not from 1 to 1000");
    assert!(!error.may_have_been_applied() && !error.may_retry());
}

#[test]
fn a_draft_knows_its_service_method_and_if_it_may_be_sent_twice() {
    let origin = Origin::parse_loopback("http://127.0.0.1:8080").unwrap();
    let origins = Origins::vendor()
        .with(Service::TrustedForm, origin)
        .unwrap();
    for (draft, method, is_repeatable) in [
        (Draft::get(Service::TrustedForm, "/"), Method::GET, true),
        (Draft::put(Service::TrustedForm, "/"), Method::PUT, true),
        (
            Draft::delete(Service::TrustedForm, "/"),
            Method::DELETE,
            true,
        ),
        (Draft::post(Service::TrustedForm, "/"), Method::POST, false),
        (
            Draft::post(Service::TrustedForm, "/").repeatable(),
            Method::POST,
            true,
        ),
        (
            Draft::new(Service::TrustedForm, Method::PATCH, "/"),
            Method::PATCH,
            false,
        ),
    ] {
        assert_eq!(
            (draft.service(), draft.method()),
            (Service::TrustedForm, &method)
        );
        assert!(!draft.is_unsigned() && draft.clone().unsigned().is_unsigned());
        let (request, called) = draft.prepare(&origins, None).unwrap();
        assert_eq!(request.method(), method);
        assert_eq!(request.uri(), "http://127.0.0.1:8080/");
        assert!(!request.headers().contains_key(header::AUTHORIZATION));
        assert_eq!(
            (called.service(), called.method()),
            (Service::TrustedForm, &method)
        );
        assert_eq!(called.is_repeatable(), is_repeatable);
    }
}

#[test]
fn a_request_of_the_http_crate_becomes_a_draft_if_its_origin_is_allowed() {
    let request = |url: &str| Request::post(url).header("x-a", "1").body("text").unwrap();
    let origins = Origins::vendor();
    let draft = Draft::from_http(request("https://cert.trustedform.com/a?b=c"), &origins).unwrap();
    assert_eq!(
        (draft.service(), draft.method()),
        (Service::TrustedForm, &Method::POST)
    );
    let (request, _) = draft.prepare(&origins, None).unwrap();
    assert_eq!(request.uri(), "https://cert.trustedform.com/a?b=c");
    assert_eq!(
        (request.body().as_ref(), &request.headers()["x-a"]),
        (&b"text"[..], &HeaderValue::from_static("1"))
    );
    let elsewhere = Request::get("https://evil.example/").body("").unwrap();
    assert!(Draft::from_http(elsewhere, &origins).is_err());
}

#[test]
fn an_error_names_the_origin_that_was_refused_and_neither_path_query_header_nor_body() {
    for (url, origin) in [
        (
            "https://evil.example/hidden-path?hidden=query",
            "https://evil.example",
        ),
        (
            "https://evil.example:8443/hidden?hidden",
            "https://evil.example:8443",
        ),
        ("https://evil.example?hidden", "https://evil.example"),
        ("https://[2001:db8::1]/hidden", "https://[2001:db8::1]"),
    ] {
        let request = Request::post(url)
            .header("x-a", "hidden")
            .body("hidden")
            .unwrap();
        let error = Error::from(Draft::from_http(request, &Origins::vendor()).unwrap_err());
        let first: &dyn std::error::Error = &error;
        let sources = std::iter::successors(Some(first), |error| error.source());
        let texts: String = sources.map(|error| format!("{error} {error:?}")).collect();
        assert!(
            error
                .to_string()
                .contains(&format!("{origin} is not an allowed origin")),
            "{error}"
        );
        assert!(!texts.contains("hidden"), "{texts}");
    }
}
