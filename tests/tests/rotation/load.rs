//! [`LoadedService`]: somebody's service, with many calls in flight while the key is reset.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ap_client::ap_core::{ApiKey, Credentials, Draft, Error, Product, Response};
use ap_tests::TestClient;
use futures_util::future::join_all;
use http::HeaderValue;
use serde_json::{Value, json};

use crate::recorder::{CALL, Recorder};
use crate::vendor::Vendor;

/// When the reset and the logins happen, counted in calls that ended since the step before.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    /// How many calls are in flight for each product.
    pub(crate) workers: usize,
    /// The order of the logins, by the products' places in [`Product::ALL`].
    pub(crate) order: [usize; 3],
    /// `true` if each worker must have ended so many calls, not all of them together.
    pub(crate) is_each: bool,
    /// The calls before the reset, before each login, and before the end.
    pub(crate) waits: [u64; 5],
    /// `true` if SuppressionList only gets calls that it answers with 404.
    pub(crate) is_missing: bool,
}

/// Gives the old key and the new one to the service.
pub(crate) type GiveOut<'a> = dyn Fn([ApiKey; 2]) + Sync + 'a;

/// A service with one client.
pub(crate) struct LoadedService {
    client: TestClient,
    recorder: Recorder,
}

impl LoadedService {
    pub(crate) fn new(build: impl FnOnce(&Recorder) -> Result<TestClient, Error>) -> Self {
        let recorder = Recorder::default();
        Self {
            client: build(&recorder).unwrap(),
            recorder,
        }
    }

    /// Forgets every key but the newest.
    pub(crate) fn retire_old_keys(&self, vendor: &dyn Vendor) {
        let key = vendor.key().with_label("old");
        self.client.keys().replace([key]).unwrap();
    }

    /// Returns the number of flows of the account.
    pub(crate) fn flows(&self) -> usize {
        let draft = Draft::get(Product::LeadConduit.main_service(), "/flows").header(CALL, "flows");
        let response = self.client.send(draft).unwrap();
        assert_eq!(self.recorder.take("flows").len(), 1);
        response.json::<Vec<Value>>().unwrap().len()
    }

    /// Goes through one reset, in which somebody gives both keys to the client, and compares what was counted
    /// with what is promised. Returns how many flows were created.
    pub(crate) fn survive(
        &self,
        vendor: &dyn Vendor,
        schedule: &Schedule,
    ) -> Result<usize, String> {
        self.survive_with(vendor, schedule, &|keys| {
            self.client.keys().replace(keys).unwrap();
        })
    }

    /// Like [`survive`](Self::survive), with another way for the keys.
    pub(crate) fn survive_with(
        &self,
        vendor: &dyn Vendor,
        schedule: &Schedule,
        give_out: &GiveOut<'_>,
    ) -> Result<usize, String> {
        let before = vendor.counted();
        let load = Load::new(vendor, schedule, give_out);
        self.work(&load);
        let after = vendor.counted();
        self.retire_old_keys(vendor);

        let progress = load.progress.into_inner().unwrap();
        let mut wrong = progress.wrong;
        for at in 0..3 {
            let requests = after[at].requests - before[at].requests;
            let rejections = after[at].rejections - before[at].rejections;
            let ended = progress.ended[at];
            if requests != ended + rejections {
                wrong.push(format!(
                    "{requests} requests for {ended} calls, {rejections} rejections"
                ));
            }
            if rejections > schedule.workers as u64 {
                wrong.push(format!(
                    "{rejections} rejections: more than calls in flight at the switch"
                ));
            }
        }
        if wrong.is_empty() {
            Ok(progress.created)
        } else {
            Err(wrong.join("; "))
        }
    }

    fn work(&self, load: &Load<'_>) {
        let workers = 0..3 * load.schedule.workers;
        match &self.client {
            TestClient::Blocking(client) => std::thread::scope(|scope| {
                for worker in workers {
                    scope.spawn(move || {
                        while let Some((draft, call)) = load.next(worker) {
                            let outcome = client.send(draft);
                            load.ended(&call, &self.recorder.take(&call.name), outcome);
                        }
                    });
                }
            }),
            TestClient::Async(client, runtime) => {
                let work = workers.map(|worker| async move {
                    while let Some((draft, call)) = load.next(worker) {
                        let outcome = client.send(draft).await;
                        load.ended(&call, &self.recorder.take(&call.name), outcome);
                    }
                });
                runtime.block_on(join_all(work));
            }
        }
    }
}

