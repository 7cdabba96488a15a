//! A key reset under load, on both transports: no call fails, and no request is made in vain. What the
//! emulator counted is what is asserted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use ap_core::{
    ApiKey, AsyncClient, AsyncKeySource, AsyncTransport, CallError, Client, Connect, Deadline,
    KeyRing, KeySource, Moment, Origin, Origins, Product, Service, SourceError, Transport,
    TransportError, Why,
};
use ap_emulator::{Emulator, Plan};
use ap_keys::{File, OnThread, Store};
use ap_reqwest::ReqwestTransport;
use ap_ureq::UreqTransport;
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, header};
use proptest::prelude::*;
use proptest::sample::select;

/// The product and its service, in the order of [`Product::ALL`].
const SERVICES: [(Product, Service); 3] = [
    (Product::LeadConduit, Service::LeadConduit),
    (Product::TrustedForm, Service::TrustedForm),
    (Product::SuppressionList, Service::SuppressionList),
];

fn origins(emulator: &Emulator) -> Origins {
    SERVICES
        .iter()
        .fold(Origins::vendor(), |origins, (there, here)| {
            let origin = Origin::parse_loopback(emulator.url(*there)).unwrap();
            origins.with(*here, origin).unwrap()
        })
}

/// A transport that writes down which credentials each call's requests carried.
struct Noted<T> {
    inner: T,
    sent: Mutex<HashMap<String, Vec<Vec<u8>>>>,
}

const CALL: &str = "x-call";

impl<T> Noted<T> {
    fn new(inner: T) -> Self {
        Self {
            inner,
            sent: Mutex::default(),
        }
    }

    fn note(&self, request: &Request<Bytes>) {
        let headers = request.headers();
        let call = headers[CALL].to_str().unwrap().to_owned();
        let credentials = headers[header::AUTHORIZATION].as_bytes().to_vec();
        let mut sent = self.sent.lock().unwrap();
        sent.entry(call).or_default().push(credentials);
    }

    fn take(&self, call: &str) -> Vec<Vec<u8>> {
        self.sent.lock().unwrap().remove(call).unwrap_or_default()
    }
}

impl<T: Transport> Transport for Noted<T> {
    fn now(&self) -> Moment {
        self.inner.now()
    }
    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        self.note(request);
        self.inner.send(request, deadline)
    }
}

#[async_trait]
impl<T: AsyncTransport> AsyncTransport for Noted<T> {
    fn now(&self) -> Moment {
        self.inner.now()
    }
    async fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        self.note(request);
        self.inner.send(request, deadline).await
    }
    async fn sleep_until(&self, deadline: Deadline) {
        self.inner.sleep_until(deadline).await;
    }
}

/// When the reset and the logins happen, counted in calls that ended since the step before.
#[derive(Clone, Debug)]
struct Schedule {
    workers: usize,
    order: [usize; 3],
    /// Whether every worker has to have ended so many calls, or all of them together.
    each: bool,
    waits: [u64; 5],
    /// Whether SuppressionList only ever gets calls that it answers with 404.
    missing: bool,
}

/// Calls to every product from many workers at once, while the schedule is carried out.
struct Load<'a> {
    emulator: &'a Emulator,
    schedule: &'a Schedule,
    newest: Mutex<Vec<u8>>,
    over: AtomicBool,
    calls: AtomicU64,
    /// Whether a product has taken the new key, and a call has come home with the news.
    taken: [AtomicBool; 3],
    done: Mutex<Done>,
    progress: Condvar,
}

#[derive(Default)]
struct Done {
    by_worker: Vec<u64>,
    by_product: [u64; 3],
    posts: usize,
    wrong: Vec<String>,
}

/// A call that has begun.
struct Begun {
    name: String,
    worker: usize,
    product: usize,
    after_the_news: bool,
    is_post: bool,
}

/// How a service gets the old key and the new one.
type GiveOut<'a> = dyn Fn([ApiKey; 2]) + Sync + 'a;

