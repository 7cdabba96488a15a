//! Calls over real sockets, to an emulator, through hyper's pooled client.
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "its `main` is not called from here")]
#[path = "../../examples/retries.rs"]
mod example;
mod retries;
mod traces;

use std::time::Duration;

use ap_emulator::{Emulator, Fault, Product};
use ap_tower::ap_core::{Account, ApiKey, KeyRing};
use ap_tower::{BoxError, ExchangeLayer};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::task::JoinSet;
use tower::{Layer as _, Service, ServiceBuilder, ServiceExt as _};

/// The longest that anything here waits.
const LIMIT: Duration = Duration::from_secs(60);

fn http() -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).build_http()
}

fn account(emulator: &Emulator) -> (KeyRing, Account) {
    let keys = KeyRing::from_key(ApiKey::parse(emulator.key()).unwrap());
    (keys.clone(), Account::new(keys, emulator.origins()))
}

fn get(emulator: &Emulator, path: &str) -> Request<Full<Bytes>> {
    Request::get(format!("{}{path}", emulator.url(Product::LeadConduit)))
        .header("accept", "application/json")
        .body(Full::default())
        .unwrap()
}

#[tokio::test]
async fn a_key_reset_under_load_costs_no_call() {
    const WORKERS: usize = 32;
    let emulator = Emulator::start().unwrap();
    let (keys, account) = account(&emulator);
    let old = ApiKey::parse(emulator.key()).unwrap();
    let service = ServiceBuilder::new()
        .concurrency_limit(WORKERS)
        .timeout(LIMIT)
        .layer(ExchangeLayer::new(account))
        .service(http());
    let mut calls = JoinSet::new();
    for number in 0..WORKERS * 4 {
        if number == WORKERS {
            keys.replace([old.clone(), ApiKey::parse(emulator.reset()).unwrap()])
                .unwrap();
        }
        if number == WORKERS * 2 {
            // From here on, the old key is rejected, also for calls that are under way.
            emulator.login(Product::LeadConduit);
        }
        let request = get(&emulator, "/flows");
        let service = service.clone();
        calls.spawn(async move {
            let response = service.oneshot(request).await?;
            let status = response.status();
            let body = response.into_body().collect().await?.to_bytes();
            Ok::<_, BoxError>((status, body.starts_with(b"[")))
        });
        tokio::task::yield_now().await;
    }
    let mut answered = 0;
    while let Some(outcome) = calls.join_next().await {
        assert_eq!(outcome.unwrap().unwrap(), (StatusCode::OK, true));
        answered += 1;
    }
    assert_eq!(answered, WORKERS * 4);
}

#[tokio::test]
async fn layers_above_and_below_do_their_part() {
    let emulator = Emulator::start().unwrap();
    let (_, account) = account(&emulator);
    let mut service = ExchangeLayer::new(account).layer(http());
    emulator.fault(Fault::unavailable(Product::LeadConduit));
    for (path, expected) in [
        // The fault is not repeated here, and is no rejected key.
        ("/flows", StatusCode::SERVICE_UNAVAILABLE),
        ("/flows", StatusCode::OK),
        ("/flows/000000000000000000000000", StatusCode::NOT_FOUND),
    ] {
        let ready = service.ready().await.unwrap();
        let response = ready.call(get(&emulator, path)).await.unwrap();
        assert_eq!(response.status(), expected, "{path}");
    }
    emulator.fault(Fault::delay(Product::LeadConduit, LIMIT));
    let limited = ServiceBuilder::new()
        .timeout(Duration::from_millis(50))
        .service(service);
    let error = limited.oneshot(get(&emulator, "/flows")).await.unwrap_err();
    assert!(error.is::<tower::timeout::error::Elapsed>(), "{error}");
}
