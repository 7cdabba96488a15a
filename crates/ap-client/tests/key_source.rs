//! Where keys come from when every known one was refused: asked by one call for all, and not too often.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::VecDeque;
use std::error::Error as _;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use ap_core::{
    ApiKey, AsyncClient, AsyncKeySource, AsyncTransport, CallError, Client, Deadline, KeyRing,
    KeySource, Moment, Product, SourceError, Transport, TransportError, Why,
};
use async_trait::async_trait;
use bytes::Bytes;
use common::Reply::{After, Answer};
use common::{BAD, Pending, Scripted, block_on, key, ring};
use http::{Request, Response};

const REFUSED: common::Reply = Answer(401, BAD);

/// Says what it is told to say, once each, and remembers what was asked of it. As an async source it is
/// pending a set number of times before each answer.
#[derive(Clone, Default)]
struct Said(Arc<SaidState>);

#[derive(Default)]
struct SaidState {
    answers: Mutex<VecDeque<Result<&'static str, &'static str>>>,
    asked: Mutex<Vec<Option<Duration>>>,
    pending: usize,
}

impl Said {
    fn new(pending: usize, answers: &[Result<&'static str, &'static str>]) -> Self {
        Self(Arc::new(SaidState {
            answers: Mutex::new(answers.iter().copied().collect()),
            asked: Mutex::default(),
            pending,
        }))
    }

    fn times(&self) -> usize {
        self.0.asked.lock().unwrap().len()
    }

    fn answer(&self, left: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        self.0.asked.lock().unwrap().push(left);
        let answer = self.0.answers.lock().unwrap().pop_front();
        match answer.expect("asked too often") {
            Ok(letters) => Ok(letters.chars().map(key).collect()),
            Err(text) => Err(SourceError::new(text).with_source(std::fmt::Error)),
        }
    }
}

impl KeySource for Said {
    fn keys(&self, left: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        self.answer(left)
    }
}

#[async_trait]
impl AsyncKeySource for Said {
    async fn keys(&self, left: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        let answer = self.answer(left);
        Pending(self.0.pending).await;
        answer
    }
}

/// What a caller sees of one call: the status, or why it failed, with the keys that were tried and the
/// source's own words.
#[derive(Debug, PartialEq)]
enum End {
    Status(u16),
    Failed(Why, String, Option<String>),
}

fn end(outcome: Result<Response<Bytes>, CallError>) -> End {
    match outcome {
        Ok(response) => End::Status(response.status().as_u16()),
        Err(CallError::Auth(refusal)) => {
            let said = refusal.source_error().map(ToString::to_string);
            assert_eq!(refusal.source().map(ToString::to_string), said);
            if let Some(source) = refusal.source() {
                let deeper = source.source().map(ToString::to_string);
                assert!(deeper.is_none_or(|text| text == std::fmt::Error.to_string()));
            }
            let tried = refusal.error().refused().iter();
            End::Failed(
                refusal.error().why(),
                tried.map(|one| one.label().unwrap()).collect(),
                said,
            )
        }
        Err(error) => panic!("{error}"),
    }
}

fn request() -> Request<Bytes> {
    Request::get("https://app.leadconduit.com/flows")
        .body(Bytes::new())
        .unwrap()
}

/// The same calls on both clients, which must end alike; each call brings its own replies.
fn both(
    letters: &str,
    answers: &[Result<&'static str, &'static str>],
    calls: &[&[common::Reply]],
) -> (Vec<End>, Vec<Option<Duration>>, String) {
    let firsts = |ring: &KeyRing| {
        let first = ring.first(Product::LeadConduit);
        first.map_or(String::new(), |key| key.label().unwrap().to_owned())
    };
    let source = Said::new(0, answers);
    let client = Client::builder()
        .keys(ring(letters))
        .key_source(source.clone());
    let client = client.build_with(Scripted::new(&[])).unwrap();
    let ends: Vec<_> = calls
        .iter()
        .map(|replies| {
            client.transport().expect(replies);
            let ended = end(client.send(request()));
            assert_eq!(client.transport().left_over(), 0);
            ended
        })
        .collect();
    let asked = source.0.asked.lock().unwrap().clone();

    let source = Said::new(2, answers);
    let other = AsyncClient::builder()
        .keys(ring(letters))
        .key_source(source.clone());
    let other = other.build_with(Scripted::new(&[]).pending(1)).unwrap();
    for (replies, expected) in calls.iter().zip(&ends) {
        other.transport().expect(replies);
        assert_eq!(&end(block_on(other.send(request()))), expected);
        assert_eq!(other.transport().left_over(), 0);
    }
    assert_eq!(*source.0.asked.lock().unwrap(), asked);
    assert_eq!(other.transport().seen(), client.transport().seen());
    assert_eq!(firsts(other.keys()), firsts(client.keys()));
    (ends, asked, firsts(client.keys()))
}

