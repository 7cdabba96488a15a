//! Where keys come from when every known one was rejected: one call asks for all, and not too often.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::VecDeque;
use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use ap_client::transport::{AsyncTransport, Deadline, Moment, Transport, TransportError};
use ap_client::{
    Async, AsyncKeySource, Blocking, Client, ClientBuilder, KeySource, KeySourceError, fake,
};
use ap_core::{ApiKey, Error, KeyRing, Product, Response};
use async_trait::async_trait;
use bytes::Bytes;
use common::{
    BAD, Pair, Scripted, block_on, flows, key, keys, pending_times, result, ring, sent_key,
};
use http::Request;

/// Returns its answers, one each time, and keeps what it was told remains. An answer is the letters of keys, or
/// an error after a `!`. As an async source it is pending a set number of times before each answer.
#[derive(Clone, Default)]
struct Answers(Arc<AnswersState>);

#[derive(Default)]
struct AnswersState {
    answers: Mutex<VecDeque<&'static str>>,
    asked: Mutex<Vec<Option<Duration>>>,
    pending: usize,
}

impl Answers {
    /// Answers have commas between them.
    fn new(pending: usize, answers: &'static str) -> Self {
        let answers = answers.split(',').map(str::trim);
        Self(Arc::new(AnswersState {
            answers: Mutex::new(answers.collect()),
            asked: Mutex::default(),
            pending,
        }))
    }

    fn times(&self) -> usize {
        self.0.asked.lock().unwrap().len()
    }

    /// Returns the seconds that remained, each time.
    fn seconds(&self) -> Vec<u64> {
        let asked = self.0.asked.lock().unwrap();
        asked
            .iter()
            .map(|remaining| remaining.unwrap().as_secs())
            .collect()
    }

    fn answer(&self, remaining: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        self.0.asked.lock().unwrap().push(remaining);
        let answer = self
            .0
            .answers
            .lock()
            .unwrap()
            .pop_front()
            .expect("asked too often");
        match answer.strip_prefix('!') {
            Some(text) => Err(KeySourceError::new(text).with_source(std::fmt::Error)),
            None => Ok(keys(answer)),
        }
    }
}

impl KeySource for Answers {
    fn keys(&self, remaining: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        self.answer(remaining)
    }
}

#[async_trait]
impl AsyncKeySource for Answers {
    async fn keys(&self, remaining: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        let answer = self.answer(remaining);
        pending_times(self.0.pending).await;
        answer
    }
}

/// Makes these calls, `exchanges -> result`, with clients that have these keys and this source. Returns the
/// seconds that remained each time the source was asked, and the key that is preferred at the end.
fn calls(letters: &str, answers: &'static str, calls: &[&str]) -> (Vec<u64>, String) {
    let (source, other) = (Answers::new(0, answers), Answers::new(2, answers));
    let pair = Pair::build(
        ClientBuilder::<Blocking>::new()
            .keys(ring(letters))
            .key_source(source.clone()),
        ClientBuilder::<Async>::new()
            .keys(ring(letters))
            .key_source(other.clone()),
    );
    let mut preferred = String::new();
    for row in calls {
        let (script, expected) = row.split_once("->").unwrap();
        let end = pair.send(&flows(), script);
        assert_eq!(end.result, expected.trim(), "{row}");
        preferred = end.preferred;
    }
    assert_eq!(source.seconds(), other.seconds());
    (source.seconds(), preferred)
}

const TOO_LONG: &str = "the key source took longer than the call may take";

#[test]
fn a_source_is_asked_when_every_key_was_rejected_and_not_before() {
    let none = calls(
        "a",
        "",
        &[
            "a 200 -> 200",
            "a 403 -> 403",
            "a plan -> 401",
            "a 500 -> 500",
        ],
    );
    assert_eq!(none, (vec![], "a".to_owned()));
    let asked = calls("ab", "bc", &["a bad, b bad, c 200 -> 200", "c 200 -> 200"]);
    assert_eq!(asked, (vec![60], "c".to_owned()));
}

