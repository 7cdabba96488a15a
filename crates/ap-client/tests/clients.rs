//! The two clients over one transport by script: they take the same steps.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ap_core::{
    Account, Advice, Answer, ApiKey, AsyncClient, AsyncTransport, Attempt, Blame, BuildError,
    CallError, Client, Connect, Credentials, Deadline, ErrorKind, InvalidTarget, KeyRing, Moment,
    NeedKey, Origin, Origins, Product, RequestError, Service, Settings, Step, Transport,
    TransportError, Unauthorized, Why,
};
use bytes::Bytes;
use common::Reply::{After, Answer as Reply, Fail};
use common::{BAD, Scripted, Seen, block_on, key, ring};
use http::{Method, Request, Response, StatusCode, header};

fn authorization(letter: char) -> String {
    Credentials::new(key(letter))
        .authorization()
        .to_str()
        .unwrap()
        .to_owned()
}

fn blocking(letters: &str, replies: &[common::Reply]) -> Client<Scripted> {
    Client::builder()
        .keys(ring(letters))
        .build_with(Scripted::new(replies))
        .unwrap()
}

fn polled(letters: &str, replies: &[common::Reply]) -> AsyncClient<Scripted> {
    AsyncClient::builder()
        .keys(ring(letters))
        .build_with(Scripted::new(replies).pending(2))
        .unwrap()
}

/// Everything about the end of a call that a caller can see.
#[derive(Debug, PartialEq)]
struct End {
    outcome: Result<(u16, Bytes), String>,
    blame: Option<Blame>,
    name: Option<&'static str>,
    response: Option<(u16, Bytes)>,
    refused: Vec<Option<String>>,
    first: Vec<Option<String>>,
    seen: Vec<Seen>,
    left_over: usize,
}

fn parts(response: &Response<Bytes>) -> (u16, Bytes) {
    assert_eq!(
        response.headers()["x-answer"],
        "scripted",
        "the response is handed on whole"
    );
    (response.status().as_u16(), response.body().clone())
}

