//! A key source under calls that are dropped at any moment, on many threads at once: it is asked by one call at a
//! time, no call hangs, and its keys reach all of them.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use ap_client::ap_core::key::basic;
use ap_client::ap_core::unauthorized::DOCUMENTED_BODY;
use ap_client::ap_core::{ApiKey, Draft, Error, Response, Service};
use ap_client::transport::{AsyncTransport, Deadline, Moment, Transport, TransportError};
use ap_client::{
    Async, AsyncKeySource, Blocking, Client, ClientBuilder, KeySource, KeySourceError,
};
use ap_keys::OnThread;
use ap_tests::{Dice, PATIENCE};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, StatusCode, header};
use tokio::task::{JoinSet, yield_now};

const CALLERS: usize = 32;
const CALLS: usize = 60;
const HOUR: Duration = Duration::from_secs(3600);

/// A product whose key is reset all the time, and the secret store that contains the key. It is both the transport
/// and the key source.
#[derive(Clone)]
struct Vendor(Arc<State>);

struct State {
    dice: Dice,
    start: Instant,
    /// The number of the newest key.
    newest: AtomicUsize,
    requests: AtomicUsize,
    has_resets: bool,
    refreshes: Refreshes,
}

/// How often the store was asked, and how that ended.
#[derive(Debug, Default)]
struct Refreshes {
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
    answered: AtomicUsize,
    dropped: AtomicUsize,
}

impl Vendor {
    fn new(has_resets: bool) -> Self {
        Self(Arc::new(State {
            dice: Dice::default(),
            start: Instant::now(),
            newest: AtomicUsize::new(1),
            requests: AtomicUsize::new(0),
            has_resets,
            refreshes: Refreshes::default(),
        }))
    }

    fn present(&self) -> Moment {
        Moment::after_start(self.0.start.elapsed())
    }

    fn remaining(&self, moment: Moment) -> Duration {
        moment.since_start().saturating_sub(self.0.start.elapsed())
    }

    fn answer(&self, request: &Request<Bytes>) -> http::Response<Bytes> {
        let state = &self.0;
        if state.requests.fetch_add(1, SeqCst) % 40 == 39 && state.has_resets {
            state.newest.fetch_add(1, SeqCst);
        }
        let accepted = key(state.newest.load(SeqCst));
        let mut response = http::Response::new(Bytes::new());
        if request.headers()[header::AUTHORIZATION] != basic(b"API", accepted.expose().as_bytes()) {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            *response.body_mut() = Bytes::from_static(DOCUMENTED_BODY);
        }
        response
    }

    fn stored_keys(&self) -> Result<Vec<ApiKey>, KeySourceError> {
        if self.0.has_resets && self.0.dice.below(4) == 0 {
            return Err(KeySourceError::new("the store is locked"));
        }
        let newest = self.0.newest.load(SeqCst);
        Ok(vec![key(newest - 1), key(newest)])
    }

    fn begin_refresh(&self) -> Refresh<'_> {
        let refreshes = &self.0.refreshes;
        let in_flight = refreshes.in_flight.fetch_add(1, SeqCst) + 1;
        refreshes.most_in_flight.fetch_max(in_flight, SeqCst);
        Refresh {
            refreshes,
            is_answered: false,
        }
    }
}

fn key(nth: usize) -> ApiKey {
    ApiKey::parse(format!("placeholder-key-{nth}")).unwrap()
}

fn flows() -> Draft {
    Draft::get(Service::LeadConduit, "/flows")
}

/// The store is being asked until this is dropped.
struct Refresh<'a> {
    refreshes: &'a Refreshes,
    is_answered: bool,
}

impl Refresh<'_> {
    fn answered(mut self) {
        self.is_answered = true;
    }
}

impl Drop for Refresh<'_> {
    fn drop(&mut self) {
        self.refreshes.in_flight.fetch_sub(1, SeqCst);
        let ended = if self.is_answered {
            &self.refreshes.answered
        } else {
            &self.refreshes.dropped
        };
        ended.fetch_add(1, SeqCst);
    }
}

impl KeySource for Vendor {
    fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        let refresh = self.begin_refresh();
        for _ in 0..self.0.dice.below(20) {
            std::thread::yield_now();
        }
        let keys = self.stored_keys();
        refresh.answered();
        keys
    }
}

#[async_trait]
impl AsyncKeySource for Vendor {
    async fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        let refresh = self.begin_refresh();
        for _ in 0..self.0.dice.below(20) {
            yield_now().await;
        }
        let keys = self.stored_keys();
        refresh.answered();
        keys
    }
}

impl Transport for Vendor {
    fn now(&self) -> Moment {
        self.present()
    }

    fn sleep_until(&self, moment: Moment) {
        std::thread::sleep(self.remaining(moment));
    }

    fn send(
        &self,
        request: &Request<Bytes>,
        _: Deadline,
    ) -> Result<http::Response<Bytes>, TransportError> {
        Ok(self.answer(request))
    }
}

#[async_trait]
impl AsyncTransport for Vendor {
    fn now(&self) -> Moment {
        self.present()
    }