#[test]
fn a_client_without_a_key_gets_its_first_from_the_source() {
    let asked = calls("", "a", &["a 200 -> 200", "a 200 -> 200"]);
    assert_eq!(asked, (vec![60], "a".to_owned()));
    // A rejection in the same second is a reason to ask again: the file has another key by now.
    let rejected = "b bad, a bad -> auth ba";
    let asked = calls(
        "",
        "a, ab",
        &["a 200 -> 200", "a bad, b 200 -> 200", rejected],
    );
    assert_eq!(asked, (vec![60, 60], "b".to_owned()));
    let asked = calls("", "", &["-> auth", "-> auth"]);
    assert_eq!(
        asked,
        (vec![60], String::new()),
        "no keys are an answer too"
    );
}

#[test]
fn an_unsigned_call_never_asks() {
    let source = Answers::new(0, "a");
    let client = ClientBuilder::<Blocking>::new().key_source(source.clone());
    let client = client.build_with(Scripted::new("- 200, - bad")).unwrap();
    for _ in 0..2 {
        client.send(flows().unsigned()).unwrap();
    }
    assert_eq!(source.times(), 0);
}

#[test]
fn an_answer_is_shared_for_a_second_a_failure_too() {
    let (asked, preferred) = calls(
        "a",
        "!the vault is locked, a, b",
        &[
            "a bad           -> auth a: the vault is locked",
            "a bad           -> auth a: the vault is locked",
            // A second later it is asked again. It has no new key.
            "a bad 1s        -> auth a",
            "a bad           -> auth a",
            "a bad 1s, b 200 -> 200",
            "b 200           -> 200",
        ],
    );
    assert_eq!(asked, [60, 59, 59], "it is told what remains of the call");
    assert_eq!(preferred, "b");
}

#[test]
fn a_call_asks_once_whatever_the_source_returns() {
    let asked = calls("a", "bcd", &["a bad, b bad 5s, c bad, d bad -> auth abcd"]);
    assert_eq!(asked, (vec![60], "b".to_owned()));
}

#[test]
fn of_too_many_keys_the_newest_are_kept() {
    let asked = calls("a", "abcde", &["a bad, c bad, d bad, e 200 -> 200"]);
    assert_eq!(asked, (vec![60], "e".to_owned()));
}

#[test]
fn the_minimum_interval_can_be_set() {
    for (interval, times) in [(Duration::ZERO, 3), (Duration::MAX, 1)] {
        let (source, other) = (Answers::new(0, "a, a, a"), Answers::new(0, "a, a, a"));
        let one = ClientBuilder::<Blocking>::new()
            .key(key('a'))
            .key_source(source.clone());
        let two = ClientBuilder::<Async>::new()
            .key(key('a'))
            .key_source(other.clone());
        let pair = Pair::build(
            one.min_refresh_interval(interval),
            two.min_refresh_interval(interval),
        );
        for _ in 0..3 {
            assert_eq!(pair.send(&flows(), "a bad").result, "auth a");
        }
        assert_eq!(
            (source.times(), other.times()),
            (times, times),
            "{interval:?}"
        );
    }
}

#[test]
fn a_call_without_time_left_does_not_ask() {
    let row = format!("a bad 60s -> auth a: {TOO_LONG}");
    assert_eq!(calls("a", "", &[&row]), (vec![], "a".to_owned()));
}

#[test]
fn without_a_key_the_error_says_why_the_source_has_none() {
    let (source, other) = (
        Answers::new(0, "!the vault is locked"),
        Answers::new(1, "!the vault is locked"),
    );
    let pair = Pair::build(
        ClientBuilder::<Blocking>::new().key_source(source),
        ClientBuilder::<Async>::new().key_source(other),
    );
    let end = pair.send(&flows(), "");
    assert_eq!(end.result, "auth : the vault is locked");
    let (text, _) = end.text.unwrap();
    assert_eq!(
        text,
        "there is no API key for LeadConduit; the key source failed"
    );
    let (text, _) = Pair::new("").send(&flows(), "").text.unwrap();
    assert_eq!(text, "there is no API key for LeadConduit");
}

