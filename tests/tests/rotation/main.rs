//! A key reset under load, over every transport: no call fails, and no request is made in vain. What the vendor
//! counted is what is compared.
#![allow(clippy::unwrap_used, clippy::panic)]

mod load;
mod recorder;
mod vendor;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ap_client::ap_core::exchange::AuthErrorKind;
use ap_client::ap_core::{ApiKey, Draft, Error, Product, Service};
use ap_client::transport::Connect as _;
use ap_client::{KeySource, KeySourceError};
use ap_emulator::{Emulator, Plan};
use ap_hyper::HyperTransport;
use ap_keys::{File, Store};
use ap_reqwest::ReqwestTransport;
use ap_tests::{Dice, Settings, TestClient};
use ap_ureq::UreqTransport;
use load::{LoadedService, Schedule};
use proptest::prelude::*;
use proptest::sample::select;
use recorder::Recorder;
use vendor::{InMemory, Vendor};

const HOUR: Duration = Duration::from_secs(3600);

/// Every order in which somebody can log in to the products, by their places in [`Product::ALL`].
const ORDERS: [[usize; 3]; 6] = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
];

/// Returns a service over each transport, one after another, so that each has the emulator's connections for itself.
fn over_http(settings: &Settings) -> impl Iterator<Item = LoadedService> {
    type Build = fn(&Settings, &Recorder) -> Result<TestClient, Error>;
    let build: [Build; 3] = [
        |settings, recorder| {
            settings.blocking(recorder.wrap(UreqTransport::connect(&settings.config)?))
        },
        |settings, recorder| {
            settings.asynchronous(recorder.wrap(ReqwestTransport::connect(&settings.config)?))
        },
        |settings, recorder| {
            settings.asynchronous(recorder.wrap(HyperTransport::connect(&settings.config)?))
        },
    ];
    build
        .into_iter()
        .map(|build| LoadedService::new(|recorder| build(settings, recorder)))
}

fn settings(vendor: &dyn Vendor) -> Settings {
    Settings::new([vendor.key()], &vendor.origins())
}

