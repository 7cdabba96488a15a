//! Clients of both modes over one script: they take the same steps, and stop in time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::error::Error as _;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ap_client::transport::{
    AsyncTransport, Connect, Deadline, Moment, Proxy, Transport, TransportConfig, TransportError,
    TransportErrorKind,
};
use ap_client::{
    Async, AsyncKeySource, Blocking, Client, ClientBuilder, FakeTransport, Items, KeySource,
    KeySourceError, Pages, RequestBuilder, fake,
};
use ap_core::{Call, Draft, Error, ErrorKind, Hint, Origin, Origins, Product, Response, Service};
use bytes::Bytes;
use common::{
    BAD, KINDS, Numbers, Pair, Scripted, block_on, columns, flows, key, result, ring, sent_key,
};
use http::Request;

#[test]
fn both_modes_take_the_same_steps() {
    // keys | exchanges -> result | the key that LeadConduit prefers afterwards
    for row in [
        "a   | a 200               -> 200       | a",
        "ab  | a bad, b 200        -> 200       | b",
        "abc | a bad, b bad, c 404 -> 404       | c",
        "ab  | a bad, b bad        -> auth ab   | a",
        "abc | a bad, b bad, c bad -> auth abc  | a",
        "a   | a bad               -> auth a    | a",
        "    |                     -> auth      |  ",
        "ab  | a plan              -> 401       | a",
        "ab  | a bad, b plan       -> 401       | a",
        "ab  | a bad, b 403        -> 403       | a",
        "ab  | a 403               -> 403       | a",
        "ab  | a 429               -> 429       | a",
        "ab  | a 500               -> 500       | a",
        "ab  | a 302               -> 302       | a",
        "ab  | a timeout           -> timeout   | a",
        "ab  | a bad, b timeout    -> timeout   | a",
        "ab  | a bad, b closed     -> closed    | a",
        "ab  | a truncated         -> truncated | a",
        "ab  | a tls               -> tls       | a",
    ] {
        let (letters, script, result, preferred) = columns(row);
        let pair = Pair::new(letters);
        let end = pair.send(&flows(), script);
        assert_eq!(end.result, result, "{row}");
        assert_eq!(end.preferred, preferred, "{row}");
        let has_response = result.parse::<u16>().is_ok() || result.starts_with("auth ");
        let last = Some(end.seen.len()).filter(|_| has_response);
        assert_eq!(
            end.response, last,
            "the caller gets the last response: {row}"
        );
        for product in [Product::TrustedForm, Product::SuppressionList] {
            let other = pair.blocking.keys().preferred(product);
            let other = other.map_or(String::new(), |key| key.label().unwrap().to_owned());
            assert!(
                letters.starts_with(&other),
                "other products learn nothing: {row}"
            );
        }
    }
}

#[test]
fn an_error_says_which_keys_were_rejected_and_what_to_do() {
    let log_in = Hint::CheckKeyOrLogIn(Product::LeadConduit);
    for (letters, script, text, hint) in [
        ("", "", "there is no API key for LeadConduit", Hint::AddKey),
        (
            "a",
            "a bad",
            r#"LeadConduit rejected the API key: "a""#,
            log_in,
        ),
        (
            "ab",
            "a bad, b bad",
            r#"LeadConduit rejected every API key: "a", "b""#,
            log_in,
        ),
        ("a", "a timeout", "the call took too long", Hint::Retry),
        (
            "a",
            "a dns",
            "the host's name cannot be resolved",
            Hint::CheckNetwork,
        ),
    ] {
        let end = Pair::new(letters).send(&flows(), script);
        assert_eq!(end.text, Some((text.to_owned(), hint)));
    }
}

#[test]
fn an_unsigned_call_carries_no_key_teaches_nothing_and_is_sent_once() {
    for row in [
        "ab | - 200     -> 200     | a",
        "   | - 200     -> 200     |  ",
        "ab | - bad     -> 401     | a",
        "ab | - 302     -> 302     | a",
        "ab | - connect -> connect | a",
    ] {
        let (letters, script, result, preferred) = columns(row);
        let end = Pair::new(letters).send(&flows().unsigned(), script);
        assert_eq!(end.result, result, "{row}");
        assert_eq!(end.preferred, preferred, "{row}");
        assert_eq!(end.seen[0].remaining, Some(Duration::from_secs(60)));
    }
}