#[test]
fn after_rejected_keys_too_the_error_says_why_the_source_has_no_others() {
    let client = ClientBuilder::<Blocking>::new()
        .key(key('a'))
        .key_source(Answers::new(0, "!the vault is locked"))
        .build_with(fake(|_| (401, r#"{"error":"authentication failed"}"#)))
        .unwrap();
    let error = client.send(flows()).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"LeadConduit rejected the API key: "a"; the key source failed"#
    );
    let why = std::error::Error::source(&error).map(ToString::to_string);
    assert_eq!(why.as_deref(), Some("the vault is locked"));
}

#[test]
fn that_a_source_failed_is_shared_with_calls_that_have_more_time() {
    let source = Answers::new(0, "!the vault is locked");
    let client = ClientBuilder::<Blocking>::new()
        .key(key('a'))
        .key_source(source.clone());
    let client = client.build_with(Scripted::new("a bad, a bad")).unwrap();
    let patient = client.with_timeout(Duration::from_secs(3600));
    assert_eq!(result(&client.send(flows())), "auth a: the vault is locked");
    assert_eq!(
        result(&patient.send(flows())),
        "auth a: the vault is locked"
    );
    assert_eq!(source.times(), 1);
}

/// Accepts the key `b` alone, from any number of calls at once, and counts them.
#[derive(Default)]
struct AcceptsB {
    requests: AtomicUsize,
    /// Every call finds its key rejected before any of them continues.
    barrier: Option<Barrier>,
    /// A clock, in seconds.
    now: AtomicUsize,
}

impl AcceptsB {
    fn new() -> Arc<Self> {
        Arc::default()
    }

    fn moment(&self) -> Moment {
        Moment::after_start(Duration::from_secs(self.now.load(Ordering::Relaxed) as u64))
    }

    fn answer(&self, request: &Request<Bytes>) -> http::Response<Bytes> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if sent_key(request) == 'b' {
            return http::Response::default();
        }
        if let Some(barrier) = &self.barrier {
            barrier.wait();
        }
        let rejected = http::Response::builder().status(401);
        rejected.body(Bytes::from_static(BAD.as_bytes())).unwrap()
    }
}

/// Over by the time that anybody waits for it.
const SOON: Duration = Duration::from_millis(1);

impl Transport for AcceptsB {
    fn now(&self) -> Moment {
        self.moment()
    }

    fn sleep_until(&self, _: Moment) {}

    fn send(
        &self,
        request: &Request<Bytes>,
        _: Deadline,
    ) -> Result<http::Response<Bytes>, TransportError> {
        Ok(self.answer(request))
    }
}

#[async_trait]
impl AsyncTransport for AcceptsB {
    fn now(&self) -> Moment {
        self.moment()
    }

    async fn sleep_until(&self, moment: Moment) {
        if moment.since_start() > SOON {
            pending::<()>().await;
        }
    }

    async fn send(
        &self,
        request: &Request<Bytes>,
        _: Deadline,
    ) -> Result<http::Response<Bytes>, TransportError> {
        Ok(self.answer(request))
    }
}

/// Takes a second for each answer, on the transport's clock. The first one is an error.
#[derive(Clone)]
struct Slow(Arc<AcceptsB>);

impl Slow {
    fn answer(&self) -> Result<Vec<ApiKey>, KeySourceError> {
        match self.0.now.fetch_add(1, Ordering::Relaxed) {
            0 => Err(KeySourceError::new("killed after a second")),
            _ => Ok(keys("ab")),
        }
    }
}

impl KeySource for Slow {
    fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        self.answer()
    }
}

#[async_trait]
impl AsyncKeySource for Slow {
    async fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        self.answer()
    }
}

