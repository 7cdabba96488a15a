//! One span a call, what its fields hold, and what they never do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ap_core::{
    ApiKey, AsyncClient, Client, Deadline, ErrorKind, KeyRing, KeySource, Moment, Service,
    SourceError, Transport, TransportError,
};
use bytes::Bytes;
use common::Reply::{After, Answer, Fail};
use common::{BAD, Scripted, block_on};
use http::{Method, Request, Response};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

type Fields = BTreeMap<String, String>;

#[derive(Debug)]
struct Span {
    name: &'static str,
    level: Level,
    fields: Fields,
    /// The names in the span's metadata, recorded or not.
    names: Vec<&'static str>,
    entered: usize,
    exited: usize,
}

/// Keeps every span and every event.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<(Vec<Span>, Vec<Fields>)>>);

struct Reading<'a>(&'a mut Fields);

impl Visit for Reading<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl Kept {
    fn with<T>(&self, id: &Id, change: impl FnOnce(&mut Span) -> T) -> T {
        let nth = usize::try_from(id.into_u64()).unwrap() - 1;
        change(&mut self.0.lock().unwrap().0[nth])
    }

    /// The one span that a call made, and the events in it.
    fn only(&self) -> (Span, Vec<Fields>) {
        let mut kept = self.0.lock().unwrap();
        assert_eq!(kept.0.len(), 1, "one span a call");
        let span = kept.0.remove(0);
        assert_eq!(
            (span.name, span.level),
            ("activeprospect.call", Level::INFO)
        );
        assert!(span.entered > 0);
        assert_eq!(span.entered, span.exited);
        (span, std::mem::take(&mut kept.1))
    }
}

impl Subscriber for Kept {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut fields = Fields::new();
        attributes.record(&mut Reading(&mut fields));
        let metadata = attributes.metadata();
        let mut kept = self.0.lock().unwrap();
        kept.0.push(Span {
            name: metadata.name(),
            level: *metadata.level(),
            fields,
            names: metadata.fields().iter().map(|field| field.name()).collect(),
            entered: 0,
            exited: 0,
        });
        Id::from_u64(kept.0.len().try_into().unwrap())
    }
    fn record(&self, span: &Id, values: &Record<'_>) {
        self.with(span, |span| values.record(&mut Reading(&mut span.fields)));
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::new();
        event.record(&mut Reading(&mut fields));
        self.0.lock().unwrap().1.push(fields);
    }
    fn enter(&self, span: &Id) {
        self.with(span, |span| span.entered += 1);
    }
    fn exit(&self, span: &Id) {
        self.with(span, |span| span.exited += 1);
    }
}

fn key(letter: char) -> ApiKey {
    ApiKey::parse(format!("placeholder-key-{letter}"))
        .unwrap()
        .labelled(&format!("label {letter}"))
}

fn ring(letters: &str) -> KeyRing {
    KeyRing::new(letters.chars().map(key)).unwrap()
}

#[derive(Clone, Copy)]
enum Signed {
    Yes,
    No,
}

/// The span of one call, which both clients make alike.
fn span(letters: &str, signed: Signed, replies: &[common::Reply], url: &str) -> Fields {
    let request = || {
        Request::builder()
            .method(Method::POST)
            .uri(url)
            .header("x-header", "secret-header-value")
            .body(Bytes::from_static(b"secret body"))
            .unwrap()
    };
    let kept = Kept::default();
    tracing::subscriber::with_default(kept.clone(), || {
        let client = Client::builder().keys(ring(letters));
        let client = client.build_with(Scripted::new(replies)).unwrap();
        let _ = match signed {
            Signed::Yes => client.send(request()),
            Signed::No => client.send_unsigned(request()),
        };
        assert_eq!(client.transport().left_over(), 0);
        assert_eq!(client.transport().seen().len(), replies.len());
    });
    let (one, events) = kept.only();

    let kept = Kept::default();
    tracing::subscriber::with_default(kept.clone(), || {
        let client = AsyncClient::builder().keys(ring(letters));
        let client = client
            .build_with(Scripted::new(replies).pending(1))
            .unwrap();
        let _ = match signed {
            Signed::Yes => block_on(client.send(request())),
            Signed::No => block_on(client.send_unsigned(request())),
        };
    });
    let (other, same_events) = kept.only();
    assert_eq!((&one.fields, &one.names), (&other.fields, &other.names));
    assert_eq!(events, same_events);
    let refusals = replies
        .iter()
        .filter(|reply| matches!(reply, Answer(401, BAD)))
        .count();
    assert_eq!(events.len(), refusals, "an event for each refused key");

    let authorization = ap_core::basic(b"API", b"placeholder-key-a");
    let pair = &authorization.to_str().unwrap()["Basic ".len()..];
    let everything = format!("{one:?}{events:?}");
    for secret in [
        "placeholder",
        &pair[..8],
        &pair[8..16],
        "secret",
        "x-header",
        "authorization",
        "Basic",
    ] {
        assert!(!everything.contains(secret), "{secret} in {everything}");
    }
    one.fields
}