#[test]
fn a_transports_own_error_is_the_source_of_the_calls_error() {
    for kind in KINDS {
        let own = move |_: &Request<Bytes>| -> Result<(u16, &str), TransportError> {
            Err(TransportError::new(kind).with_source("the library's own text"))
        };
        let client = ClientBuilder::<Blocking>::new().key(key('a'));
        let error = client
            .build_with(fake(own))
            .unwrap()
            .send(flows())
            .unwrap_err();
        let client = ClientBuilder::<Async>::new().key(key('a'));
        let other = block_on(client.build_with(fake(own)).unwrap().send(flows())).unwrap_err();
        assert_eq!(error.to_string(), other.to_string());
        for error in [error, other] {
            assert_eq!(
                (error.kind(), error.name()),
                (ErrorKind::Transport(kind), kind.name())
            );
            assert_eq!(
                error.source().unwrap().to_string(),
                "the library's own text"
            );
            assert_eq!(error.service(), Some(Service::LeadConduit));
            assert_eq!(error.may_have_been_applied(), kind.is_after_connecting());
        }
    }
}

#[test]
fn one_deadline_spans_every_attempt() {
    let seconds = Duration::from_secs;
    let remaining = |end: &common::End| -> Vec<_> {
        end.seen
            .iter()
            .map(|seen| seen.remaining.unwrap())
            .collect()
    };
    let end = Pair::new("ab").send(&flows(), "a bad 25s, b 200 30s");
    assert_eq!(
        remaining(&end),
        [seconds(60), seconds(35)],
        "a minute by default"
    );
    assert_eq!(end.result, "200");

    let end = Pair::new("ab").send(&flows(), "a bad 25s, b 200 36s");
    assert_eq!(
        (end.result, end.preferred),
        ("timeout".to_owned(), "a".to_owned())
    );

    let pair = Pair::new("ab").with_timeout(seconds(10));
    let end = pair.send(&flows(), "a bad 10s, b 200");
    assert_eq!(
        remaining(&end),
        [seconds(10), Duration::ZERO],
        "never below zero"
    );
    let end = pair.send(&flows(), "b 200");
    assert_eq!(
        remaining(&end),
        [seconds(10)],
        "each call has its own deadline"
    );

    let with_timeout = |timeout| {
        let one = ClientBuilder::new().key(key('a')).timeout(timeout);
        Pair::build(one, ClientBuilder::new().key(key('a')).timeout(timeout))
    };
    let end = with_timeout(seconds(7)).send(&flows(), "a 200");
    assert_eq!(
        remaining(&end),
        [seconds(7)],
        "the builder sets another one"
    );
}

#[test]
fn a_request_can_have_its_own_timeout() {
    let transport = Scripted::new("a 200, a 200, a 200");
    let client = ClientBuilder::<Blocking>::new().key(key('a'));
    let client = client.build_with(Arc::clone(&transport)).unwrap();
    let timeout = Duration::from_secs(3);
    client
        .get(Service::LeadConduit, "/")
        .timeout(timeout)
        .send()
        .unwrap();
    client.get(Service::LeadConduit, "/").send().unwrap();
    let client = ClientBuilder::<Async>::new().key(key('a'));
    let client = client.build_with(Arc::clone(&transport)).unwrap();
    block_on(
        client
            .get(Service::LeadConduit, "/")
            .timeout(timeout)
            .send(),
    )
    .unwrap();
    let seen = transport.finish();
    let seconds: Vec<_> = seen
        .iter()
        .map(|seen| seen.remaining.unwrap().as_secs())
        .collect();
    assert_eq!(seconds, [3, 60, 3]);
}