/// However loaded the machine, no step of a schedule takes as long.
const PATIENCE: Duration = Duration::from_secs(120);

impl<'a> Load<'a> {
    fn new(emulator: &'a Emulator, schedule: &'a Schedule) -> Self {
        Self {
            emulator,
            schedule,
            newest: Mutex::default(),
            over: AtomicBool::new(false),
            calls: AtomicU64::new(0),
            taken: Default::default(),
            done: Mutex::new(Done {
                by_worker: vec![0; 3 * schedule.workers],
                ..Done::default()
            }),
            progress: Condvar::new(),
        }
    }

    /// A worker's next call, until all is over.
    fn next(&self, worker: usize) -> Option<(Request<Bytes>, Begun)> {
        if self.over.load(Ordering::SeqCst) {
            return None;
        }
        let product = worker % 3;
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let is_post = product == 0 && call.is_multiple_of(4);
        let (method, path, body) = match product {
            0 if is_post => (
                Method::POST,
                "/flows",
                r#"{"name":"Made once","enabled":true,"fields":[],"sources":[],"steps":[]}"#,
            ),
            2 if self.schedule.missing => (Method::GET, "/exists/nothing", ""),
            2 => (Method::GET, "/lists", ""),
            _ => (Method::GET, "/account", ""),
        };
        let name = format!("call-{call}");
        let url = format!("{}{path}", self.emulator.url(SERVICES[product].0));
        let request = Request::builder()
            .method(method)
            .uri(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(CALL, &name)
            .body(Bytes::from_static(body.as_bytes()))
            .unwrap();
        let begun = Begun {
            name,
            worker,
            product,
            after_the_news: self.taken[product].load(Ordering::SeqCst),
            is_post,
        };
        Some((request, begun))
    }

    fn ended(&self, begun: &Begun, sent: &[Vec<u8>], outcome: Result<Response<Bytes>, CallError>) {
        let newest = self.newest.lock().unwrap().clone();
        let status = match begun.product {
            0 if begun.is_post => 201,
            2 if self.schedule.missing => 404,
            _ => 200,
        };
        let mut wrong = Vec::new();
        match outcome {
            Ok(response) if response.status().as_u16() == status => {}
            Ok(response) => wrong.push(format!("{}: {}", begun.name, response.status())),
            Err(error) => wrong.push(format!("{}: {error}", begun.name)),
        }
        if sent.len() > if begun.after_the_news { 1 } else { 2 } {
            wrong.push(format!("{}: {} requests", begun.name, sent.len()));
        }
        if sent.last() == Some(&newest) && (!self.schedule.missing || sent.len() > 1) {
            self.taken[begun.product].store(true, Ordering::SeqCst);
        }
        let mut done = self.done.lock().unwrap();
        done.by_worker[begun.worker] += 1;
        done.by_product[begun.product] += 1;
        done.posts += usize::from(begun.is_post);
        done.wrong.extend(wrong);
        self.progress.notify_all();
    }

    fn wait(&self, calls: u64) {
        let done = self.done.lock().unwrap();
        let before = done.by_worker.clone();
        let (done, waited) = self
            .progress
            .wait_timeout_while(done, PATIENCE, |done| {
                let mut more = done
                    .by_worker
                    .iter()
                    .zip(&before)
                    .map(|(now, then)| now - then);
                if self.schedule.each {
                    more.any(|more| more < calls)
                } else {
                    more.sum::<u64>() < calls
                }
            })
            .unwrap();
        assert!(!waited.timed_out(), "calls stand still");
        drop(done);
    }

    /// The operator: resets the key, gives out the new one, and logs in to one product after another.
    fn operate(&self, keys: &KeyRing, give_out: &GiveOut<'_>) {
        let [first, reset, logins @ ..] = self.schedule.waits;
        self.wait(first);
        let old = keys.first(Product::LeadConduit).unwrap();
        let new = ApiKey::parse(self.emulator.reset()).unwrap();
        *self.newest.lock().unwrap() = ap_core::basic(b"API", new.expose().as_bytes())
            .as_bytes()
            .to_vec();
        give_out([old, new.labelled("new")]);
        self.wait(reset);
        for (product, wait) in self.schedule.order.into_iter().zip(logins) {
            self.emulator.login(SERVICES[product].0);
            self.wait(wait);
        }
        self.over.store(true, Ordering::SeqCst);
    }
}

/// What the emulator has counted of each product: requests and refusals.
fn counted(emulator: &Emulator) -> [(u64, u64); 3] {
    let state = emulator.state();
    SERVICES.map(|(product, _)| {
        let seen = state.product(product);
        (seen.requests, seen.refusals)
    })
}

/// One client for all schedules, on its transport.
enum Colour {
    Blocking(Client<Noted<UreqTransport>>),
    Async(
        AsyncClient<Noted<ReqwestTransport>>,
        tokio::runtime::Runtime,
    ),
}

impl Colour {
    fn both(emulator: &Emulator, source: Option<&Path>) -> [Self; 2] {
        let settings = ap_core::Settings::default();
        let ring = || KeyRing::of_one(ApiKey::parse(emulator.key()).unwrap().labelled("old"));
        let mut blocking = Client::builder().keys(ring()).origins(origins(emulator));
        let mut asynchronous = AsyncClient::builder()
            .keys(ring())
            .origins(origins(emulator));
        if let Some(path) = source {
            blocking = blocking.key_source(File::new(path));
            asynchronous = asynchronous.key_source(OnThread::new(File::new(path)));
        }
        let blocking = blocking
            .build_with(Noted::new(UreqTransport::connect(&settings).unwrap()))
            .unwrap();
        let asynchronous = asynchronous
            .build_with(Noted::new(ReqwestTransport::connect(&settings).unwrap()))
            .unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        [Self::Blocking(blocking), Self::Async(asynchronous, runtime)]
    }