fn end(outcome: Result<Response<Bytes>, CallError>, keys: &KeyRing, transport: &Scripted) -> End {
    let error = outcome.as_ref().err();
    let refusal = match error {
        Some(CallError::Auth(refusal)) => Some(refusal),
        _ => None,
    };
    End {
        blame: error.map(CallError::blame),
        name: error.map(CallError::name),
        response: refusal.and_then(|refusal| refusal.response().map(parts)),
        refused: refusal.map_or_else(Vec::new, |refusal| {
            refusal
                .error()
                .refused()
                .iter()
                .map(|one| one.label().map(str::to_owned))
                .collect()
        }),
        first: Product::ALL
            .map(|product| keys.first(product)?.label().map(str::to_owned))
            .to_vec(),
        outcome: outcome.as_ref().map(parts).map_err(ToString::to_string),
        seen: transport.seen(),
        left_over: transport.left_over(),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Signed {
    Yes,
    No,
}

/// Runs one call on both clients and holds the ends against each other.
fn both(letters: &str, signed: Signed, replies: &[common::Reply]) -> End {
    let make = |request: Result<Request<Bytes>, RequestError>| request.unwrap();
    let (service, method, path) = (Service::LeadConduit, Method::GET, "/flows?limit=1");

    let client = blocking(letters, replies);
    let request = make(client.request(service, method.clone(), path));
    let outcome = match signed {
        Signed::Yes => client.send(request),
        Signed::No => client.send_unsigned(request),
    };
    let one = end(outcome, client.keys(), client.transport());

    let client = polled(letters, replies);
    let request = make(client.request(service, method, path));
    let outcome = match signed {
        Signed::Yes => block_on(client.send(request)),
        Signed::No => block_on(client.send_unsigned(request)),
    };
    assert_eq!(one, end(outcome, client.keys(), client.transport()));
    assert_eq!(one.left_over, 0, "a step too few");
    one
}

#[test]
fn both_take_the_same_steps() {
    let plan = r#"{"error":"not authorized"}"#;
    let timeout = Fail(ErrorKind::Timeout);
    // keys, answers, the keys tried, the status or the error's name, LeadConduit's first key afterwards
    type Row<'a> = (
        &'a str,
        &'a [common::Reply],
        &'a str,
        Result<u16, &'a str>,
        Option<&'a str>,
    );
    let rows: &[Row<'_>] = &[
        ("a", &[Reply(200, "[]")], "a", Ok(200), Some("a")),
        (
            "ab",
            &[Reply(401, BAD), Reply(200, "[]")],
            "ab",
            Ok(200),
            Some("b"),
        ),
        (
            "abc",
            &[Reply(401, BAD), Reply(401, BAD), Reply(404, "{}")],
            "abc",
            Ok(404),
            Some("c"),
        ),
        (
            "ab",
            &[Reply(401, BAD), Reply(401, BAD)],
            "ab",
            Err("auth"),
            Some("a"),
        ),
        ("a", &[Reply(401, BAD)], "a", Err("auth"), Some("a")),
        ("", &[], "", Err("auth"), None),
        ("ab", &[Reply(401, plan)], "a", Ok(401), Some("a")),
        (
            "ab",
            &[Reply(401, BAD), Reply(401, plan)],
            "ab",
            Ok(401),
            Some("a"),
        ),
        ("ab", &[Reply(403, BAD)], "a", Ok(403), Some("a")),
        ("ab", &[Reply(429, "")], "a", Ok(429), Some("a")),
        ("ab", &[Reply(500, "")], "a", Ok(500), Some("a")),
        ("ab", &[Reply(302, "")], "a", Ok(302), Some("a")),
        ("ab", &[timeout], "a", Err("timeout"), Some("a")),
        (
            "ab",
            &[Reply(401, BAD), timeout],
            "ab",
            Err("timeout"),
            Some("a"),
        ),
        (
            "ab",
            &[Reply(401, BAD), Fail(ErrorKind::Closed)],
            "ab",
            Err("closed"),
            Some("a"),
        ),
        (
            "ab",
            &[Fail(ErrorKind::Truncated)],
            "a",
            Err("truncated"),
            Some("a"),
        ),
        ("ab", &[Fail(ErrorKind::Tls)], "a", Err("tls"), Some("a")),
    ];
    for (nth, (letters, replies, tried, outcome, first)) in rows.iter().enumerate() {
        let end = both(letters, Signed::Yes, replies);
        let sent: Vec<_> = end
            .seen
            .iter()
            .flat_map(|seen| seen.authorization.clone())
            .collect();
        let expected: Vec<_> = tried.chars().map(authorization).collect();
        assert_eq!(sent, expected, "row {nth}");
        assert_eq!(end.seen.len(), tried.len(), "row {nth}");
        match outcome {
            Ok(status) => assert_eq!(end.outcome.as_ref().unwrap().0, *status, "row {nth}"),
            Err(name) => assert_eq!(end.name, Some(*name), "row {nth}"),
        }
        assert_eq!(end.first[0].as_deref(), *first, "row {nth}");
    }
}

#[test]
fn the_last_401_is_in_the_error() {
    let second = r#"{"id":2,"error":"authentication failed"}"#;
    let end = both("ab", Signed::Yes, &[Reply(401, BAD), Reply(401, second)]);
    assert_eq!(
        end.response,
        Some((401, Bytes::from_static(second.as_bytes())))
    );
    assert_eq!(end.refused, [Some("a".to_owned()), Some("b".to_owned())]);
    assert_eq!(end.blame, Some(Blame::Key));

    let end = both("", Signed::Yes, &[]);
    assert_eq!((end.response, end.blame), (None, Some(Blame::Key)));
    let client = blocking("", &[]);
    let request = client
        .request(Service::TrustedForm, Method::GET, "/")
        .unwrap();
    let error = client.send(request).unwrap_err();
    let CallError::Auth(refusal) = error else {
        panic!("{error:?}")
    };
    assert_eq!(refusal.error().why(), Why::NoKey);
    assert_eq!(
        refusal.error().advice(),
        Advice::CheckKeyOrLogIn(Product::TrustedForm)
    );
}

#[test]
fn an_unsigned_call_carries_no_key_and_teaches_nothing() {
    for (letters, replies) in [
        ("ab", &[Reply(200, "{}")]),
        ("", &[Reply(200, "{}")]),
        ("ab", &[Reply(401, BAD)]),
        ("ab", &[Reply(302, "")]),
        ("ab", &[Fail(ErrorKind::Connect)]),
    ] {
        let end = both(letters, Signed::No, replies);
        assert_eq!(end.seen.len(), 1, "and is never sent twice");
        assert!(end.seen[0].authorization.is_empty());
        assert_eq!(end.seen[0].left, Some(Duration::from_secs(60)));
        assert_eq!(end.first[0], letters.chars().next().map(String::from));
    }
}

/// The same requests, refused by both clients, signed or not, before anything is sent.
fn refused(request: &Request<Bytes>) -> RequestError {
    let copy = || {
        let mut copy = Request::new(request.body().clone());
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.headers_mut() = request.headers().clone();
        copy
    };
    let (one, other) = (blocking("a", &[]), polled("a", &[]));
    let errors = [
        one.send(copy()).unwrap_err(),
        one.send_unsigned(copy()).unwrap_err(),
        block_on(other.send(copy())).unwrap_err(),
        block_on(other.send_unsigned(copy())).unwrap_err(),
    ];
    assert!(one.transport().seen().is_empty() && other.transport().seen().is_empty());
    let errors = errors.map(|error| {
        assert_eq!((error.blame(), error.name()), (Blame::Caller, "request"));
        match error {
            CallError::Request(error) => error,
            other => panic!("{other:?}"),
        }
    });
    assert!(errors.iter().all(|error| *error == errors[0]), "{errors:?}");
    errors.into_iter().next().unwrap()
}

#[test]
fn what_is_not_to_be_sent_is_refused_by_both_signed_or_not() {
    let to = |uri: &str| Request::get(uri).body(Bytes::new()).unwrap();
    assert!(matches!(
        refused(&to("https://evil.example/")),
        RequestError::OriginNotListed(_)
    ));
    assert!(matches!(
        refused(&to("https://app.leadconduit.com:8443/")),
        RequestError::OriginNotListed(_)
    ));
    assert!(matches!(
        refused(&to("http://app.leadconduit.com/")),
        RequestError::Origin(_)
    ));
    assert!(matches!(
        refused(&to("https://a@app.leadconduit.com/")),
        RequestError::Origin(_)
    ));
    assert_eq!(
        refused(&to("https://app.leadconduit.com/a/../b")),
        RequestError::Target(InvalidTarget::DotSegment)
    );
    assert_eq!(
        refused(&to("https://app.leadconduit.com/?k=placeholder-key-a")),
        RequestError::KeyInUrl
    );

    let mut own = to("https://app.leadconduit.com/");
    own.headers_mut()
        .insert(header::AUTHORIZATION, "Basic WDpZ".parse().unwrap());
    assert_eq!(
        refused(&own),
        RequestError::ReservedHeader(header::AUTHORIZATION)
    );
    let mut own = to("https://app.leadconduit.com/");
    *own.method_mut() = Method::TRACE;
    assert_eq!(refused(&own), RequestError::Method(Method::TRACE));
}

#[test]
fn a_key_whose_bytes_a_client_encodes_is_still_found_in_the_path() {
    let secret = "{placeholder}|key";
    let key = ApiKey::parse(format!("k{secret}")).unwrap();
    let client = Client::builder()
        .key(key)
        .build_with(Scripted::new(&[]))
        .unwrap();
    let path = format!("/flows?api_key=k{secret}");
    let request = client
        .request(Service::LeadConduit, Method::GET, &path)
        .unwrap();
    let again = client
        .request(Service::LeadConduit, Method::GET, &path)
        .unwrap();
    assert!(matches!(
        client.send(request),
        Err(CallError::Request(RequestError::KeyInUrl))
    ));
    assert!(matches!(
        client.send_unsigned(again),
        Err(CallError::Request(RequestError::KeyInUrl))
    ));
}

#[test]
fn requests_have_the_headers_that_the_vendor_needs() {
    let end = both("a", Signed::Yes, &[Reply(200, "[]")]);
    let seen = &end.seen[0];
    assert_eq!(seen.uri, "https://app.leadconduit.com/flows?limit=1");
    assert_eq!((&seen.method, &seen.body), (&Method::GET, &Bytes::new()));
    assert_eq!(seen.accept.as_deref(), Some("application/json"));
    let agent = seen.user_agent.as_deref().unwrap();
    assert_eq!(
        agent,
        concat!("activeprospect-rust/", env!("CARGO_PKG_VERSION"))
    );

    let one = Client::builder()
        .user_agent("app/1 (x)")
        .build_with(Scripted::new(&[]))
        .unwrap();
    let other = AsyncClient::builder()
        .user_agent("app/1 (x)")
        .build_with(Scripted::new(&[]))
        .unwrap();
    let body = serde_json::json!({"a": [1, null]});
    let (service, method, path) = (Service::SuppressionList, Method::POST, "/lists/a b");
    let made = [
        one.request_json(service, method.clone(), path, &body)
            .unwrap(),
        other.request_json(service, method, path, &body).unwrap(),
    ];
    for request in made {
        assert_eq!(request.uri(), "https://app.suppressionlist.com/lists/a%20b");
        assert_eq!(request.method(), Method::POST);
        assert_eq!(request.body(), r#"{"a":[1,null]}"#);
        let headers = request.headers();
        assert_eq!(headers.len(), 3);
        assert_eq!(headers[header::ACCEPT], "application/json");
        assert_eq!(headers[header::CONTENT_TYPE], "application/json");
        assert_eq!(headers[header::USER_AGENT], "app/1 (x)");
    }
    let no_json = std::collections::HashMap::from([(vec![1], 1)]);
    let error = one
        .request_json(service, Method::POST, "/", &no_json)
        .unwrap_err();
    assert_eq!(error, RequestError::Body);
}

#[test]
fn user_agents_outside_printable_ascii_are_refused() {
    for text in ["a\r\nX-Injected: 1", "caf\u{e9}", "\t", "a\0"] {
        let one = Client::builder()
            .user_agent(text)
            .build_with(Scripted::new(&[]));
        assert!(matches!(one, Err(BuildError::UserAgent)));
        let other = AsyncClient::builder()
            .user_agent(text)
            .build_with(Scripted::new(&[]));
        assert!(matches!(other, Err(BuildError::UserAgent)));
    }
}

#[test]
fn one_deadline_spans_every_attempt() {
    let seconds = Duration::from_secs;
    let replies = [After(25, 401, BAD), After(30, 200, "[]")];
    let end = both("ab", Signed::Yes, &replies);
    let left: Vec<_> = end.seen.iter().map(|seen| seen.left.unwrap()).collect();
    assert_eq!(
        left,
        [seconds(60), seconds(35)],
        "the default is a minute over both"
    );
    assert_eq!(end.outcome.unwrap().0, 200);

    let end = both(
        "ab",
        Signed::Yes,
        &[After(25, 401, BAD), After(36, 200, "[]")],
    );
    assert_eq!(end.name, Some("timeout"));
    assert_eq!(
        end.first[0].as_deref(),
        Some("a"),
        "a call that broke off teaches nothing"
    );

    let client = blocking("ab", &[]).with_timeout(seconds(10));
    let go = |client: &Client<Scripted>| {
        client.send(
            client
                .request(Service::LeadConduit, Method::GET, "/")
                .unwrap(),
        )
    };
    client
        .transport()
        .expect(&[After(10, 401, BAD), After(0, 200, "")]);
    assert_eq!(go(&client).unwrap().status(), StatusCode::OK);
    let left: Vec<_> = client
        .transport()
        .seen()
        .iter()
        .map(|seen| seen.left.unwrap())
        .collect();
    assert_eq!(
        left,
        [seconds(10), Duration::ZERO],
        "what is left is never below zero"
    );
    client.transport().expect(&[Reply(200, "")]);
    go(&client).unwrap();
    let left = client.transport().seen().last().unwrap().left;
    assert_eq!(left, Some(seconds(10)), "each call has its own deadline");

    let mut settings = Settings::default();
    settings.timeout = seconds(7);
    let client = Client::builder().settings(settings).key(key('a'));
    let client = client.build_with(Scripted::new(&[Reply(200, "")])).unwrap();
    go(&client).unwrap();
    assert_eq!(client.transport().seen()[0].left, Some(seconds(7)));
}

#[test]
fn deadlines_of_any_length_neither_panic_nor_overflow() {
    let century = Duration::from_secs(100 * 366 * 24 * 60 * 60);
    for (timeout, left) in [
        (Duration::ZERO, Some(Duration::ZERO)),
        (Duration::from_nanos(1), Some(Duration::from_nanos(1))),
        (century, Some(century)),
        (Duration::MAX, None),
    ] {
        let client = blocking("a", &[After(1, 200, ""), Reply(200, "")]);
        let warm_up = client
            .request(Service::LeadConduit, Method::GET, "/")
            .unwrap();
        client.send(warm_up).unwrap();
        let client = client.with_timeout(timeout);
        client
            .send(
                client
                    .request(Service::LeadConduit, Method::GET, "/")
                    .unwrap(),
            )
            .unwrap();
        assert_eq!(client.transport().seen()[1].left, left, "{timeout:?}");
    }
    let late = Moment::after_start(Duration::MAX);
    assert_eq!(
        Deadline::after(late, Duration::ZERO).left(late),
        Some(Duration::ZERO)
    );
    assert_eq!(
        Deadline::after(late, Duration::from_nanos(1)),
        Deadline::NEVER
    );
    assert_eq!(Deadline::NEVER.left(late), None);
    let start = Moment::after_start(Duration::ZERO);
    assert_eq!(
        Deadline::after(start, Duration::ZERO).left(late),
        Some(Duration::ZERO)
    );
}

#[test]
fn transports_can_be_chosen_at_run_time() {
    let scripted = Arc::new(Scripted::new(&[Reply(401, BAD), Reply(200, "1")]));
    let shared: Arc<dyn Transport> = scripted.clone();
    let client = Client::builder()
        .keys(ring("ab"))
        .build_with(shared)
        .unwrap();
    let request = client
        .request(Service::LeadConduit, Method::GET, "/")
        .unwrap();
    assert_eq!(client.clone().send(request).unwrap().body(), "1");
    assert_eq!(
        client.keys().first(Product::LeadConduit).unwrap().label(),
        Some("b")
    );

    scripted.expect(&[Reply(401, BAD), Reply(200, "2")]);
    let shared: Arc<dyn AsyncTransport> = scripted.clone();
    let client = AsyncClient::builder()
        .keys(ring("ab"))
        .build_with(shared)
        .unwrap();
    let request = client
        .request(Service::LeadConduit, Method::GET, "/")
        .unwrap();
    assert_eq!(block_on(client.clone().send(request)).unwrap().body(), "2");
    assert_eq!(scripted.seen().len(), 4);
}

#[test]
fn two_clients_on_one_ring_learn_together() {
    let keys = ring("ab");
    let one = Client::builder().keys(keys.clone());
    let one = one
        .build_with(Scripted::new(&[Reply(401, BAD), Reply(200, "")]))
        .unwrap();
    let other = AsyncClient::builder().keys(keys);
    let other = other.build_with(Scripted::new(&[Reply(200, "")])).unwrap();
    one.send(one.request(Service::LeadConduit, Method::GET, "/").unwrap())
        .unwrap();
    let request = other
        .request(Service::LeadConduit, Method::GET, "/")
        .unwrap();
    block_on(other.send(request)).unwrap();
    assert_eq!(
        other.transport().seen()[0].authorization,
        [authorization('b')]
    );
}

/// Replaces the client's keys while the first request is on its way.
struct Replacing(Scripted, KeyRing);

impl Transport for Replacing {
    fn now(&self) -> Moment {
        Transport::now(&self.0)
    }
    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        self.1.replace([key('c')]).unwrap();
        Transport::send(&self.0, request, deadline)
    }
}

#[test]
fn a_call_survives_the_replacement_of_every_key() {
    let keys = ring("ab");
    let transport = Replacing(
        Scripted::new(&[Reply(401, BAD), Reply(200, "")]),
        keys.clone(),
    );
    let client = Client::builder().keys(keys).build_with(transport).unwrap();
    let request = client
        .request(Service::LeadConduit, Method::GET, "/")
        .unwrap();
    assert_eq!(client.send(request).unwrap().status(), StatusCode::OK);
    let seen = client.transport().0.seen();
    assert_eq!(seen[0].authorization, [authorization('a')]);
    assert_eq!(seen[1].authorization, [authorization('c')]);
}

#[test]
fn dropping_a_call_at_any_await_leaves_the_ring_unchanged() {
    let mut context = Context::from_waker(Waker::noop());
    let mut polls = 0;
    loop {
        let client = polled("ab", &[Reply(401, BAD), Reply(200, "[]")]);
        let request = client
            .request(Service::LeadConduit, Method::GET, "/")
            .unwrap();
        let ended = {
            let mut call = pin!(client.send(request));
            (0..polls).any(|_| call.as_mut().poll(&mut context).is_ready())
        };
        let first = client.keys().first(Product::LeadConduit).unwrap();
        if ended {
            assert_eq!(
                first.label(),
                Some("b"),
                "the call that was not dropped has learnt"
            );
            break;
        }
        assert_eq!(first.label(), Some("a"), "dropped after {polls} polls");
        let sent = client.transport().seen().len();
        assert_eq!(
            sent,
            usize::from(polls > 2),
            "two pending polls come before each answer"
        );

        client.transport().expect(&[Reply(200, "[]")]);
        let request = client
            .request(Service::LeadConduit, Method::GET, "/")
            .unwrap();
        let response = block_on(client.send(request)).unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        polls += 1;
    }
    assert_eq!(
        polls, 5,
        "dropped before the first poll and at each of the four awaits"
    );
}

#[test]
fn nothing_is_sent_before_the_first_poll() {
    let client = polled("a", &[]);
    let request = client
        .request(Service::LeadConduit, Method::GET, "/")
        .unwrap();
    drop(client.send(request));
    assert!(client.transport().seen().is_empty());
    let request = client
        .request(Service::LeadConduit, Method::GET, "/")
        .unwrap();
    let mut call = pin!(client.send(request));
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(call.as_mut().poll(&mut context), Poll::Pending));
    assert!(client.transport().seen().is_empty());
}