#[test]
fn that_the_time_of_one_call_ran_out_is_not_shared_with_calls_that_have_more() {
    const HOUR: Duration = Duration::from_secs(3600);
    let check = |transport: &AcceptsB, send: &dyn Fn(Duration) -> String| {
        let ran_out = "auth a: killed after a second";
        let times = || transport.now.load(Ordering::Relaxed);
        assert_eq!(send(Duration::from_secs(1)), ran_out);
        assert_eq!(send(Duration::from_secs(1)), ran_out);
        assert_eq!(
            times(),
            1,
            "a call with no more time than that shares the answer"
        );
        assert_eq!(send(Duration::from_secs(2)), "200");
        assert_eq!(times(), 2);
    };
    let transport = AcceptsB::new();
    let client = ClientBuilder::<Blocking>::new()
        .key(key('a'))
        .min_refresh_interval(HOUR);
    let client = client
        .key_source(Slow(transport.clone()))
        .build_with(transport.clone())
        .unwrap();
    check(&transport, &|time| {
        result(&client.with_timeout(time).send(flows()))
    });

    let transport = AcceptsB::new();
    let client = ClientBuilder::<Async>::new()
        .key(key('a'))
        .min_refresh_interval(HOUR);
    let client = client
        .key_source(Slow(transport.clone()))
        .build_with(transport.clone())
        .unwrap();
    check(&transport, &|time| {
        result(&block_on(client.with_timeout(time).send(flows())))
    });
}

const CALLS: usize = 16;

#[test]
fn threads_ask_once_for_all() {
    let source = Answers::new(0, "ab");
    let transport = Arc::new(AcceptsB {
        barrier: Some(Barrier::new(CALLS)),
        ..AcceptsB::default()
    });
    let client = ClientBuilder::<Blocking>::new()
        .key(key('a'))
        .key_source(source.clone());
    let client = client.build_with(transport.clone()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..CALLS {
            scope.spawn(|| assert_eq!(result(&client.send(flows())), "200"));
        }
    });
    assert_eq!(source.times(), 1);
    // Had a call gone on before the new keys were in the ring, it would have failed or asked.
    assert_eq!(transport.requests.load(Ordering::Relaxed), 2 * CALLS);
}

/// However loaded the machine, nothing here takes as long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Says that it is asked, and answers once it is told to.
struct Held(Mutex<Receiver<()>>, Sender<()>);

impl KeySource for Held {
    fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        self.1.send(()).unwrap();
        match self.0.lock().unwrap().recv_timeout(PATIENCE) {
            Ok(()) => Ok(keys("b")),
            Err(_) => Err(KeySourceError::new("nobody told it to answer")),
        }
    }
}

#[test]
fn a_thread_waits_for_the_source_no_longer_than_its_call_may_take() {
    let ((release, held), (asks, begun)) = (channel(), channel());
    let client = ClientBuilder::<Blocking>::new().key(key('a'));
    let client = client.key_source(Held(Mutex::new(held), asks));
    let client = client.build_with(AcceptsB::new()).unwrap();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| result(&client.send(flows())));
        begun.recv_timeout(PATIENCE).unwrap();
        let hurried = client.with_timeout(Duration::from_millis(1));
        assert_eq!(
            result(&hurried.send(flows())),
            format!("auth a: {TOO_LONG}")
        );
        release.send(()).unwrap();
        assert_eq!(asking.join().unwrap(), "200");
    });
}

/// Counts how often it is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

type Call = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

/// Calls that can be polled one by one.
struct Tasks(Vec<(Option<Call>, Arc<Woken>)>);

impl Tasks {
    fn start(client: &Client<Async>, calls: usize) -> Self {
        let call = |_| {
            let client = client.clone();
            let call: Call = Box::pin(async move { client.send(flows()).await });
            (Some(call), Arc::default())
        };
        Self((0..calls).map(call).collect())
    }

    /// Polls a call and returns its result, if it ends.
    fn poll(&mut self, at: usize) -> Option<String> {
        let (call, woken) = &mut self.0[at];
        let waker = Waker::from(Arc::clone(woken));
        let mut context = Context::from_waker(&waker);
        match call.as_mut().unwrap().as_mut().poll(&mut context) {
            Poll::Ready(outcome) => {
                *call = None;
                Some(result(&outcome))
            }
            Poll::Pending => None,
        }
    }