#[test]
fn a_source_is_asked_when_every_key_was_refused_and_not_before() {
    let (ends, asked, first) = both("a", &[], &[&[Answer(200, "")], &[Answer(403, "")]]);
    assert_eq!(ends, [End::Status(200), End::Status(403)]);
    assert_eq!((asked.len(), first.as_str()), (0, "a"));

    let (ends, asked, first) = both(
        "ab",
        &[Ok("bc")],
        &[&[REFUSED, REFUSED, Answer(200, "")], &[Answer(200, "")]],
    );
    assert_eq!(ends, [End::Status(200), End::Status(200)]);
    assert_eq!((asked.len(), first.as_str()), (1, "c"));
}

#[test]
fn a_client_without_a_key_gets_its_first_from_the_source() {
    let (ends, asked, first) = both("", &[Ok("a")], &[&[Answer(200, "")], &[Answer(200, "")]]);
    assert_eq!(ends, [End::Status(200), End::Status(200)]);
    assert_eq!(asked, [Some(Duration::from_secs(60))]);
    assert_eq!(first, "a");
    // A refusal in the same second is news: the file has another key by now.
    let (ends, asked, first) = both(
        "",
        &[Ok("a"), Ok("ab"), Ok("ab")],
        &[
            &[Answer(200, "")],
            &[REFUSED, Answer(200, "")],
            &[REFUSED, REFUSED],
        ],
    );
    let refused = End::Failed(Why::AllRefused, "ba".to_owned(), None);
    assert_eq!(ends, [End::Status(200), End::Status(200), refused]);
    assert_eq!((asked.len(), first.as_str()), (2, "b"));
    let none = || End::Failed(Why::NoKey, String::new(), None);
    assert_eq!(both("", &[Ok("")], &[&[], &[]]).0, [none(), none()]);
}

#[test]
fn its_answer_is_shared_for_a_while_a_failure_too() {
    let failed =
        |said: Option<&str>| End::Failed(Why::AllRefused, "a".to_owned(), said.map(str::to_owned));
    let (ends, asked, _) = both(
        "a",
        &[Err("the vault is locked"), Ok("a"), Ok("b")],
        &[
            &[REFUSED],
            &[After(0, 401, BAD)],
            // A second later it is asked again; it brings no new key.
            &[After(1, 401, BAD)],
            &[REFUSED],
            &[After(1, 401, BAD), Answer(200, "")],
            &[Answer(200, "")],
        ],
    );
    let locked = Some("the vault is locked");
    assert_eq!(
        ends,
        [
            failed(locked),
            failed(locked),
            failed(None),
            failed(None),
            End::Status(200),
            End::Status(200),
        ]
    );
    let seconds: Vec<_> = asked.iter().map(|left| left.unwrap().as_secs()).collect();
    assert_eq!(
        seconds,
        [60, 59, 59],
        "it is told what the call has left, and asked no more than once a second"
    );
}

#[test]
fn a_call_asks_once_whatever_the_source_brings() {
    let (ends, asked, first) = both(
        "a",
        &[Ok("bcd")],
        &[&[REFUSED, After(5, 401, BAD), REFUSED, REFUSED]],
    );
    assert_eq!(
        ends,
        [End::Failed(Why::AllRefused, "abcd".to_owned(), None)]
    );
    assert_eq!((asked.len(), first.as_str()), (1, "b"));
}

#[test]
fn an_interval_of_ones_own() {
    for (interval, times) in [(Duration::ZERO, 3), (Duration::MAX, 1)] {
        let source = Said::new(0, &[Ok("a"); 3]);
        let client = Client::builder()
            .key(key('a'))
            .key_source(source.clone())
            .key_source_interval(interval)
            .build_with(Scripted::new(&[REFUSED, REFUSED, REFUSED]))
            .unwrap();
        for _ in 0..3 {
            client.send(request()).unwrap_err();
        }
        assert_eq!(source.times(), times, "{interval:?}");
    }
}