impl Connect for Scripted {
    fn connect(settings: &Settings) -> Result<Self, TransportError> {
        if settings.mozilla_roots || !settings.root_pems.is_empty() {
            Ok(Self::new(&[]))
        } else {
            Err(TransportError::new(ErrorKind::Setup).with_source("no roots at all"))
        }
    }
}

#[test]
fn builders_make_their_own_transport() {
    let built: Result<Client<Scripted>, _> = Client::builder().root_pem("pem").build();
    assert!(built.is_ok());
    let mut settings = Settings::default();
    settings.mozilla_roots = false;
    let built: Result<AsyncClient<Scripted>, _> = AsyncClient::builder().settings(settings).build();
    match built {
        Err(BuildError::Transport(error)) => assert_eq!(error.kind(), ErrorKind::Setup),
        other => panic!("{other:?}"),
    }
}

#[test]
fn origins_of_the_builder_are_where_requests_go() {
    let loopback = Origin::parse_loopback("http://127.0.0.1:8001").unwrap();
    let origins = Origins::vendor()
        .with(Service::LeadConduit, loopback)
        .unwrap();
    let client = Client::builder().key(key('a')).origins(origins);
    let client = client.build_with(Scripted::new(&[Reply(200, "")])).unwrap();
    let request = client
        .request(Service::LeadConduit, Method::GET, "/flows")
        .unwrap();
    assert_eq!(request.uri(), "http://127.0.0.1:8001/flows");
    client.send(request).unwrap();
    let vendor = Request::get("https://app.leadconduit.com/flows")
        .body(Bytes::new())
        .unwrap();
    assert!(matches!(
        client.send(vendor),
        Err(CallError::Request(RequestError::OriginNotListed(_)))
    ));
}