fn fields(expected: &[(&str, &str)]) -> Fields {
    expected
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

const URL: &str = "https://app.leadconduit.com/flows/secret-id?secret=query";

#[test]
fn an_answered_call() {
    assert_eq!(
        span("a", Signed::Yes, &[Answer(200, "secret answer")], URL),
        fields(&[
            ("otel.kind", "client"),
            ("http.request.method", "POST"),
            ("server.address", "app.leadconduit.com"),
            ("http.response.status_code", "200"),
            ("activeprospect.product", "lcx"),
            ("activeprospect.key", "label a"),
        ])
    );
}

#[test]
fn a_call_that_needed_a_second_key() {
    assert_eq!(
        span("ab", Signed::Yes, &[Answer(401, BAD), Answer(404, "")], URL),
        fields(&[
            ("otel.kind", "client"),
            ("http.request.method", "POST"),
            ("server.address", "app.leadconduit.com"),
            ("http.response.status_code", "404"),
            ("http.request.resend_count", "1"),
            ("error.type", "404"),
            ("activeprospect.product", "lcx"),
            ("activeprospect.key", "label b"),
        ])
    );
}

#[test]
fn calls_that_fail() {
    let of = |letters: &str, replies: &[common::Reply]| {
        let fields = span(letters, Signed::Yes, replies, URL);
        let get = |name: &str| fields.get(name).cloned();
        (get("error.type").unwrap(), get("http.response.status_code"))
    };
    let status = |code: &str| Some(code.to_owned());
    assert_eq!(of("a", &[Answer(401, BAD)]), ("auth".into(), status("401")));
    assert_eq!(of("", &[]), ("auth".into(), None));
    assert_eq!(of("a", &[Answer(503, "")]), ("503".into(), status("503")));
    assert_eq!(of("a", &[Answer(401, "")]), ("401".into(), status("401")));
    assert_eq!(
        of("a", &[Fail(ErrorKind::Truncated)]),
        ("truncated".into(), None)
    );
    assert_eq!(
        of("ab", &[Answer(401, BAD), After(61, 200, "")]),
        ("timeout".into(), None)
    );
}

#[test]
fn a_redirect_is_no_error() {
    let fields = span("a", Signed::Yes, &[Answer(302, "")], URL);
    assert_eq!(fields.get("error.type"), None);
    assert_eq!(fields["http.response.status_code"], "302");
}

#[test]
fn an_unsigned_call_names_no_key() {
    let fields = span("a", Signed::No, &[Answer(200, "")], URL);
    assert_eq!(fields.get("activeprospect.key"), None);
    assert_eq!(fields["http.response.status_code"], "200");
}

#[test]
fn a_refused_request_shows_the_host_alone() {
    let url = "https://secret-user:secret-password@evil.example:8443/secret-id";
    assert_eq!(
        span("a", Signed::Yes, &[], url),
        fields(&[
            ("otel.kind", "client"),
            ("http.request.method", "POST"),
            ("server.address", "evil.example"),
            ("server.port", "8443"),
            ("error.type", "request"),
        ])
    );
}

/// Looks at the call's span while the request is on its way.
struct Inside(Scripted, Kept);

impl Transport for Inside {
    fn now(&self) -> Moment {
        Transport::now(&self.0)
    }
    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        let kept = self.1.0.lock().unwrap();
        assert_eq!((kept.0[0].entered, kept.0[0].exited), (1, 0));
        drop(kept);
        Transport::send(&self.0, request, deadline)
    }
}

#[test]
fn what_a_transport_traces_is_inside_of_the_calls_span() {
    let kept = Kept::default();
    tracing::subscriber::with_default(kept.clone(), || {
        let inside = Inside(Scripted::new(&[Answer(200, "")]), kept.clone());
        let client = Client::builder().key(key('a')).build_with(inside).unwrap();
        client
            .send(
                client
                    .request(Service::LeadConduit, Method::GET, "/")
                    .unwrap(),
            )
            .unwrap();
    });
    assert_eq!(kept.only().0.exited, 1);
}

/// A source with these keys, or with none.
struct Keys(Result<&'static str, &'static str>);

impl KeySource for Keys {
    fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        match self.0 {
            Ok(letters) => Ok(letters.chars().map(key).collect()),
            Err(text) => Err(SourceError::new(text)),
        }
    }
}

#[test]
fn what_an_operator_sees_of_a_reset() {
    let events = |source, replies: &[common::Reply]| {
        let kept = Kept::default();
        tracing::subscriber::with_default(kept.clone(), || {
            let client = Client::builder().keys(ring("a")).key_source(Keys(source));
            let client = client.build_with(Scripted::new(replies)).unwrap();
            while client.transport().left_over() > 0 {
                let request = client.request(Service::TrustedForm, Method::GET, "/");
                let _ = client.send(request.unwrap());
            }
        });
        let kept = kept.0.lock().unwrap();
        kept.1.clone()
    };
    let refused = fields(&[
        ("message", "the product refused an API key"),
        ("activeprospect.key", "label a"),
        ("activeprospect.said", "authentication failed"),
    ]);
    let asked = |new: &str| {
        fields(&[
            ("message", "the key source was asked"),
            ("activeprospect.new_key", new),
        ])
    };
    assert_eq!(
        events(Ok("ab"), &[Answer(401, BAD), Answer(200, "")]),
        [refused.clone(), asked("true")]
    );
    assert_eq!(
        events(Ok("a"), &[Answer(401, BAD)]),
        [refused.clone(), asked("false")]
    );
    let failed = fields(&[
        ("message", "the key source has no keys"),
        ("error", "the vault is locked"),
    ]);
    assert_eq!(
        events(Err("the vault is locked"), &[Answer(401, BAD); 3]),
        [refused.clone(), failed, refused.clone(), refused],
        "calls that share an answer do not repeat it"
    );
}
