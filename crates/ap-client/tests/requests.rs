//! What clients send, what they refuse to send, and what the statuses of responses become.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use ap_client::{Async, Blocking, ClientBuilder, RequestBuilder, fake};
use ap_core::request::InvalidTarget;
use ap_core::{
    ApiKey, Call, Draft, Endpoint as _, Error, ErrorKind, Hint, RequestError, Response, Service,
};
use common::{PLAN, Pair, Scripted, block_on, flows, key, ring};
use http::{HeaderMap, HeaderValue, Method, Request, header};
use serde_json::json;

/// Sends a draft with clients of both modes, which must refuse it alike before anything is sent.
fn refused(draft: &Draft) -> RequestError {
    let pair = Pair::new("ab");
    let end = pair.send(draft, "");
    assert_eq!((end.result.as_str(), end.seen.len()), ("request", 0));
    let error = pair.blocking.send(draft.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request);
    assert_eq!(
        (error.hint(), error.may_retry()),
        (Hint::ChangeRequest, false)
    );
    assert!(!error.may_have_been_applied());
    assert_eq!(
        (error.service(), error.method()),
        (Some(draft.service()), Some(draft.method()))
    );
    is_one_sentence(&error);
    error.request().unwrap().clone()
}

/// One line, in lower case, without a full stop.
fn is_one_sentence(error: &Error) {
    let text = error.to_string();
    assert!(
        text.len() > 10 && !text.contains('\n') && !text.ends_with(['.', '!']),
        "{text}"
    );
    let words = text.split(' ').next().unwrap();
    assert!(
        words == "LeadConduit" || words == words.to_lowercase(),
        "{text}"
    );
}

fn get(path: &str) -> Draft {
    Draft::get(Service::LeadConduit, path)
}

#[test]
fn paths_that_cannot_be_sent_are_request_errors() {
    use InvalidTarget::{
        Backslash, Control, DotSegment, Fragment, NotAbsolute, OtherHost, Percent, TooLong,
    };
    let long = format!("/{}", "a".repeat(8_000));
    for (path, invalid) in [
        ("flows", NotAbsolute),
        ("", NotAbsolute),
        ("?a=b", NotAbsolute),
        ("https://evil.example/", NotAbsolute),
        ("@evil.example/", NotAbsolute),
        ("//evil.example/", OtherHost),
        ("/a/../b", DotSegment),
        ("/a/%2E./b", DotSegment),
        ("/a\\b", Backslash { at: 2 }),
        ("/a\nb", Control { at: 2 }),
        ("/%zz", Percent { at: 1 }),
        ("/flows#1", Fragment),
        (&long, TooLong),
    ] {
        assert_eq!(
            refused(&get(path)),
            RequestError::Target(invalid),
            "{path:.40}"
        );
        assert_eq!(
            refused(&get(path).unsigned()),
            RequestError::Target(invalid),
            "{path:.40}"
        );
    }
}

#[test]
fn an_id_that_could_change_the_path_is_a_request_error() {
    let rows = [
        ("", InvalidTarget::EmptySegment),
        (".", InvalidTarget::DotSegment),
        ("..", InvalidTarget::DotSegment),
        ("%2e%2E", InvalidTarget::DotSegment),
    ];
    for (id, invalid) in rows {
        let draft = Draft::delete(Service::LeadConduit, "/flows").path_segment(id);
        assert_eq!(refused(&draft), RequestError::Target(invalid), "{id:?}");
    }
}

#[test]
fn what_cannot_be_written_is_a_request_error() {
    let no_text = HashMap::from([(vec![1], 1)]);
    let nested = json!({ "a": { "b": 1 } });
    let header = |name: &str, value: &str| get("/").header(name, value);
    let bytes = HeaderValue::from_bytes(b"caf\xe9").unwrap();
    let name = |text: &'static str| header::HeaderName::from_static(text);
    for (draft, error) in [
        (get("/").query(&nested), RequestError::Query),
        (get("/").query(&"text"), RequestError::Query),
        (get("/").json(&no_text), RequestError::Body("JSON")),
        (get("/").form(&nested), RequestError::Body("a form")),
        (header("x y", "1"), RequestError::HeaderName),
        (header("x", "a\nb"), RequestError::HeaderValue(name("x"))),
        (
            get("/").header("x", bytes),
            RequestError::HeaderValue(name("x")),
        ),
        (
            header("authorization", "Basic WDpZ"),
            RequestError::ReservedHeader(header::AUTHORIZATION),
        ),
        (
            header("host", "evil.example"),
            RequestError::ReservedHeader(header::HOST),
        ),
        (
            Draft::new(Service::LeadConduit, Method::TRACE, "/"),
            RequestError::Method(Method::TRACE),
        ),
    ] {
        assert_eq!(refused(&draft), error);
        assert_eq!(refused(&draft.unsigned()), error);
    }
    let both = get("flows").path_segment("").query(&"text");
    let first = RequestError::Target(InvalidTarget::EmptySegment);
    assert_eq!(
        refused(&both),
        first,
        "the first problem of a setter counts"
    );
}