#[test]
fn the_blame_is_with_whom_it_belongs() {
    for (kind, blame) in [
        (ErrorKind::Setup, Blame::Caller),
        (ErrorKind::Unsendable, Blame::Caller),
        (ErrorKind::Dns, Blame::Transport),
        (ErrorKind::Connect, Blame::Transport),
        (ErrorKind::ConnectTimeout, Blame::Transport),
        (ErrorKind::Proxy, Blame::Transport),
        (ErrorKind::Tls, Blame::Transport),
        (ErrorKind::Timeout, Blame::Transport),
        (ErrorKind::Closed, Blame::Transport),
        (ErrorKind::Truncated, Blame::Peer),
        (ErrorKind::Malformed, Blame::Peer),
        (ErrorKind::TooLarge, Blame::Peer),
        (ErrorKind::Cancelled, Blame::Transport),
        (ErrorKind::Other, Blame::Transport),
    ] {
        let error = CallError::from(TransportError::new(kind));
        assert_eq!((error.blame(), error.name()), (blame, kind.name()));
    }
}

/// Compiles only for what can be handed to and shared with other threads.
fn shared<T: Send + Sync>(_: &T) {}
fn sent<T: Send>(_: &T) {}

#[test]
fn what_threads_and_tasks_share_can_be_shared() {
    let (one, other) = (blocking("a", &[]), polled("a", &[]));
    shared(&one);
    shared(&other);
    let request = || {
        other
            .request(Service::LeadConduit, Method::GET, "/")
            .unwrap()
    };
    sent(&other.send(request()));
    sent(&other.send_unsigned(request()));
    fn all<T: Send + Sync>() {}
    all::<ApiKey>();
    all::<Credentials>();
    all::<KeyRing>();
    all::<Origins>();
    all::<Account>();
    all::<Step>();
    all::<Attempt>();
    all::<NeedKey>();
    all::<Answer>();
    all::<Unauthorized>();
    all::<RequestError>();
    all::<TransportError>();
    all::<CallError>();
    all::<BuildError>();
    all::<Settings>();
    all::<Client<Arc<dyn Transport>>>();
    all::<AsyncClient<Arc<dyn AsyncTransport>>>();
}

#[test]
fn many_threads_share_one_client() {
    let client = blocking("a", &[Reply(200, ""); 64]);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..8 {
                    let request = client
                        .request(Service::LeadConduit, Method::GET, "/")
                        .unwrap();
                    assert_eq!(client.send(request).unwrap().status(), StatusCode::OK);
                }
            });
        }
    });
    assert_eq!(client.transport().seen().len(), 64);
}