#[test]
fn a_hundred_calls_in_flight_per_product_survive_a_reset() {
    for (order, is_missing) in [([0, 1, 2], false), ([2, 0, 1], true)] {
        let emulator = Emulator::start().unwrap();
        let schedule = Schedule {
            workers: 100,
            order,
            is_each: true,
            waits: [1, 1, 1, 1, 2],
            is_missing,
        };
        for service in over_http(&settings(&emulator)) {
            service.retire_old_keys(&emulator);
            let flows = service.flows();
            let created = service.survive(&emulator, &schedule).unwrap();
            assert!(created >= schedule.workers, "each worker begins with one");
            assert_eq!(
                service.flows(),
                flows + created,
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
        is_each: true,
        waits: [1, 1, 1, 1, 2],
        is_missing: false,
    };
    let settings = settings(&emulator).key_source(File::new(&path));
    for service in over_http(&settings) {
        service.retire_old_keys(&emulator);
        // Nobody tells the client: it finds out by itself.
        let write = |keys: [ApiKey; 2]| Store::new(&path).lock().unwrap().write(&keys).unwrap();
        service.survive_with(&emulator, &schedule, &write).unwrap();
    }
}

#[test]
fn a_reset_with_logins_in_any_order_loses_no_call_over_http() {
    let emulator = Emulator::start().unwrap();
    let dice = Dice::default();
    for service in over_http(&settings(&emulator)) {
        service.retire_old_keys(&emulator);
        let (flows, mut created) = (service.flows(), 0);
        for order in ORDERS {
            for is_missing in [false, true] {
                let schedule = Schedule {
                    workers: 1 + dice.below(4),
                    order,
                    is_each: false,
                    waits: std::array::from_fn(|_| dice.below(8) as u64),
                    is_missing,
                };
                created += service.survive(&emulator, &schedule).unwrap();
            }
        }
        assert_eq!(
            service.flows(),
            flows + created,
            "each POST was applied once"
        );
    }
}

fn schedules() -> impl Strategy<Value = Schedule> {
    let waits = any::<[u8; 5]>();
    let all = (1..=4_usize, select(&ORDERS), waits, any::<bool>());
    all.prop_map(|(workers, order, waits, is_missing)| Schedule {
        workers,
        order,
        is_each: false,
        waits: waits.map(|wait| u64::from(wait % 8)),
        is_missing,
    })
}

#[test]
fn a_thousand_random_schedules_lose_no_call() {
    let vendor = Arc::new(InMemory::default());
    let settings = settings(&vendor);
    for service in [
        LoadedService::new(|recorder| settings.blocking(recorder.wrap(Arc::clone(&vendor)))),
        LoadedService::new(|recorder| settings.asynchronous(recorder.wrap(Arc::clone(&vendor)))),
    ] {
        service.retire_old_keys(&vendor);
        let (flows, created) = (service.flows(), AtomicUsize::new(0));
        proptest!(
            ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() },
            |(schedule in schedules())| {
                let more = service.survive(&vendor, &schedule).map_err(TestCaseError::fail)?;
                created.fetch_add(more, Ordering::SeqCst);
            }
        );
        assert_eq!(
            service.flows(),
            flows + created.into_inner(),
            "each POST was applied once"
        );
    }
}

#[test]
fn a_forbidden_resource_in_a_loop_does_not_touch_the_other_calls() {
    let emulator = Emulator::start().unwrap();
    emulator.set_plan(Plan::Free);
    let spare = ApiKey::parse("placeholder-key-to-come").unwrap();
    let settings = Settings::new([Vendor::key(&emulator), spare], &emulator.origins());
    for client in settings.clients().unwrap() {
        let [before, ..] = emulator.counted();
        for _ in 0..50 {
            for (path, status) in [("/flows", 401), ("/account", 200)] {
                let response = client.send(Draft::get(Service::LeadConduit, path));
                assert_eq!(response.unwrap().status(), status, "{}", client.mode());
            }
        }
        let [after, ..] = emulator.counted();
        assert_eq!(after.requests - before.requests, 100, "one request each");
        assert_eq!(after.rejections, before.rejections, "the key was accepted");
    }
}

/// A key source that always returns the same keys, and counts how often it is asked.
#[derive(Clone)]
struct Counting(Arc<AtomicUsize>, Vec<ApiKey>);

impl KeySource for Counting {
    fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(self.1.clone())
    }
}

#[test]
fn a_server_that_rejects_every_key_gets_one_request_for_each_and_the_key_source_one_question() {
    const CALLS: u64 = 60;
    let keys = [1, 2, 3].map(|nth| ApiKey::parse(format!("placeholder-key-{nth}")).unwrap());
    let emulator = Emulator::start().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let settings = Settings::new(keys.clone(), &emulator.origins())
        .key_source(Counting(Arc::clone(&asked), keys.to_vec()))
        .min_refresh_interval(HOUR);
    for client in settings.clients().unwrap() {
        let before = emulator.counted();
        for _ in 0..CALLS {
            let error = client.send(Draft::get(Service::TrustedForm, "/account"));
            let error = error.unwrap_err();
            assert_eq!(error.auth().unwrap().kind(), AuthErrorKind::AllRejected);
            assert_eq!(error.rejected_keys().len(), 3);
            assert_eq!(error.status().unwrap(), 401);
        }
        let after = emulator.counted();
        let at = Product::ALL
            .iter()
            .position(|one| *one == Product::TrustedForm)
            .unwrap();
        assert_eq!(after[at].requests - before[at].requests, 3 * CALLS);
        assert_eq!(after[at].rejections - before[at].rejections, 3 * CALLS);
        assert_eq!(asked.swap(0, Ordering::SeqCst), 1, "{}", client.mode());
    }
}
