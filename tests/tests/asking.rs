//! A key source under calls that are given up at any moment, on many threads at once: it is asked by one call at
//! a time, no call hangs, and what it brings reaches all of them.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use ap_core::{
    ApiKey, AsyncClient, AsyncKeySource, AsyncTransport, CallError, Client, Deadline, KeySource,
    Moment, SourceError, Transport, TransportError,
};
use ap_keys::OnThread;
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokio::task::{JoinSet, yield_now};

const CALLERS: usize = 32;
const CALLS: usize = 60;
const HOUR: Duration = Duration::from_secs(3600);

/// However loaded the machine, nothing here takes as long.
const PATIENCE: Duration = Duration::from_secs(120);

/// Numbers that look random, and are the same in every run, from as many threads as like.
#[derive(Default)]
struct Dice(AtomicUsize);

impl Dice {
    fn below(&self, end: usize) -> usize {
        let mut mixed = self.0.fetch_add(1, SeqCst).wrapping_mul(0x9E37_79B1);
        mixed ^= mixed >> 15;
        mixed.wrapping_mul(0x85EB_CA6B) / 7919 % end
    }
}

/// A product whose key is reset all the time, and a secret store that knows the key.
struct World {
    dice: Dice,
    start: Instant,
    newest: AtomicUsize,
    requests: AtomicUsize,
    resets: bool,
    asked: Asked,
}

/// How often the store was asked, and what became of it.
#[derive(Debug, Default)]
struct Asked {
    now: AtomicUsize,
    at_once: AtomicUsize,
    answered: AtomicUsize,
    given_up: AtomicUsize,
}

impl World {
    fn new(resets: bool) -> Arc<Self> {
        Arc::new(Self {
            dice: Dice::default(),
            start: Instant::now(),
            newest: AtomicUsize::new(1),
            requests: AtomicUsize::new(0),
            resets,
            asked: Asked::default(),
        })
    }

    fn now(&self) -> Moment {
        Moment::after_start(self.start.elapsed())
    }

    fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        if self.requests.fetch_add(1, SeqCst) % 40 == 39 && self.resets {
            self.newest.fetch_add(1, SeqCst);
        }
        let taken = key(self.newest.load(SeqCst));
        let taken = ap_core::basic(b"API", taken.expose().as_bytes());
        let mut response = Response::new(Bytes::new());
        if request.headers()["authorization"] != taken {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            *response.body_mut() = Bytes::from_static(br#"{"error":"authentication failed"}"#);
        }
        response
    }

    fn keys(&self) -> Result<Vec<ApiKey>, SourceError> {
        if self.resets && self.dice.below(4) == 0 {
            return Err(SourceError::new("the store is locked"));
        }
        let newest = self.newest.load(SeqCst);
        Ok(vec![key(newest - 1), key(newest)])
    }

    fn begin(&self) -> Question<'_> {
        let at_once = self.asked.now.fetch_add(1, SeqCst) + 1;
        self.asked.at_once.fetch_max(at_once, SeqCst);
        Question(self, false)
    }
}

fn key(nth: usize) -> ApiKey {
    ApiKey::parse(format!("placeholder-key-{nth}")).unwrap()
}

fn request() -> Request<Bytes> {
    let request = Request::get("https://app.leadconduit.com/flows");
    request.body(Bytes::new()).unwrap()
}

/// The store is being asked, until this is dropped.
struct Question<'a>(&'a World, bool);

impl Question<'_> {
    fn end(mut self) {
        self.1 = true;
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        let asked = &self.0.asked;
        asked.now.fetch_sub(1, SeqCst);
        let ended = [&asked.given_up, &asked.answered][usize::from(self.1)];
        ended.fetch_add(1, SeqCst);
    }
}

#[derive(Clone)]
struct Here(Arc<World>);

impl KeySource for Here {
    fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        let question = self.0.begin();
        for _ in 0..self.0.dice.below(20) {
            std::thread::yield_now();
        }
        let keys = self.0.keys();
        question.end();
        keys
    }
}

#[async_trait]
impl AsyncKeySource for Here {
    async fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        let question = self.0.begin();
        for _ in 0..self.0.dice.below(20) {
            yield_now().await;
        }
        let keys = self.0.keys();
        question.end();
        keys
    }
}

impl Transport for Here {
    fn now(&self) -> Moment {
        self.0.now()
    }
    fn send(
        &self,
        request: &Request<Bytes>,
        _: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        Ok(self.0.answer(request))
    }
}