#[test]
fn deadlines_of_any_length_neither_panic_nor_overflow() {
    let century = Duration::from_secs(100 * 366 * 24 * 60 * 60);
    for (timeout, remaining) in [
        (Duration::ZERO, Some(Duration::ZERO)),
        (Duration::from_nanos(1), Some(Duration::from_nanos(1))),
        (century, Some(century)),
        (Duration::MAX, None),
    ] {
        let pair = Pair::new("a");
        pair.send(&flows(), "a 200 1s");
        let end = pair.with_timeout(timeout).send(&flows(), "a 200");
        assert_eq!(end.seen[0].remaining, remaining, "{timeout:?}");
    }
    let late = Moment::after_start(Duration::MAX);
    let start = Moment::after_start(Duration::ZERO);
    let zero = Some(Duration::ZERO);
    assert_eq!(Deadline::after(late, Duration::ZERO).remaining(late), zero);
    assert_eq!(
        Deadline::after(late, Duration::from_nanos(1)),
        Deadline::NEVER
    );
    assert_eq!(Deadline::NEVER.remaining(late), None);
    assert_eq!(Deadline::after(start, Duration::ZERO).remaining(late), zero);

    let year = Duration::from_secs(365 * 24 * 60 * 60);
    assert_eq!(Deadline::NEVER.begin(late).unwrap(), None);
    assert_eq!(
        Deadline::after(start, century).begin(start).unwrap(),
        Some(year)
    );
    let error = Deadline::after(start, Duration::ZERO)
        .begin(start)
        .unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Timeout);
}

#[test]
fn transports_can_be_chosen_at_run_time() {
    let scripted = Scripted::new("a bad, b 200, a bad, b 200, a 200, a 200");
    let shared: Arc<dyn Transport> = scripted.clone();
    let client = ClientBuilder::<Blocking>::new()
        .keys(ring("ab"))
        .build_with(shared)
        .unwrap();
    client.send(flows()).unwrap();
    assert!(
        client
            .keys()
            .preferred(Product::LeadConduit)
            .unwrap()
            .is_same(&key('b'))
    );
    let shared: Arc<dyn AsyncTransport> = scripted.clone();
    let client = ClientBuilder::<Async>::new()
        .keys(ring("ab"))
        .build_with(shared)
        .unwrap();
    block_on(client.send(flows())).unwrap();

    let boxed: Box<dyn Transport> = Box::new(scripted.clone());
    let client = ClientBuilder::<Blocking>::new()
        .key(key('a'))
        .build_with(boxed)
        .unwrap();
    client.send(flows()).unwrap();
    let boxed: Box<dyn AsyncTransport> = Box::new(scripted.clone());
    let client = ClientBuilder::<Async>::new()
        .key(key('a'))
        .build_with(boxed)
        .unwrap();
    block_on(client.send(flows())).unwrap();
    assert_eq!(scripted.finish().len(), 6);
}

#[test]
fn a_clients_transport_can_be_used_by_itself() {
    let client = ClientBuilder::<Blocking>::new()
        .build_with(fake(|_| (200, "1")))
        .unwrap();
    let request = Request::new(Bytes::new());
    let response = client.transport().send(&request, Deadline::NEVER).unwrap();
    assert_eq!(response.body(), "1");
    client
        .transport()
        .sleep_until(Moment::after_start(Duration::from_secs(1)));
    assert_eq!(
        client.transport().now().since_start(),
        Duration::from_secs(1)
    );
}

#[test]
fn two_clients_on_one_ring_learn_together() {
    let keys = ring("ab");
    let one = ClientBuilder::<Blocking>::new().keys(keys.clone());
    let one = one.build_with(Scripted::new("a bad, b 200")).unwrap();
    let other = ClientBuilder::<Async>::new().keys(keys);
    let other = other.build_with(Scripted::new("b 200")).unwrap();
    assert_eq!(result(&one.send(flows())), "200");
    assert_eq!(result(&block_on(other.send(flows()))), "200");
}

#[test]
fn a_call_survives_the_replacement_of_every_key() {
    let keys = ring("ab");
    let (replaced, sent) = (keys.clone(), Arc::new(Mutex::new(String::new())));
    let keep = Arc::clone(&sent);
    let transport = fake(move |request: &Request<Bytes>| {
        // The keys are replaced while the first request is on its way.
        replaced.replace([key('c')]).unwrap();
        keep.lock().unwrap().push(sent_key(request));
        if sent_key(request) == 'c' {
            (200, "")
        } else {
            (401, BAD)
        }
    });
    let client = ClientBuilder::<Blocking>::new()
        .keys(keys)
        .build_with(transport)
        .unwrap();
    assert_eq!(result(&client.send(flows())), "200");
    assert_eq!(*sent.lock().unwrap(), "ac");
}