#[test]
fn a_url_with_a_key_is_refused_signed_or_not() {
    for path in [
        "/flows?api_key=placeholder-key-a",
        "/flows?api_key=placeholder-key-b",
        "/placeholder-key-a/x",
        "/%70laceholder-key-%61",
    ] {
        assert_eq!(refused(&get(path)), RequestError::KeyInUrl, "{path}");
        assert_eq!(
            refused(&get(path).unsigned()),
            RequestError::KeyInUrl,
            "{path}"
        );
    }
    assert_eq!(
        refused(&get("/").path_segment("placeholder-key-a")),
        RequestError::KeyInUrl
    );
    let query = [("key", "placeholder-key-b")];
    assert_eq!(refused(&get("/").query(&query)), RequestError::KeyInUrl);
}

#[test]
fn a_key_whose_characters_are_encoded_is_still_found_in_the_url() {
    let secret = "k{placeholder}|key";
    let key = || ApiKey::parse(secret).unwrap();
    let one = ClientBuilder::new().key(key());
    let pair = Pair::build(one, ClientBuilder::new().key(key()));
    for draft in [
        get(&format!("/flows?api_key={secret}")),
        get("/flows").query(&[("api_key", secret)]),
        get("/flows").path_segment(secret),
    ] {
        for draft in [draft.clone(), draft.unsigned()] {
            pair.send(&draft, "");
            let error = pair.blocking.send(draft).unwrap_err();
            assert_eq!(error.request(), Some(&RequestError::KeyInUrl));
        }
    }
}

#[derive(serde::Serialize)]
struct Filter {
    id: Vec<u8>,
    none: Option<u8>,
}

#[test]
fn paths_ids_and_queries_are_encoded() {
    let pair = Pair::new("a");
    let id = |id: &str| get("/flows").path_segment(id);
    let query = |value: &str| get("/e?x=y").query(&[("q", value)]);
    for (draft, target) in [
        (get("/lists/a b"), "/lists/a%20b"),
        (get("/caf\u{e9}?\u{e9}"), "/caf%C3%A9?%C3%A9"),
        (get("/a%20b"), "/a%20b"),
        (id("a/b"), "/flows/a%2Fb"),
        (id("%2f"), "/flows/%252f"),
        (id("a?b#c"), "/flows/a%3Fb%23c"),
        (id("m\u{fc}ller").path_segment("x"), "/flows/m%C3%BCller/x"),
        (query("a&b+c#d"), "/e?x=y&q=a%26b%2Bc%23d"),
        (
            query("m\u{fc}ller & s\u{f6}hne"),
            "/e?x=y&q=m%C3%BCller+%26+s%C3%B6hne",
        ),
        (
            get("/e").query(&Filter {
                id: vec![1, 2],
                none: None,
            }),
            "/e?id=1&id=2",
        ),
    ] {
        let end = pair.send(&draft, "a 200");
        assert_eq!(
            end.seen[0].uri,
            format!("https://app.leadconduit.com{target}")
        );
    }
}