    fn drop_call(&mut self, at: usize) {
        self.0[at].0 = None;
    }

    fn woken(&self, at: usize) -> usize {
        self.0[at].1.0.load(Ordering::Relaxed)
    }
}

fn polled(source: &Answers) -> (Client<Async>, Arc<AcceptsB>) {
    let transport = AcceptsB::new();
    let client = ClientBuilder::<Async>::new()
        .key(key('a'))
        .key_source(source.clone());
    (client.build_with(transport.clone()).unwrap(), transport)
}

#[test]
fn tasks_ask_once_for_all_and_the_others_sleep() {
    let source = Answers::new(1, "ab");
    let (client, transport) = polled(&source);
    let mut tasks = Tasks::start(&client, CALLS);
    for at in (0..CALLS).chain(1..CALLS) {
        assert_eq!(tasks.poll(at), None);
    }
    assert_eq!(source.times(), 1);
    assert_eq!(tasks.woken(1), 0, "a call that waits is not polled in vain");
    assert_eq!(tasks.poll(0).as_deref(), Some("200"));
    for at in 1..CALLS {
        assert_eq!(tasks.woken(at), 1);
        assert_eq!(tasks.poll(at).as_deref(), Some("200"));
    }
    assert_eq!(source.times(), 1);
    assert_eq!(transport.requests.load(Ordering::Relaxed), 2 * CALLS);
}

/// Keeps how many keys the ring has when it is woken.
struct SeesKeys(KeyRing, AtomicUsize);

impl Wake for SeesKeys {
    fn wake(self: Arc<Self>) {
        self.1.store(self.0.len(), Ordering::Relaxed);
    }
}

#[test]
fn new_keys_are_in_the_ring_before_a_call_that_waits_is_woken() {
    let source = Answers::new(1, "abc");
    let (client, _) = polled(&source);
    let mut asks = Tasks::start(&client, 1);
    assert_eq!(asks.poll(0), None);
    let sees = Arc::new(SeesKeys(client.keys().clone(), AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&sees));
    let mut waits = pin!(client.send(flows()));
    let mut context = Context::from_waker(&waker);
    assert!(waits.as_mut().poll(&mut context).is_pending());
    assert_eq!(asks.poll(0).as_deref(), Some("200"));
    assert_eq!(sees.1.load(Ordering::Relaxed), 3);
}

#[test]
fn a_call_that_is_dropped_while_it_asks_lets_the_next_one_ask() {
    let source = Answers::new(1, "ab, ab");
    let (client, _) = polled(&source);
    let mut tasks = Tasks::start(&client, 4);
    for at in 0..3 {
        assert_eq!(tasks.poll(at), None);
    }
    tasks.drop_call(1);
    assert_eq!(
        Arc::strong_count(&tasks.0[1].1),
        1,
        "nobody keeps a call that was dropped"
    );
    tasks.drop_call(0);
    assert_eq!(tasks.woken(2), 1);
    assert_eq!(tasks.poll(2), None, "this one asks now");
    assert_eq!(source.times(), 2);
    assert_eq!(tasks.poll(3), None);
    assert_eq!(tasks.poll(2).as_deref(), Some("200"));
    assert_eq!(tasks.poll(3).as_deref(), Some("200"));
    assert_eq!(source.times(), 2);
}

#[test]
fn a_call_that_is_dropped_after_it_was_woken_loses_no_wake() {
    let source = Answers::new(1, "ab, ab");
    let (client, _) = polled(&source);
    let mut tasks = Tasks::start(&client, 3);
    for at in 0..3 {
        assert_eq!(tasks.poll(at), None);
    }
    tasks.drop_call(0);
    assert_eq!((tasks.woken(1), tasks.woken(2)), (1, 1));
    tasks.drop_call(1);
    assert_eq!(tasks.poll(2), None, "it asks");
    assert_eq!(tasks.poll(2).as_deref(), Some("200"));
    assert_eq!(source.times(), 2);
}