#[test]
fn dropping_a_call_at_any_await_leaves_the_ring_unchanged() {
    let mut context = Context::from_waker(Waker::noop());
    let mut polls = 0;
    loop {
        let transport = Scripted::pending(2, "a bad, b 200");
        let client = ClientBuilder::<Async>::new().keys(ring("ab"));
        let client = client.build_with(Arc::clone(&transport)).unwrap();
        let has_ended = {
            let mut call = pin!(client.send(flows()));
            (0..polls).any(|_| call.as_mut().poll(&mut context).is_ready())
        };
        let preferred = client.keys().preferred(Product::LeadConduit).unwrap();
        if has_ended {
            assert!(
                preferred.is_same(&key('b')),
                "the call that was not dropped has learnt"
            );
            break;
        }
        assert!(preferred.is_same(&key('a')), "dropped after {polls} polls");
        let sent = transport.restart("a bad, b 200").len();
        assert_eq!(
            sent,
            usize::from(polls > 2),
            "two pending polls come before each answer"
        );
        assert_eq!(result(&block_on(client.send(flows()))), "200");
        polls += 1;
    }
    assert_eq!(
        polls, 5,
        "before the first poll, and at each of the four awaits"
    );
}

#[test]
fn nothing_is_sent_before_the_first_poll() {
    let transport = Scripted::pending(1, "");
    let client = ClientBuilder::<Async>::new().key(key('a'));
    let client = client.build_with(Arc::clone(&transport)).unwrap();
    drop(client.send(flows()));
    let mut call = pin!(client.send(flows()));
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(call.as_mut().poll(&mut context), Poll::Pending));
    assert!(transport.finish().is_empty());
}

/// A transport that needs a root certificate.
struct Rooted;

impl Connect for Rooted {
    fn connect(config: &TransportConfig) -> Result<Self, TransportError> {
        if config.mozilla_roots || !config.root_pems.is_empty() {
            Ok(Self)
        } else {
            Err(TransportError::setup("there are no roots at all"))
        }
    }
}

impl Transport for Rooted {
    fn now(&self) -> Moment {
        Moment::after_start(Duration::ZERO)
    }

    fn sleep_until(&self, _: Moment) {}

    fn send(
        &self,
        _: &Request<Bytes>,
        _: Deadline,
    ) -> Result<http::Response<Bytes>, TransportError> {
        Ok(http::Response::default())
    }
}

#[async_trait::async_trait]
impl AsyncTransport for Rooted {
    fn now(&self) -> Moment {
        Transport::now(self)
    }

    async fn sleep_until(&self, _: Moment) {}

    async fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<http::Response<Bytes>, TransportError> {
        Transport::send(self, request, deadline)
    }
}

#[test]
fn builders_make_their_own_transport() {
    let one = || ClientBuilder::<Blocking, Rooted>::new().key(key('a'));
    let other = || ClientBuilder::<Async, Rooted>::new().key(key('a'));
    let rootless = TransportConfig::new().mozilla_roots(false);
    let own_root = rootless.clone().root_pem("pem");
    assert!(one().build().unwrap().send(flows()).is_ok());
    assert!(one().build_with_config(&own_root).is_ok());
    assert!(block_on(other().build().unwrap().send(flows())).is_ok());
    assert!(other().build_with_config(&own_root).is_ok());
    for error in [
        one().build_with_config(&rootless).unwrap_err(),
        other().build_with_config(&rootless).unwrap_err(),
    ] {
        assert_eq!(
            error.kind(),
            ErrorKind::Transport(TransportErrorKind::Setup)
        );
        assert_eq!(
            error.to_string(),
            "a setting of the transport cannot be used"
        );
        assert_eq!(
            error.source().unwrap().to_string(),
            "there are no roots at all"
        );
        assert_eq!(error.hint(), Hint::ChangeSettings);
    }
}

#[test]
fn settings_that_cannot_be_used_are_build_errors() {
    let both = |one: ClientBuilder<Blocking>, other: ClientBuilder<Async>| {
        let errors = [
            one.build_with(Scripted::new("")).unwrap_err(),
            other.build_with(Scripted::new("")).unwrap_err(),
        ];
        errors.map(|error| {
            assert_eq!((error.kind(), error.name()), (ErrorKind::Build, "build"));
            assert_eq!(
                (error.hint(), error.may_retry()),
                (Hint::ChangeSettings, false)
            );
            assert!(!error.may_have_been_applied());
            error.to_string()
        })
    };
    let text = "the client was given both `key` and `keys`; give one of them";
    let one = ClientBuilder::new().key(key('a')).keys(ring("ab"));
    let other = ClientBuilder::new().keys(ring("ab")).key(key('a'));
    assert_eq!(both(one, other), [text; 2]);

    let text = "the user agent is not printable ASCII";
    for agent in ["a\r\nX-Injected: 1", "caf\u{e9}", "\t", "a\0", "\u{7f}"] {
        let one = ClientBuilder::new().user_agent(agent);
        assert_eq!(both(one, ClientBuilder::new().user_agent(agent)), [text; 2]);
    }
}