/// Calls to every product from many workers at once. The worker that ends the last call before a step of the
/// schedule carries it out, while the calls of the others are in flight.
struct Load<'a> {
    vendor: &'a dyn Vendor,
    schedule: &'a Schedule,
    give_out: &'a GiveOut<'a>,
    old: ApiKey,
    /// How many calls each worker has begun.
    begun: Vec<AtomicU64>,
    /// For each product: if a call has ended that showed that it accepts the new key.
    has_switched: [AtomicBool; 3],
    is_over: AtomicBool,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    /// The next step of the schedule.
    step: usize,
    /// How many calls each worker has ended since the last step.
    since_step: Vec<u64>,
    /// The credentials with the new key, from the reset on.
    new: Option<HeaderValue>,
    /// How many calls to each product have ended.
    ended: [u64; 3],
    created: usize,
    wrong: Vec<String>,
}

/// A call that has begun.
struct Call {
    name: String,
    worker: usize,
    /// The product's place in [`Product::ALL`].
    product: usize,
    /// The status that the response must have.
    status: u16,
    /// The most requests that it may take.
    max_requests: usize,
}

impl<'a> Load<'a> {
    fn new(vendor: &'a dyn Vendor, schedule: &'a Schedule, give_out: &'a GiveOut<'a>) -> Self {
        let workers = 3 * schedule.workers;
        Self {
            vendor,
            schedule,
            give_out,
            old: vendor.key().with_label("old"),
            begun: (0..workers).map(|_| AtomicU64::new(0)).collect(),
            has_switched: Default::default(),
            is_over: AtomicBool::new(false),
            progress: Mutex::new(Progress {
                since_step: vec![0; workers],
                ..Progress::default()
            }),
        }
    }

    /// Returns a worker's next call, or `None` if all is over.
    fn next(&self, worker: usize) -> Option<(Draft, Call)> {
        if self.is_over.load(Ordering::SeqCst) {
            return None;
        }
        let product = worker % 3;
        let nth = self.begun[worker].fetch_add(1, Ordering::SeqCst);
        let service = Product::ALL[product].main_service();
        let (draft, status) = match product {
            0 if nth.is_multiple_of(4) => {
                let flow = json!({"name": "Made once", "enabled": true, "fields": [], "sources": [], "steps": []});
                (Draft::post(service, "/flows").json(&flow), 201)
            }
            2 if self.schedule.is_missing => (Draft::get(service, "/exists/do_not_call/nothing"), 404),
            2 => (Draft::get(service, "/lists"), 200),
            _ => (Draft::get(service, "/account"), 200),
        };
        let has_switched = self.has_switched[product].load(Ordering::SeqCst);
        let call = Call {
            name: format!("{worker}-{nth}"),
            worker,
            product,
            status,
            max_requests: if has_switched { 1 } else { 2 },
        };
        Some((draft.header(CALL, &call.name), call))
    }

    fn ended(&self, call: &Call, sent: &[HeaderValue], outcome: Result<Response, Error>) {
        let mut progress = self.progress.lock().unwrap();
        let name = &call.name;
        match outcome {
            Ok(response) if response.status() == call.status => {}
            Ok(response) => progress
                .wrong
                .push(format!("{name}: {}", response.status())),
            Err(error) => progress.wrong.push(format!("{name}: {error}")),
        }
        if sent.len() > call.max_requests {
            progress
                .wrong
                .push(format!("{name}: {} requests", sent.len()));
        }
        // A 404 shows it only after a rejection in the same call.
        let shows_acceptance = call.status != 404 || sent.len() > 1;
        if progress.new.is_some() && sent.last() == progress.new.as_ref() && shows_acceptance {
            self.has_switched[call.product].store(true, Ordering::SeqCst);
        }
        progress.since_step[call.worker] += 1;
        progress.ended[call.product] += 1;
        progress.created += usize::from(call.status == 201);
        while self.is_due(&progress) {
            self.take_step(&mut progress);
        }
    }

    /// Returns `true` if enough calls have ended for the next step.
    fn is_due(&self, progress: &Progress) -> bool {
        let Some(wait) = self.schedule.waits.get(progress.step) else {
            return false;
        };
        let mut ended = progress.since_step.iter();
        if self.schedule.is_each {
            ended.all(|calls| calls >= wait)
        } else {
            ended.sum::<u64>() >= *wait
        }
    }

    /// Resets the key and gives out the new one, or logs in to the next product, or ends everything.
    fn take_step(&self, progress: &mut Progress) {
        match progress.step {
            0 => {
                let new = self.vendor.reset().with_label("new");
                progress.new = Some(Credentials::new(new.clone()).authorization().clone());
                (self.give_out)([self.old.clone(), new]);
            }
            step @ 1..=3 => {
                let product = self.schedule.order[step - 1];
                self.vendor.login(Product::ALL[product]);
            }
            _ => self.is_over.store(true, Ordering::SeqCst),
        }
        progress.step += 1;
        progress.since_step.fill(0);
    }
}