#[test]
fn the_deadline_of_a_call_spans_its_wait_for_the_source() {
    let source = Answers::new(usize::MAX, "ab, ab, ab");
    let (client, _) = polled(&source);
    let too_long = format!("auth a: {TOO_LONG}");
    // A call without a deadline waits as long as it takes.
    let mut endless = Tasks::start(&client.with_timeout(Duration::MAX), 1);
    assert_eq!((endless.poll(0), endless.poll(0)), (None, None));
    drop(endless);
    let mut asks = Tasks::start(&client, 1);
    assert_eq!(asks.poll(0), None);
    let mut late = Tasks::start(&client.with_timeout(SOON), 1);
    assert_eq!(
        late.poll(0),
        Some(too_long.clone()),
        "it waited for its turn"
    );
    asks.drop_call(0);
    let mut late = Tasks::start(&client.with_timeout(SOON), 1);
    assert_eq!(late.poll(0), Some(too_long), "it asked by itself");
    assert_eq!(source.times(), 3);
}

#[test]
fn a_source_that_panics_does_so_for_one_call() {
    struct Panics(AtomicUsize);
    impl KeySource for Panics {
        fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
            assert!(self.0.fetch_add(1, Ordering::Relaxed) > 0, "for once");
            Ok(keys("b"))
        }
    }
    let client = ClientBuilder::<Blocking>::new().key(key('a'));
    let client = client.key_source(Panics(AtomicUsize::new(0)));
    let client = client
        .build_with(Scripted::new("a bad, a bad, b 200"))
        .unwrap();
    let calling = std::thread::scope(|scope| scope.spawn(|| client.send(flows())).join());
    calling.unwrap_err();
    assert_eq!(result(&client.send(flows())), "200");
}

#[test]
fn sources_can_be_chosen_at_run_time() {
    let answers = || Answers::new(0, "a");
    let shared: Arc<dyn KeySource> = Arc::new(answers());
    let boxed: Box<dyn KeySource> = Box::new(answers());
    for builder in [
        ClientBuilder::<Blocking>::new().key_source(shared),
        ClientBuilder::<Blocking>::new().key_source(boxed),
    ] {
        let client = builder.build_with(fake(|_| (200, ""))).unwrap();
        assert_eq!(result(&client.send(flows())), "200");
    }
    let shared: Arc<dyn AsyncKeySource> = Arc::new(answers());
    let boxed: Box<dyn AsyncKeySource> = Box::new(answers());
    for builder in [
        ClientBuilder::<Async>::new().key_source(shared),
        ClientBuilder::<Async>::new().key_source(boxed),
    ] {
        let client = builder.build_with(fake(|_| (200, ""))).unwrap();
        assert_eq!(result(&block_on(client.send(flows()))), "200");
        assert!(
            client
                .keys()
                .preferred(Product::LeadConduit)
                .unwrap()
                .is_same(&key('a'))
        );
    }
}

#[test]
fn an_error_of_a_source_shows_its_text_and_what_is_behind_it() {
    use std::error::Error as _;
    let error = KeySourceError::new("the vault is locked").with_source(std::fmt::Error);
    let copy = error.clone();
    assert_eq!(copy.to_string(), "the vault is locked");
    assert_eq!(
        copy.source().unwrap().to_string(),
        std::fmt::Error.to_string()
    );
    assert!(KeySourceError::new("").source().is_none());
    assert!(format!("{error:?}").contains("the vault is locked"));
}

#[test]
fn nothing_of_a_source_shows_a_key() {
    let source: Arc<dyn KeySource> = Arc::new(Answers::new(0, "ab"));
    let builder = ClientBuilder::<Blocking>::new().key_source(source);
    let shown = format!("{builder:?}");
    let client = builder.build_with(Scripted::new("a bad, b bad")).unwrap();
    let error = client.send(flows()).unwrap_err();
    let shown = format!("{shown}{client:?}{error:?}{error}");
    assert!(!shown.contains("placeholder"), "{shown}");
}