    fn keys(&self) -> &KeyRing {
        match self {
            Self::Blocking(client) => client.keys(),
            Self::Async(client, _) => client.keys(),
        }
    }

    fn work(&self, load: &Load<'_>) {
        let workers = 3 * load.schedule.workers;
        match self {
            Self::Blocking(client) => std::thread::scope(|scope| {
                for worker in 0..workers {
                    scope.spawn(move || {
                        while let Some((request, begun)) = load.next(worker) {
                            let outcome = client.send(request);
                            load.ended(&begun, &client.transport().take(&begun.name), outcome);
                        }
                    });
                }
            }),
            Self::Async(client, runtime) => runtime.block_on(async {
                let work = (0..workers).map(|worker| async move {
                    while let Some((request, begun)) = load.next(worker) {
                        let outcome = client.send(request).await;
                        load.ended(&begun, &client.transport().take(&begun.name), outcome);
                    }
                });
                futures_util::future::join_all(work).await;
            }),
        }
    }

    /// Goes through one reset, and holds what was counted against what is promised.
    /// Says how many flows were made.
    fn survive(&self, emulator: &Emulator, schedule: &Schedule) -> Result<usize, TestCaseError> {
        self.survive_with(emulator, schedule, &|keys| {
            self.keys().replace(keys).unwrap();
        })
    }

    fn survive_with(
        &self,
        emulator: &Emulator,
        schedule: &Schedule,
        give_out: &GiveOut<'_>,
    ) -> Result<usize, TestCaseError> {
        let before = counted(emulator);
        let load = Load::new(emulator, schedule);
        std::thread::scope(|scope| {
            let load = &load;
            scope.spawn(move || load.operate(self.keys(), give_out));
            self.work(load);
        });
        let after = counted(emulator);
        let done = load.done.into_inner().unwrap();
        prop_assert!(done.wrong.is_empty(), "{:?}", done.wrong);
        for product in 0..3 {
            let requests = after[product].0 - before[product].0;
            let refusals = after[product].1 - before[product].1;
            prop_assert_eq!(requests, done.by_product[product] + refusals);
            prop_assert!(
                refusals <= u64::try_from(schedule.workers).unwrap(),
                "one refusal at most for each call in flight at the switch: {}",
                refusals
            );
        }
        // The old key is retired.
        self.keys()
            .replace([ApiKey::parse(emulator.key()).unwrap().labelled("old")])
            .unwrap();
        Ok(done.posts)
    }