#[test]
fn a_call_without_time_left_does_not_ask() {
    let (ends, asked, _) = both("a", &[], &[&[After(60, 401, BAD)]]);
    let said = Some(TOO_LONG.to_owned());
    assert_eq!(ends, [End::Failed(Why::AllRefused, "a".to_owned(), said)]);
    assert_eq!(asked.len(), 0);
}

const TOO_LONG: &str = "the key source took longer than the call had left";

#[test]
fn that_the_source_failed_is_shared_with_calls_that_have_more_time_too() {
    let source = Said::new(0, &[Err("the vault is locked")]);
    let client = Client::builder()
        .key(key('a'))
        .key_source(source.clone())
        .build_with(Scripted::new(&[REFUSED, REFUSED]))
        .unwrap();
    let patient = client.with_timeout(Duration::from_secs(3600));
    assert_eq!(end(client.send(request())), end(patient.send(request())));
    assert_eq!(source.times(), 1);
}

/// A clock that only a source moves, by a second for each question; the first one finds it locked.
#[derive(Clone, Default)]
struct Slow(Arc<AtomicUsize>);

impl Slow {
    fn now(&self) -> Moment {
        Moment::after_start(Duration::from_secs(self.times() as u64))
    }

    fn times(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn answer(&self) -> Result<Vec<ApiKey>, SourceError> {
        match self.0.fetch_add(1, Ordering::Relaxed) {
            0 => Err(SourceError::new("killed after a second")),
            _ => Ok(vec![key('a'), key('b')]),
        }
    }
}

impl KeySource for Slow {
    fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        self.answer()
    }
}

#[async_trait]
impl AsyncKeySource for Slow {
    async fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        self.answer()
    }
}

struct WithClock(Slow, Takes);

impl Transport for WithClock {
    fn now(&self) -> Moment {
        self.0.now()
    }
    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        Transport::send(&self.1, request, deadline)
    }
}

#[async_trait]
impl AsyncTransport for WithClock {
    fn now(&self) -> Moment {
        self.0.now()
    }
    async fn send(
        &self,
        request: &Request<Bytes>,
        _: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        Ok(self.1.answer(request))
    }
}

#[test]
fn that_the_time_of_one_call_ran_out_is_nothing_to_calls_that_have_more() {
    const HOUR: Duration = Duration::from_secs(3600);
    let ran_out = || {
        let said = Some("killed after a second".to_owned());
        End::Failed(Why::AllRefused, "a".to_owned(), said)
    };
    let check = |slow: &Slow, send: &dyn Fn(u64) -> End| {
        assert_eq!((send(1), send(1)), (ran_out(), ran_out()));
        assert_eq!(
            slow.times(),
            1,
            "who has no more than that shares the answer"
        );
        assert_eq!(send(2), End::Status(200));
        assert_eq!(slow.times(), 2);
    };

    let transport = |slow: &Slow| {
        WithClock(
            slow.clone(),
            Takes("placeholder-key-b", AtomicUsize::new(0), None),
        )
    };
    let slow = Slow::default();
    let client = Client::builder().key(key('a')).key_source(slow.clone());
    let client = client.key_source_interval(HOUR);
    let client = client.build_with(transport(&slow)).unwrap();
    check(&slow, &|seconds| {
        let client = client.with_timeout(Duration::from_secs(seconds));
        end(client.send(request()))
    });

    let slow = Slow::default();
    let client = AsyncClient::builder()
        .key(key('a'))
        .key_source(slow.clone());
    let client = client.key_source_interval(HOUR);
    let client = client.build_with(transport(&slow)).unwrap();
    check(&slow, &|seconds| {
        let client = client.with_timeout(Duration::from_secs(seconds));
        end(block_on(client.send(request())))
    });
}

/// Takes one key only, from any number of calls at once.
struct Takes(&'static str, AtomicUsize, Option<Barrier>);

impl Takes {
    fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let sent = request.headers()["authorization"].as_bytes();
        let taken = ap_core::basic(b"API", self.0.as_bytes());
        self.1.fetch_add(1, Ordering::Relaxed);
        let mut response = Response::new(Bytes::new());
        if sent != taken.as_bytes() {
            // Every call finds its key refused before any of them goes on.
            if let Some(barrier) = &self.2 {
                barrier.wait();
            }
            *response.status_mut() = http::StatusCode::UNAUTHORIZED;
            *response.body_mut() = Bytes::from_static(BAD.as_bytes());
        }
        response
    }
}

/// Over by the time that anybody waits for it.
const SOON: Duration = Duration::from_millis(1);