#[async_trait]
impl AsyncTransport for Here {
    fn now(&self) -> Moment {
        self.0.now()
    }
    async fn send(
        &self,
        request: &Request<Bytes>,
        _: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        for _ in 0..self.0.dice.below(3) {
            yield_now().await;
        }
        Ok(self.0.answer(request))
    }
    async fn sleep_until(&self, deadline: Deadline) {
        let left = deadline.left(self.0.now()).unwrap();
        tokio::time::sleep(left).await;
    }
}

/// How many calls were answered, refused, and given up.
type Ends = [usize; 3];

fn ending(outcome: Result<Response<Bytes>, CallError>) -> usize {
    match outcome {
        Ok(_) => 0,
        Err(CallError::Auth(_)) => 1,
        Err(error) => panic!("{error}"),
    }
}

/// Many calls on many threads, of which half are given up after a while.
fn storm(world: &Arc<World>, interval: Duration, source: impl AsyncKeySource + 'static) -> Ends {
    let client = AsyncClient::builder()
        .key(key(0))
        .key_source(source)
        .key_source_interval(interval)
        .build_with(Here(Arc::clone(world)))
        .unwrap();
    let caller = |world: Arc<World>, client: AsyncClient<Here>| async move {
        let mut ends = Ends::default();
        for _ in 0..CALLS {
            let patience = [usize::MAX, world.dice.below(30)][world.dice.below(2)];
            let given_up = async {
                for _ in 0..patience {
                    yield_now().await;
                }
            };
            let end = tokio::select! {
                outcome = client.send(request()) => ending(outcome),
                () = given_up => 2,
            };
            ends[end] += 1;
        }
        ends
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_time()
        .build()
        .unwrap();
    let all = async {
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            callers.spawn(caller(Arc::clone(world), client.clone()));
        }
        let ends = callers.join_all().await;
        ends.into_iter().fold(Ends::default(), |sum, ends| {
            std::array::from_fn(|end| sum[end] + ends[end])
        })
    };
    let ends = runtime.block_on(async { tokio::time::timeout(PATIENCE, all).await });
    ends.unwrap_or_else(|_| panic!("a call hangs: {:?}", world.asked))
}

fn check(world: &World, ends: Ends) {
    println!("{ends:?} {:?}", world.asked);
    assert_eq!(ends.iter().sum::<usize>(), CALLERS * CALLS);
    assert_eq!(world.asked.at_once.load(SeqCst), 1, "one call at a time");
}

#[test]
fn tasks_that_are_given_up_at_any_moment_leave_the_others_in_peace() {
    let world = World::new(true);
    let ends = storm(&world, Duration::ZERO, Here(Arc::clone(&world)));
    check(&world, ends);
    assert!(ends.iter().all(|count| *count > 0), "{ends:?}");
    assert!(world.asked.given_up.load(SeqCst) > 0, "{:?}", world.asked);

    let world = World::new(true);
    let ends = storm(
        &world,
        Duration::ZERO,
        OnThread::new(Here(Arc::clone(&world))),
    );
    check(&world, ends);
    assert!(ends.iter().all(|count| *count > 0), "{ends:?}");
}

#[test]
fn an_answer_counts_for_all_and_for_the_whole_interval() {
    let world = World::new(false);
    let ends = storm(&world, HOUR, Here(Arc::clone(&world)));
    check(&world, ends);
    assert_eq!(ends[1], 0, "no call fails, whichever other one is given up");
    assert_eq!(world.asked.answered.load(SeqCst), 1);
}

#[test]
fn threads_with_little_time_leave_the_others_in_peace() {
    let world = World::new(true);
    let client = Client::builder()
        .key(key(0))
        .key_source(Here(Arc::clone(&world)))
        .key_source_interval(Duration::ZERO)
        .build_with(Here(Arc::clone(&world)))
        .unwrap();
    let ends: [AtomicUsize; 3] = Default::default();
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                for _ in 0..CALLS {
                    let little = Duration::from_micros(world.dice.below(100) as u64);
                    let client = client.with_timeout([HOUR, little][world.dice.below(2)]);
                    ends[ending(client.send(request()))].fetch_add(1, SeqCst);
                }
            });
        }
    });
    let ends = ends.map(AtomicUsize::into_inner);
    check(&world, ends);
    assert!(ends[0] > 0 && ends[1] > 0, "{ends:?}");
}
