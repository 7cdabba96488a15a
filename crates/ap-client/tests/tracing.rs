//! One span a call: what its fields contain, and what they never do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ap_client::{Async, Blocking, ClientBuilder, KeySource, KeySourceError, fake};
use ap_core::key::basic;
use ap_core::{ApiKey, Draft, KeyRing, Origin, Origins, RetryPolicy, Service};
use common::{Scripted, block_on};
use http::Request;
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

    /// Returns the one span that a call made, and the events in it.
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

/// The keys of scripts, with other labels.
fn ring(letters: &str) -> KeyRing {
    let key = |letter| common::key(letter).with_label(&format!("label {letter}"));
    KeyRing::new(letters.chars().map(key)).unwrap()
}

fn secret_draft() -> Draft {
    Draft::post(Service::LeadConduit, "/flows/secret-id?secret=query")
        .header("x-header", "secret-header-value")
        .body("secret body")
}

/// Returns the fields of a call's span, which both modes make alike, and checks that they show no secret.
fn span_of(letters: &str, draft: &Draft, script: &str, origins: &Origins) -> Fields {
    let kept = Kept::default();
    tracing::subscriber::with_default(kept.clone(), || {
        let transport = Scripted::new(script);
        let client = ClientBuilder::<Blocking>::new()
            .keys(ring(letters))
            .origins(origins.clone());
        let _ = client
            .build_with(transport.clone())
            .unwrap()
            .send(draft.clone());
        transport.finish();
    });
    let (one, events) = kept.only();

    let kept = Kept::default();
    tracing::subscriber::with_default(kept.clone(), || {
        let transport = Scripted::pending(1, script);
        let client = ClientBuilder::<Async>::new()
            .keys(ring(letters))
            .origins(origins.clone());
        let _ = block_on(
            client
                .build_with(transport.clone())
                .unwrap()
                .send(draft.clone()),
        );
        transport.finish();
    });
    let (other, same_events) = kept.only();
    assert_eq!((&one.fields, &one.names), (&other.fields, &other.names));
    assert_eq!(events, same_events);
    let rejections = if draft.is_unsigned() {
        0
    } else {
        script.matches("bad").count()
    };
    assert_eq!(events.len(), rejections, "one event for each rejected key");

    show_no_secret(&format!("{one:?}{events:?}"));
    one.fields
}

fn show_no_secret(everything: &str) {
    let authorization = basic(b"API", b"placeholder-key-a");
    let pair = &authorization.to_str().unwrap()["Basic ".len()..];
    for secret in [
        "placeholder",
        &pair[..8],
        &pair[8..16],
        "secret",
        "x-header",
        "authorization",
        "Basic",
        "flows",
    ] {
        assert!(!everything.contains(secret), "{secret} in {everything}");
    }
}

fn span(letters: &str, script: &str) -> Fields {
    span_of(letters, &secret_draft(), script, &Origins::vendor())
}