impl Transport for Takes {
    fn now(&self) -> Moment {
        Moment::after_start(Duration::ZERO)
    }
    fn send(
        &self,
        request: &Request<Bytes>,
        _: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        Ok(self.answer(request))
    }
}

#[async_trait]
impl AsyncTransport for Takes {
    fn now(&self) -> Moment {
        Moment::after_start(Duration::ZERO)
    }
    async fn send(
        &self,
        request: &Request<Bytes>,
        _: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        Ok(self.answer(request))
    }
    async fn sleep_until(&self, deadline: Deadline) {
        let left = deadline.left(AsyncTransport::now(self));
        if left.is_none_or(|left| left > SOON) {
            std::future::pending::<()>().await;
        }
    }
}

const CALLS: usize = 16;

#[test]
fn threads_ask_once_for_all() {
    let source = Said::new(0, &[Ok("ab")]);
    let takes = Takes(
        "placeholder-key-b",
        AtomicUsize::new(0),
        Some(Barrier::new(CALLS)),
    );
    let client = Client::builder()
        .key(key('a'))
        .key_source(source.clone())
        .build_with(takes)
        .unwrap();
    std::thread::scope(|scope| {
        for _ in 0..CALLS {
            scope.spawn(|| client.send(request()).unwrap());
        }
    });
    assert_eq!(source.times(), 1);
    assert_eq!(client.transport().1.load(Ordering::Relaxed), 2 * CALLS);
}

/// However loaded the machine, nothing here takes as long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Answers once it is told to.
struct Held(Mutex<Receiver<()>>, Sender<()>);

impl KeySource for Held {
    fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        self.1.send(()).unwrap();
        match self.0.lock().unwrap().recv_timeout(PATIENCE) {
            Ok(()) => Ok(vec![key('b')]),
            Err(_) => Err(SourceError::new("nobody told it to answer")),
        }
    }
}

#[test]
fn a_thread_waits_for_the_source_no_longer_than_its_call_may_take() {
    let ((release, held), (asks, begun)) = (channel(), channel());
    let client = Client::builder()
        .key(key('a'))
        .key_source(Held(Mutex::new(held), asks))
        .build_with(Takes("placeholder-key-b", AtomicUsize::new(0), None))
        .unwrap();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| end(client.send(request())));
        begun.recv_timeout(PATIENCE).unwrap();
        let hurried = client.with_timeout(Duration::from_millis(1));
        let said = Some(TOO_LONG.to_owned());
        assert_eq!(
            end(hurried.send(request())),
            End::Failed(Why::AllRefused, "a".to_owned(), said)
        );
        release.send(()).unwrap();
        assert_eq!(asking.join().unwrap(), End::Status(200));
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

type Call = Pin<Box<dyn Future<Output = Result<Response<Bytes>, CallError>> + Send>>;

/// Calls that can be polled one by one.
struct Tasks(Vec<(Option<Call>, Arc<Woken>)>);

impl Tasks {
    fn start(client: &AsyncClient<Takes>, calls: usize) -> Self {
        let call = |_| {
            let client = client.clone();
            let call: Call = Box::pin(async move { client.send(request()).await });
            (Some(call), Arc::default())
        };
        Self((0..calls).map(call).collect())
    }

    /// Polls one; what it ends in, if it ends.
    fn poll(&mut self, at: usize) -> Option<End> {
        let (call, woken) = &mut self.0[at];
        let waker = Waker::from(Arc::clone(woken));
        match call
            .as_mut()
            .unwrap()
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
        {
            Poll::Ready(outcome) => {
                *call = None;
                Some(end(outcome))
            }
            Poll::Pending => None,
        }
    }

    fn woken(&self, at: usize) -> usize {
        self.0[at].1.0.load(Ordering::Relaxed)
    }
}

fn tasks(source: &Said) -> AsyncClient<Takes> {
    AsyncClient::builder()
        .key(key('a'))
        .key_source(source.clone())
        .build_with(Takes("placeholder-key-b", AtomicUsize::new(0), None))
        .unwrap()
}

#[test]
fn tasks_ask_once_for_all_and_the_others_sleep() {
    let source = Said::new(1, &[Ok("ab")]);
    let client = tasks(&source);
    let mut tasks = Tasks::start(&client, CALLS);
    for at in (0..CALLS).chain(1..CALLS) {
        assert_eq!(tasks.poll(at), None);
    }
    assert_eq!(source.times(), 1);
    assert_eq!(tasks.woken(1), 0, "a call that waits is not polled in vain");
    assert_eq!(tasks.poll(0), Some(End::Status(200)));
    for at in 1..CALLS {
        assert_eq!(tasks.woken(at), 1);
        assert_eq!(tasks.poll(at), Some(End::Status(200)));
    }
    assert_eq!(source.times(), 1);
    assert_eq!(client.transport().1.load(Ordering::Relaxed), 2 * CALLS);
}