#[test]
fn the_origins_of_the_builder_are_where_requests_go() {
    let origins = || {
        let loopback = Origin::parse_loopback("http://127.0.0.1:8001").unwrap();
        Origins::vendor()
            .with(Service::LeadConduit, loopback)
            .unwrap()
    };
    let one = ClientBuilder::new().key(key('a')).origins(origins());
    let other = ClientBuilder::new().key(key('a')).origins(origins());
    let pair = Pair::build(one, other);
    let end = pair.send(&Draft::get(Service::LeadConduit, "/flows"), "a 200");
    assert_eq!(end.seen[0].uri, "http://127.0.0.1:8001/flows");
    let end = pair.send(&Draft::get(Service::TrustedForm, "/x"), "a 200");
    assert_eq!(end.seen[0].uri, "https://cert.trustedform.com/x");

    // A whole URL is only accepted at one of these origins.
    let draft =
        |url: &str| Draft::from_http(Request::get(url).body("").unwrap(), pair.blocking.origins());
    let end = pair.send(&draft("http://127.0.0.1:8001/flows?a=b").unwrap(), "a 200");
    assert_eq!(end.seen[0].uri, "http://127.0.0.1:8001/flows?a=b");
    assert!(draft("https://app.leadconduit.com/flows").is_err());
}

#[test]
fn many_threads_share_one_client() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let transport = fake(move |request: &Request<Bytes>| {
        assert_eq!(sent_key(request), 'a');
        counted.fetch_add(1, Ordering::Relaxed);
        (200, "")
    });
    let client = ClientBuilder::<Blocking>::new()
        .key(key('a'))
        .build_with(transport)
        .unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..8 {
                    assert_eq!(result(&client.send(flows())), "200");
                }
            });
        }
    });
    assert_eq!(sent.load(Ordering::Relaxed), 64);
}

/// Compiles only for what can be moved to, or shared with, other threads and tasks.
#[test]
fn what_threads_and_tasks_share_can_be_shared() {
    fn shared<T: Send + Sync + Clone>() {}
    fn moved<T: Send + Sync>() {}
    fn sent<T: Send>() {}
    fn spawned<T: Send + 'static>(value: T) -> T {
        value
    }
    shared::<Client<Blocking>>();
    shared::<Client<Async>>();
    moved::<RequestBuilder<Blocking>>();
    moved::<RequestBuilder<Async>>();
    moved::<ClientBuilder<Blocking, Rooted>>();
    moved::<ClientBuilder<Async, Rooted>>();
    moved::<FakeTransport<fn(&Request<Bytes>) -> (u16, &'static str)>>();
    moved::<TransportConfig>();
    moved::<Proxy>();
    moved::<KeySourceError>();
    moved::<Box<dyn KeySource>>();
    moved::<Box<dyn AsyncKeySource>>();
    moved::<Error>();
    moved::<Response>();
    sent::<Pages<Numbers, Blocking>>();
    sent::<Pages<Numbers, Async>>();
    sent::<Items<Numbers, Blocking>>();
    sent::<Items<Numbers, Async>>();

    let client = ClientBuilder::<Async>::new().key(key('a'));
    let client = client
        .build_with(Scripted::new("a 200, a 200, a 200"))
        .unwrap();
    let call = spawned(client.get(Service::LeadConduit, "/").send());
    let task = std::thread::spawn(move || block_on(call));
    assert_eq!(result(&task.join().unwrap()), "200");

    // The futures of a borrowed client can be awaited on any thread too.
    let (send, call) = (
        client.send(flows()),
        client.call(Call::<Vec<u32>>::new(flows())),
    );
    std::thread::scope(|scope| {
        scope.spawn(move || block_on(send).unwrap());
        scope.spawn(move || assert!(block_on(call).unwrap().is_empty()));
    });
}