    fn flows(&self, emulator: &Emulator) -> usize {
        let url = emulator.url(Product::LeadConduit);
        let request = Request::get(format!("{url}/flows"))
            .header(CALL, "flows")
            .body(Bytes::new())
            .unwrap();
        let (response, sent) = match self {
            Self::Blocking(client) => (client.send(request), client.transport().take("flows")),
            Self::Async(client, runtime) => (
                runtime.block_on(client.send(request)),
                client.transport().take("flows"),
            ),
        };
        assert_eq!(sent.len(), 1);
        let flows: Vec<serde_json::Value> =
            serde_json::from_slice(response.unwrap().body()).unwrap();
        flows.len()
    }
}

#[test]
fn a_hundred_calls_in_flight_per_product_survive_a_reset() {
    for (order, missing) in [([0, 1, 2], false), ([2, 0, 1], true)] {
        let emulator = Emulator::start().unwrap();
        let schedule = Schedule {
            workers: 100,
            order,
            each: true,
            waits: [1, 1, 2, 2, 2],
            missing,
        };
        for colour in &Colour::both(&emulator, None) {
            colour
                .keys()
                .replace([ApiKey::parse(emulator.key()).unwrap()])
                .unwrap();
            let flows = colour.flows(&emulator);
            let made = colour.survive(&emulator, &schedule).unwrap();
            assert!(made > 0);
            assert_eq!(
                colour.flows(&emulator),
                flows + made,
                "each POST was applied once"
            );
        }
    }
}

#[test]
fn a_keys_file_brings_the_new_key_to_a_service_under_load() {
    let emulator = Emulator::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let schedule = Schedule {
        workers: 30,
        order: [1, 2, 0],
        each: true,
        waits: [1, 1, 2, 2, 2],
        missing: false,
    };
    for colour in &Colour::both(&emulator, Some(&path)) {
        let key = ApiKey::parse(emulator.key()).unwrap();
        colour.keys().replace([key]).unwrap();
        let give_out = |keys: [ApiKey; 2]| {
            // Nobody tells the client: it finds out by itself.
            Store::new(&path).lock().unwrap().write(&keys).unwrap();
        };
        colour
            .survive_with(&emulator, &schedule, &give_out)
            .unwrap();
    }
}

fn schedules() -> impl Strategy<Value = Schedule> {
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    (
        1..=4_usize,
        select(orders.to_vec()),
        any::<[u8; 5]>(),
        any::<bool>(),
    )
        .prop_map(|(workers, order, waits, missing)| Schedule {
            workers,
            order,
            each: false,
            waits: waits.map(|wait| u64::from(wait % 8)),
            missing,
        })
}

#[test]
fn a_thousand_random_schedules_lose_no_call() {
    let emulator = Emulator::start().unwrap();
    for colour in &Colour::both(&emulator, None) {
        colour
            .keys()
            .replace([ApiKey::parse(emulator.key()).unwrap()])
            .unwrap();
        let (flows, made) = (colour.flows(&emulator), AtomicUsize::new(0));
        proptest!(
            ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() },
            |(schedule in schedules())| {
                made.fetch_add(colour.survive(&emulator, &schedule)?, Ordering::SeqCst);
            }
        );
        assert_eq!(
            colour.flows(&emulator),
            flows + made.into_inner(),
            "each POST was applied once"
        );
    }
}