/// Reads `name=value, …`.
fn fields(text: &str) -> Fields {
    let fields = text.split(", ").map(|field| field.split_once('=').unwrap());
    fields
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

const REQUEST: &str = "otel.kind=client, http.request.method=POST, server.address=app.leadconduit.com, \
    activeprospect.product=lcx";

#[test]
fn an_answered_call_has_its_status_and_its_key() {
    let more = "http.response.status_code=200, activeprospect.key=label a";
    assert_eq!(span("a", "a 200"), fields(&format!("{REQUEST}, {more}")));
}

#[test]
fn a_call_that_needed_a_second_key_counts_its_resends() {
    let more = "http.response.status_code=404, http.request.resend_count=1, error.type=404, \
        otel.status_code=ERROR, activeprospect.key=label b";
    assert_eq!(
        span("ab", "a bad, b 404"),
        fields(&format!("{REQUEST}, {more}"))
    );
}

#[test]
fn calls_that_fail_have_an_error_type() {
    // keys | exchanges -> error.type | status
    for row in [
        "a  | a bad            -> auth      | 401",
        "   |                  -> auth      | -",
        "a  | a 503            -> 503       | 503",
        "a  | a plan           -> 401       | 401",
        "a  | a truncated      -> truncated | -",
        "ab | a bad, b 200 61s -> timeout   | -",
        "a  | a 200            -> -         | 200",
        "a  | a 302            -> -         | 302",
    ] {
        let (letters, script, error, status) = common::columns(row);
        let fields = span(letters, script);
        let get = |name: &str| fields.get(name).map_or("-", String::as_str);
        assert_eq!(get("error.type"), error, "{row}");
        assert_eq!(get("http.response.status_code"), status, "{row}");
        let is_error = get("otel.status_code") == "ERROR";
        assert_eq!(is_error, error != "-", "{row}");
    }
}

#[test]
fn each_retry_is_an_event_with_its_number_its_reason_and_its_wait() {
    let retried = |attempt, error, wait| {
        fields(&format!(
            "message=the call is made again, activeprospect.attempt={attempt}, error.type={error}, \
            activeprospect.wait_ms={wait}"
        ))
    };
    let script = "a 503, a closed, a 429+3, a 404";
    let policy = RetryPolicy::new(4).first_wait(Duration::from_millis(100));
    let expected = [
        retried(2, "503", 100),
        retried(3, "closed", 200),
        retried(4, "429", 3_200),
    ];

    let kept = Kept::default();
    tracing::subscriber::with_default(kept.clone(), || {
        let client = ClientBuilder::<Blocking>::new().keys(ring("a"));
        let client = client.retry(policy).random(|| 1.0);
        let client = client.build_with(Scripted::sleeping(0, script)).unwrap();
        let _ = client.send(secret_draft().repeatable());
    });
    let (span, events) = kept.only();
    assert_eq!(events, expected);
    assert_eq!(span.fields["http.request.resend_count"], "3");
    assert_eq!(span.fields["error.type"], "404");
    show_no_secret(&format!("{span:?}{events:?}"));

    let kept = Kept::default();
    tracing::subscriber::with_default(kept.clone(), || {
        let client = ClientBuilder::<Async>::new().keys(ring("a"));
        let client = client.retry(policy).random(|| 1.0);
        let client = client.build_with(Scripted::sleeping(1, script)).unwrap();
        let _ = block_on(client.send(secret_draft().repeatable()));
    });
    let (same, events) = kept.only();
    assert_eq!((same.fields, &events[..]), (span.fields, &expected[..]));
}

#[test]
fn an_unsigned_call_names_no_key() {
    let fields = span_of("a", &secret_draft().unsigned(), "- 200", &Origins::vendor());
    assert_eq!(fields.get("activeprospect.key"), None);
    assert_eq!(fields["http.response.status_code"], "200");
}

#[test]
fn a_refused_request_shows_its_host_and_port_but_not_its_url() {
    let origin = Origin::parse_loopback("http://127.0.0.1:8443").unwrap();
    let origins = Origins::vendor()
        .with(Service::LeadConduit, origin)
        .unwrap();
    let draft = secret_draft().query(&[("key", "placeholder-key-a")]);
    for draft in [draft.clone(), draft.unsigned()] {
        let expected = "otel.kind=client, http.request.method=POST, server.address=127.0.0.1, \
            server.port=8443, error.type=request, otel.status_code=ERROR";
        assert_eq!(span_of("a", &draft, "", &origins), fields(expected));
    }
}

#[test]
fn what_a_transport_traces_is_inside_of_the_calls_span() {
    let kept = Kept::default();
    let seen = kept.clone();
    tracing::subscriber::with_default(kept.clone(), || {
        let inside = fake(move |_: &Request<_>| {
            let kept = seen.0.lock().unwrap();
            assert_eq!((kept.0[0].entered, kept.0[0].exited), (1, 0));
            (200, "")
        });
        let client = ClientBuilder::<Blocking>::new().keys(ring("a"));
        client
            .build_with(inside)
            .unwrap()
            .send(secret_draft())
            .unwrap();
    });
    assert_eq!(kept.only().0.exited, 1);
}

#[test]
fn the_span_of_a_call_begins_when_the_call_is_polled() {
    let kept = Kept::default();
    tracing::subscriber::with_default(kept.clone(), || {
        let client = ClientBuilder::<Async>::new().keys(ring("a"));
        let transport = Scripted::pending(1, "a 200");
        let client = client.build_with(transport.clone()).unwrap();
        let call = client.send_while(secret_draft(), |_| false);
        assert!(kept.0.lock().unwrap().0.is_empty());
        drop(client.send_while(secret_draft(), |_| false));
        block_on(call).unwrap();
        transport.finish();
    });
    kept.only();
}

/// A source with these keys, or with none.
struct Keys(Result<&'static str, &'static str>);

impl KeySource for Keys {
    fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        self.0.map(common::keys).map_err(KeySourceError::new)
    }
}

#[test]
fn an_operator_sees_a_reset() {
    let events = |source, calls: &[&str]| {
        let kept = Kept::default();
        tracing::subscriber::with_default(kept.clone(), || {
            let transport = Scripted::new("");
            let client = ClientBuilder::<Blocking>::new()
                .keys(ring("a"))
                .key_source(Keys(source));
            let client = client.build_with(transport.clone()).unwrap();
            for script in calls {
                transport.expect(script);
                let _ = client.get(Service::TrustedForm, "/").send();
                transport.finish();
            }
        });
        kept.0.lock().unwrap().1.clone()
    };
    let rejected = || {
        fields(
            "message=the product rejected an API key, activeprospect.key=label a, \
            activeprospect.message=authentication failed",
        )
    };
    let asked = |new| {
        fields(&format!(
            "message=the key source was asked, activeprospect.new_key={new}"
        ))
    };
    assert_eq!(
        events(Ok("ab"), &["a bad, b 200"]),
        [rejected(), asked(true)]
    );
    assert_eq!(events(Ok("a"), &["a bad"]), [rejected(), asked(false)]);
    let failed = fields("message=the key source has no keys, error=the vault is locked");
    assert_eq!(
        events(Err("the vault is locked"), &["a bad"; 3]),
        [rejected(), failed, rejected(), rejected()],
        "calls that share an answer do not repeat it"
    );
}