#[test]
fn requests_have_the_headers_that_the_vendor_needs() {
    let end = Pair::new("a").send(&get("/flows?limit=1"), "a 200");
    let seen = &end.seen[0];
    assert_eq!(seen.uri, "https://app.leadconduit.com/flows?limit=1");
    assert_eq!(
        (&seen.method, seen.body.len(), seen.headers.len()),
        (&Method::GET, 0, 3)
    );
    assert_eq!(seen.headers[header::ACCEPT], "application/json");
    let agent = concat!("activeprospect-rust/", env!("CARGO_PKG_VERSION"));
    assert_eq!(seen.headers[header::USER_AGENT], agent);

    let one = ClientBuilder::new().key(key('a')).user_agent("app/1 (x)");
    let other = ClientBuilder::new().key(key('a')).user_agent("app/1 (x)");
    let pair = Pair::build(one, other);
    let draft = Draft::post(Service::SuppressionList, "/lists").json(&json!({ "a": [1, null] }));
    let end = pair.send(&draft, "a 200");
    let seen = &end.seen[0];
    assert_eq!(seen.uri, "https://app.suppressionlist.com/lists");
    assert_eq!((&seen.method, seen.headers.len()), (&Method::POST, 4));
    assert_eq!(seen.body, r#"{"a":[1,null]}"#);
    assert_eq!(seen.headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(seen.headers[header::USER_AGENT], "app/1 (x)");

    // A request's own headers count.
    let end = pair.send(
        &draft
            .header("accept", "text/csv")
            .header("user-agent", "own"),
        "a 200",
    );
    assert_eq!(end.seen[0].headers[header::ACCEPT], "text/csv");
    assert_eq!(end.seen[0].headers[header::USER_AGENT], "own");
    assert_eq!(end.seen[0].headers.len(), 4);
}

/// Uses every setter once, whatever the mode.
fn set_all<M: ap_client::Mode>(request: RequestBuilder<M>) -> RequestBuilder<M> {
    let repeated = [("x-two", "1"), ("x-two", "2")].map(|(name, value)| {
        (
            header::HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    });
    request
        .path_segment("a/b")
        .query(&[("q", "1")])
        .header("x-one", "1")
        .headers(HeaderMap::from_iter([]))
        .headers({
            let mut headers = HeaderMap::new();
            for (name, value) in repeated {
                headers.append(name, value);
            }
            headers
        })
        .form(&[("a", "b c")])
        .timeout(Duration::from_secs(5))
}

#[test]
fn a_request_builder_sets_what_a_draft_sets() {
    let script = "a 200, a 200, a 200, a 200, a 200, a 503, a 503, - 200";
    let (one, other) = (Scripted::new(script), Scripted::new(script));
    let blocking = ClientBuilder::<Blocking>::new().key(key('a'));
    let blocking = blocking.build_with(Arc::clone(&one)).unwrap();
    let polled = ClientBuilder::<Async>::new().key(key('a'));
    let polled = polled.build_with(Arc::clone(&other)).unwrap();
    let service = Service::TrustedForm;

    let response = set_all(blocking.post(service, "/x")).send();
    assert_eq!(response.unwrap().status(), 200);
    blocking.get(service, "/").send().unwrap();
    blocking.put(service, "/").body("text").send().unwrap();
    blocking.delete(service, "/").send().unwrap();
    blocking
        .request(Method::PATCH, service, "/")
        .json(&1)
        .send()
        .unwrap();
    let failed = |response: Response| response.error_for_status().unwrap_err();
    assert!(!failed(blocking.post(service, "/").send().unwrap()).may_retry());
    assert!(failed(blocking.post(service, "/").repeatable().send().unwrap()).may_retry());
    let draft = blocking.get(service, "/").unsigned().into_draft();
    blocking.send(draft).unwrap();

    block_on(set_all(polled.post(service, "/x")).send()).unwrap();
    block_on(polled.get(service, "/").send()).unwrap();
    block_on(polled.put(service, "/").body("text").send()).unwrap();
    block_on(polled.delete(service, "/").send()).unwrap();
    block_on(polled.request(Method::PATCH, service, "/").json(&1).send()).unwrap();
    assert!(!failed(block_on(polled.post(service, "/").send()).unwrap()).may_retry());
    let repeatable = polled.post(service, "/").repeatable();
    assert!(failed(block_on(repeatable.send()).unwrap()).may_retry());
    block_on(polled.send(polled.get(service, "/").unsigned().into_draft())).unwrap();

    let seen = one.finish();
    assert_eq!(seen, other.finish());
    let first = &seen[0];
    assert_eq!(first.uri, "https://cert.trustedform.com/x/a%2Fb?q=1");
    assert_eq!(first.headers["x-one"], "1");
    assert_eq!(first.headers.get_all("x-two").iter().count(), 2);
    assert_eq!(
        first.headers[header::CONTENT_TYPE],
        "application/x-www-form-urlencoded"
    );
    assert_eq!(first.body, "a=b+c");
    assert_eq!(first.remaining, Some(Duration::from_secs(5)));
    assert_eq!(seen[2].body, "text");
    assert_eq!(seen[4].headers[header::CONTENT_TYPE], "application/json");
    let methods: Vec<_> = seen.iter().map(|seen| seen.method.as_str()).collect();
    assert_eq!(
        methods,
        [
            "POST", "GET", "PUT", "DELETE", "PATCH", "POST", "POST", "GET"
        ]
    );
}

/// What a caller can ask of an error.
fn describe(error: &Error) -> String {
    is_one_sentence(error);
    let facts = [
        ("auth", error.is_auth()),
        ("not found", error.is_not_found()),
        ("rate limited", error.is_rate_limited()),
        ("timeout", error.is_timeout()),
        ("connect", error.is_connect()),
        ("may be applied", error.may_have_been_applied()),
        ("may retry", error.may_retry()),
    ];
    let mut words: Vec<_> = facts
        .iter()
        .filter(|(_, is)| *is)
        .map(|(word, _)| *word)
        .collect();
    words.insert(0, error.name());
    assert!(error.response().is_some() && error.source().is_none());
    let wait = error
        .retry_after()
        .map(|time| format!(" after {} s", time.as_secs()));
    format!(
        "{} -> {:?}{}",
        words.join(", "),
        error.hint(),
        wait.unwrap_or_default()
    )
}

#[test]
fn an_error_status_is_a_response_until_it_is_asked_for() {
    for row in [
        "GET 401       = status -> CheckPlan",
        "GET 403       = status -> CheckPlan",
        "GET 404       = status, not found -> CheckPath",
        "GET 410       = status, not found -> CheckPath",
        "GET 429       = status, rate limited, may retry -> Wait(None)",
        "GET 429 120   = status, rate limited, may retry -> Wait(Some(120s)) after 120 s",
        "POST 429 120  = status, rate limited, may retry -> Wait(Some(120s)) after 120 s",
        "GET 503 7     = status, may be applied, may retry -> Wait(Some(7s)) after 7 s",
        "POST 503 7    = status, may be applied -> CheckBeforeRetry after 7 s",
        "POST 422      = status -> ChangeRequest",
        "GET 302       = status, may be applied -> ChangeRequest",
    ] {
        let (request, expected) = row.split_once('=').unwrap();
        let words: Vec<_> = request.split_whitespace().collect();
        let answer = || {
            let response = http::Response::builder().status(words[1]);
            let response = match words.get(2) {
                Some(seconds) => response.header("retry-after", *seconds),
                None => response,
            };
            response.body(PLAN).unwrap()
        };
        let answers =
            |response: http::Response<&'static str>| move |_: &Request<_>| response.clone();
        let method: Method = words[0].parse().unwrap();
        let call: Call<u32> = Call::new(Draft::new(Service::LeadConduit, method, "/x"));

        let client = ClientBuilder::<Blocking>::new().key(key('a'));
        let client = client.build_with(fake(answers(answer()))).unwrap();
        let response = client.send(call.draft()).unwrap();
        let other = ClientBuilder::<Async>::new().key(key('a'));
        let other = other.build_with(fake(answers(answer()))).unwrap();
        let same = block_on(other.send(call.draft())).unwrap();
        for response in [&response, &same] {
            assert_eq!(response.status().as_str(), words[1], "{row}");
        }
        for error in [
            response.error_for_status().unwrap_err(),
            same.error_for_status().unwrap_err(),
            client.call(&call).unwrap_err(),
            block_on(other.call(&call)).unwrap_err(),
        ] {
            assert_eq!(describe(&error), expected.trim(), "{row}");
            let status = error.status().unwrap();
            assert_eq!(error.kind(), ErrorKind::Status(status));
            assert_eq!(error.to_string(), format!("LeadConduit answered {status}"));
        }
    }
}

#[test]
fn a_rejected_key_is_an_error_with_its_response() {
    for draft in [flows(), Draft::post(Service::LeadConduit, "/flows")] {
        let client = ClientBuilder::<Blocking>::new().key(key('a'));
        let client = client.build_with(fake(|_| (401, common::BAD))).unwrap();
        let error = client.send(draft).unwrap_err();
        assert_eq!(
            describe(&error),
            "auth, auth -> CheckKeyOrLogIn(LeadConduit)"
        );
        assert_eq!(error.response().unwrap().text().unwrap(), common::BAD);
        let rejected = &error.rejected_keys()[0];
        assert_eq!(
            rejected.unauthorized().message(),
            Some("authentication failed")
        );
    }
}

#[test]
fn json_that_does_not_fit_is_a_decode_error() {
    for (body, text) in [
        (
            r#"["a"]"#,
            "the response is not of the expected form (line 1, column 4)",
        ),
        ("[1,\n2", "the response ends early (line 2, column 1)"),
        ("", "the response ends early (line 1, column 0)"),
        ("<html>", "the response is not JSON (line 1, column 1)"),
    ] {
        let call: Call<Vec<u32>> = Call::new(flows());
        let client = ClientBuilder::<Blocking>::new().key(key('a'));
        let error = client.build_with(fake(move |_| (200, body))).unwrap();
        let error = error.call(&call).unwrap_err();
        let client = ClientBuilder::<Async>::new().key(key('a'));
        let other = client.build_with(fake(move |_| (200, body))).unwrap();
        for error in [error, block_on(other.call(&call)).unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::Decode);
            assert_eq!(error.to_string(), text);
            assert_eq!(describe(&error), "decode, may be applied -> Update");
            assert_eq!(error.response().unwrap().bytes(), body);
        }
    }
}

#[test]
fn a_default_header_goes_to_its_service_unless_a_request_has_its_own() {
    let transport = Scripted::new("");
    let client = ClientBuilder::<Blocking>::new()
        .keys(ring("a"))
        .default_header(Service::TrustedForm, "api-version", "2.0")
        .default_header(Service::TrustedForm, "api-version", "3.0")
        .default_header(Service::SuppressionList, "x-other", "1")
        .build_with(Arc::clone(&transport))
        .unwrap();
    let other = ClientBuilder::<Async>::new()
        .keys(ring("a"))
        .default_header(Service::TrustedForm, "api-version", "3.0")
        .build_with(Arc::clone(&transport))
        .unwrap();
    let version = |send: &dyn Fn()| {
        transport.expect("a 200");
        send();
        let seen = transport.finish().remove(0);
        let values = seen.headers.get_all("api-version").iter();
        values
            .map(|value| value.to_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let get = |service| client.get(service, "/");
    assert_eq!(version(&|| drop(get(Service::TrustedForm).send())), ["3.0"]);
    assert_eq!(
        version(&|| drop(client.send(Draft::get(Service::TrustedForm, "/")))),
        ["3.0"]
    );
    let polled = || drop(block_on(other.get(Service::TrustedForm, "/").send()));
    assert_eq!(version(&polled), ["3.0"]);
    let own = || {
        let request = get(Service::TrustedForm).header("Api-Version", "4.0");
        drop(request.send());
    };
    assert_eq!(version(&own), ["4.0"]);
    for service in [
        Service::TrustedFormApp,
        Service::LeadConduit,
        Service::SuppressionList,
    ] {
        assert_eq!(version(&|| drop(get(service).send())), [""; 0]);
    }
}

#[test]
fn a_default_header_that_cannot_be_sent_is_an_error_of_the_builder() {
    for (name, value, expected) in [
        (
            "a b",
            "1",
            "a default header cannot be sent: a header's name is not valid HTTP; use letters, digits and hyphens",
        ),
        (
            "x-a",
            "a\nb",
            "a default header cannot be sent: the value of the header x-a contains a byte that is not printable ASCII; \
                encode it",
        ),
        (
            "authorization",
            "placeholder",
            "a default header cannot be sent: the header authorization is set by this library or by HTTP itself; leave \
                it out",
        ),
        (
            "x-a",
            "ä",
            "a default header cannot be sent: the value of the header x-a contains a byte that is not printable ASCII; \
                encode it",
        ),
    ] {
        let client =
            ClientBuilder::<Blocking>::new().default_header(Service::TrustedForm, name, value);
        let error = client.build_with(Scripted::new("")).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::Build, expected)
        );
    }
}