#[test]
fn a_call_that_is_dropped_while_it_asks_hands_on_its_turn() {
    let source = Said::new(1, &[Ok("ab"), Ok("ab")]);
    let client = tasks(&source);
    let mut tasks = Tasks::start(&client, 4);
    for at in 0..3 {
        assert_eq!(tasks.poll(at), None);
    }
    tasks.0[1].0 = None; // A call that waits is dropped,
    assert_eq!(Arc::strong_count(&tasks.0[1].1), 1, "and nobody keeps it,");
    tasks.0[0].0 = None; // and so is the one that asks.
    assert_eq!(tasks.woken(2), 1);
    assert_eq!(tasks.poll(2), None, "this one asks now");
    assert_eq!(source.times(), 2);
    assert_eq!(tasks.poll(3), None);
    assert_eq!(tasks.poll(2), Some(End::Status(200)));
    assert_eq!(tasks.poll(3), Some(End::Status(200)));
    assert_eq!(source.times(), 2);
}

#[test]
fn the_deadline_of_a_call_spans_its_wait_for_the_source() {
    let source = Said::new(usize::MAX, &[Ok("ab")]);
    let client = tasks(&source);
    let mut asks = Tasks::start(&client, 1);
    assert_eq!(asks.poll(0), None);
    let mut late = Tasks::start(&client.with_timeout(SOON), 1);
    let failed = || {
        let said = Some(TOO_LONG.to_owned());
        Some(End::Failed(Why::AllRefused, "a".to_owned(), said))
    };
    assert_eq!(late.poll(0), failed(), "it waited for its turn");
    asks.0[0].0 = None;
    let mut late = Tasks::start(&client.with_timeout(SOON), 1);
    source.0.answers.lock().unwrap().push_back(Ok("ab"));
    assert_eq!(late.poll(0), failed(), "it asked by itself");
    assert_eq!(source.times(), 2);
}

#[test]
fn a_source_that_panics_does_so_once() {
    struct Panics(AtomicUsize);
    impl KeySource for Panics {
        fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
            assert!(self.0.fetch_add(1, Ordering::Relaxed) > 0, "for once");
            Ok(vec![key('b')])
        }
    }
    let client = Client::builder()
        .key(key('a'))
        .key_source(Panics(AtomicUsize::new(0)))
        .build_with(Scripted::new(&[REFUSED, REFUSED, Answer(200, "")]))
        .unwrap();
    let calling = std::thread::scope(|scope| {
        let client = &client;
        scope.spawn(move || client.send(request())).join()
    });
    calling.unwrap_err();
    assert_eq!(end(client.send(request())), End::Status(200));
}

#[test]
fn sources_can_be_chosen_at_run_time() {
    let said = || Said::new(0, &[Ok("a")]);
    let shared: Arc<dyn KeySource> = Arc::new(said());
    let boxed: Box<dyn KeySource> = Box::new(said());
    for builder in [
        Client::builder().key_source(shared),
        Client::builder().key_source(boxed),
    ] {
        let client = builder.build_with(Scripted::new(&[Answer(200, "")]));
        assert_eq!(end(client.unwrap().send(request())), End::Status(200));
    }
    let shared: Arc<dyn AsyncKeySource> = Arc::new(said());
    let boxed: Box<dyn AsyncKeySource> = Box::new(said());
    for builder in [
        AsyncClient::builder().key_source(shared),
        AsyncClient::builder().key_source(boxed),
    ] {
        let client = builder.build_with(Scripted::new(&[Answer(200, "")]));
        assert_eq!(
            end(block_on(client.unwrap().send(request()))),
            End::Status(200)
        );
    }
}

#[test]
fn nothing_of_a_source_shows_a_key() {
    let source = Said::new(0, &[Ok("ab")]);
    let source: Arc<dyn KeySource> = Arc::new(source);
    let client = Client::builder().key_source(source);
    let shown = format!("{client:?}");
    let client = client
        .build_with(Scripted::new(&[REFUSED, REFUSED]))
        .unwrap();
    let error = client.send(request()).unwrap_err();
    let shown = format!("{shown}{client:?}{error:?}{error}");
    assert!(!shown.contains("placeholder"), "{shown}");
}