#[test]
fn a_forbidden_resource_in_a_loop_does_not_touch_the_good_calls() {
    let emulator = Emulator::start().unwrap();
    emulator.set_plan(Plan::Free);
    let get = |path: &str| {
        let url = emulator.url(Product::LeadConduit);
        Request::get(format!("{url}{path}"))
            .header(CALL, "call")
            .body(Bytes::new())
            .unwrap()
    };
    for colour in &Colour::both(&emulator, None) {
        let spare = ApiKey::parse("placeholder-key-to-come").unwrap();
        let key = ApiKey::parse(emulator.key()).unwrap();
        colour.keys().replace([key, spare]).unwrap();
        let before = counted(&emulator);
        for _ in 0..50 {
            for (path, status) in [("/flows", 401), ("/account", 200)] {
                let outcome = match colour {
                    Colour::Blocking(client) => client.send(get(path)),
                    Colour::Async(client, runtime) => runtime.block_on(client.send(get(path))),
                };
                assert_eq!(outcome.unwrap().status(), status);
            }
        }
        let after = counted(&emulator);
        assert_eq!(after[0].0 - before[0].0, 100, "one request each");
        assert_eq!(after[0].1, before[0].1, "the key was refused to none");
    }
}

/// Says which keys there are, and counts how often it was asked.
#[derive(Clone)]
struct Asked(Arc<(AtomicUsize, Vec<ApiKey>)>);

impl Asked {
    fn new(texts: &[&str]) -> Self {
        let keys = texts.iter().map(|text| ApiKey::parse(text).unwrap());
        Self(Arc::new((AtomicUsize::new(0), keys.collect())))
    }

    fn answer(&self) -> Vec<ApiKey> {
        self.0.0.fetch_add(1, Ordering::SeqCst);
        self.0.1.clone()
    }
}

impl KeySource for Asked {
    fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        Ok(self.answer())
    }
}

#[async_trait]
impl AsyncKeySource for Asked {
    async fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        Ok(self.answer())
    }
}

#[test]
fn a_server_that_refuses_everything_gets_a_request_a_key_and_the_source_is_left_in_peace() {
    const CALLS: usize = 60;
    let wrong = [
        "placeholder-key-1",
        "placeholder-key-2",
        "placeholder-key-3",
    ];
    let emulator = Emulator::start().unwrap();
    let request = || {
        let url = emulator.url(Product::TrustedForm);
        Request::get(format!("{url}/account"))
            .body(Bytes::new())
            .unwrap()
    };
    let check = |send: &dyn Fn() -> Result<Response<Bytes>, CallError>, source: &Asked| {
        let (before, start) = (counted(&emulator), Instant::now());
        for _ in 0..CALLS {
            match send() {
                Err(CallError::Auth(refusal)) => {
                    assert_eq!(refusal.error().why(), Why::AllRefused);
                    assert_eq!(refusal.error().refused().len(), 3);
                    assert!(refusal.response().is_some());
                }
                other => panic!("{other:?}"),
            }
        }
        let asked = source.0.0.load(Ordering::SeqCst);
        let seconds = usize::try_from(start.elapsed().as_secs()).unwrap();
        assert!((1..=seconds + 1).contains(&asked), "{asked} in {seconds} s");
        let after = counted(&emulator);
        let requests = u64::try_from(3 * CALLS).unwrap();
        assert_eq!(after[1].0 - before[1].0, requests);
        assert_eq!(after[1].1 - before[1].1, requests);
    };

    let ring = || KeyRing::new(wrong.map(|text| ApiKey::parse(text).unwrap())).unwrap();
    let source = Asked::new(&wrong);
    let client = ap_ureq::Client::builder()
        .keys(ring())
        .origins(origins(&emulator))
        .key_source(source.clone())
        .build()
        .unwrap();
    check(&|| client.send(request()), &source);

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let source = Asked::new(&wrong);
    let client = ap_reqwest::Client::builder()
        .keys(ring())
        .origins(origins(&emulator))
        .key_source(source.clone())
        .build()
        .unwrap();
    check(&|| runtime.block_on(client.send(request())), &source);
}