    async fn sleep_until(&self, moment: Moment) {
        tokio::time::sleep(self.remaining(moment)).await;
    }

    async fn send(
        &self,
        request: &Request<Bytes>,
        _: Deadline,
    ) -> Result<http::Response<Bytes>, TransportError> {
        for _ in 0..self.0.dice.below(3) {
            yield_now().await;
        }
        Ok(self.answer(request))
    }
}

/// How many calls ended in which way.
#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    answered: usize,
    rejected: usize,
    dropped: usize,
}

impl Ends {
    /// Counts a call that came to its end. Its only error is that no key was accepted.
    fn count(&mut self, outcome: Result<Response, Error>) {
        match outcome {
            Ok(_) => self.answered += 1,
            Err(error) if error.is_auth() => self.rejected += 1,
            Err(error) => panic!("{error}"),
        }
    }

    fn sum(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter().fold(Self::default(), |sum, ends| Self {
            answered: sum.answered + ends.answered,
            rejected: sum.rejected + ends.rejected,
            dropped: sum.dropped + ends.dropped,
        })
    }
}

/// Makes many calls on many threads, of which half are dropped after a while.
fn storm(vendor: &Vendor, interval: Duration, source: impl AsyncKeySource + 'static) -> Ends {
    let client = ClientBuilder::<Async>::new()
        .key(key(0))
        .key_source(source)
        .min_refresh_interval(interval)
        .build_with(vendor.clone())
        .unwrap();
    let caller = |vendor: Vendor, client: Client<Async>| async move {
        let dice = &vendor.0.dice;
        let mut ends = Ends::default();
        for _ in 0..CALLS {
            let rounds = [usize::MAX, dice.below(30)][dice.below(2)];
            let dropped = async {
                for _ in 0..rounds {
                    yield_now().await;
                }
            };
            tokio::select! {
                outcome = client.send(flows()) => ends.count(outcome),
                () = dropped => ends.dropped += 1,
            }
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
            callers.spawn(caller(vendor.clone(), client.clone()));
        }
        Ends::sum(callers.join_all().await)
    };
    let ends = runtime.block_on(async { tokio::time::timeout(PATIENCE, all).await });
    ends.unwrap_or_else(|_| panic!("a call hangs: {:?}", vendor.0.refreshes))
}

/// Checks what is true after every storm. Returns how many refreshes were dropped.
fn check(vendor: &Vendor, ends: Ends) -> usize {
    let refreshes = &vendor.0.refreshes;
    println!("{ends:?} {refreshes:?}");
    let calls = ends.answered + ends.rejected + ends.dropped;
    assert_eq!(calls, CALLERS * CALLS);
    assert_eq!(
        refreshes.most_in_flight.load(SeqCst),
        1,
        "one call at a time asks"
    );
    refreshes.dropped.load(SeqCst)
}

#[test]
fn tasks_that_are_dropped_at_any_moment_do_not_disturb_the_others() {
    let vendor = Vendor::new(true);
    let ends = storm(&vendor, Duration::ZERO, vendor.clone());
    let dropped = check(&vendor, ends);
    // Else the storm was none.
    assert!(ends.answered > 0 && ends.rejected > 0 && ends.dropped > 0 && dropped > 0);

    let vendor = Vendor::new(true);
    let ends = storm(&vendor, Duration::ZERO, OnThread::new(vendor.clone()));
    let dropped = check(&vendor, ends);
    assert!(ends.answered > 0 && ends.rejected > 0 && ends.dropped > 0);
    assert_eq!(dropped, 0, "a thread asks to the end");
}

#[test]
fn an_answer_is_for_all_calls_and_for_the_whole_interval() {
    let vendor = Vendor::new(false);
    let ends = storm(&vendor, HOUR, vendor.clone());
    check(&vendor, ends);
    assert_eq!(
        ends.rejected, 0,
        "no call fails, whatever other one is dropped"
    );
    assert_eq!(vendor.0.refreshes.answered.load(SeqCst), 1);
}

#[test]
fn threads_with_little_time_do_not_disturb_the_others() {
    let vendor = Vendor::new(true);
    let client = ClientBuilder::<Blocking>::new()
        .key(key(0))
        .key_source(vendor.clone())
        .min_refresh_interval(Duration::ZERO)
        .build_with(vendor.clone())
        .unwrap();
    let caller = || {
        let dice = &vendor.0.dice;
        let mut ends = Ends::default();
        for _ in 0..CALLS {
            let little = Duration::from_micros(dice.below(100) as u64);
            let client = client.with_timeout([HOUR, little][dice.below(2)]);
            ends.count(client.send(flows()));
        }
        ends
    };
    let ends = std::thread::scope(|scope| {
        let callers = [(); CALLERS].map(|()| scope.spawn(caller));
        Ends::sum(callers.map(|caller| caller.join().unwrap()))
    });
    assert_eq!(check(&vendor, ends), 0);
    assert!(ends.answered > 0 && ends.rejected > 0, "{ends:?}");
}
