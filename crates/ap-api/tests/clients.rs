//! Both clients call the endpoints: they are values that any client takes, also from another thread.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ap_api::leadconduit::{events, flows, leads, submission};
use ap_api::suppressionlist::Exists;
use ap_api::trustedform::certificates::{CertificateId, Run, Verify};
use ap_api::{Id, ListName};
use ap_client::ap_core::ApiKey;
use ap_client::{Async, Blocking, ClientBuilder, fake};
use ap_core::Service;
use bytes::Bytes;
use common::CERTIFICATE;
use http::Request;
use serde_json::json;

const FLOW: &str = "5fd4371e940df5a34a3888b2";

/// Answers as the products do: two pages of events, one flow, a lead's verdict, and a value that is on no list.
fn answer(request: &Request<Bytes>) -> (u16, String) {
    let event =
        |last: char| json!({"id": format!("5fd4371e940df5a34a3888b{last}"), "type": "source"});
    let is_signed = request.headers().contains_key("authorization");
    let (status, body) = match (request.method().as_str(), request.uri().path()) {
        ("GET", "/events") if !is_signed => (401, json!({"error": "authentication failed"})),
        ("GET", "/events") => match request.uri().query().unwrap() {
            query if query.contains("b3") => (200, json!([])),
            query if query.contains("b2") => (200, json!([event('3')])),
            query if query.contains("b1") => (200, json!([event('2')])),
            _ => (200, json!([event('1'), event('2')])),
        },
        ("POST", path) if path.ends_with("/submit") && !is_signed => {
            (201, json!({"outcome": "failure", "reason": "duplicate"}))
        }
        ("GET", path) if path.starts_with("/exists/") => (404, json!({"found": false})),
        ("GET", path) if path.starts_with("/flows/") => {
            (200, json!({"name": "Solar", "enabled": true}))
        }
        _ => (500, json!({})),
    };
    (status, body.to_string())
}

fn id() -> Id {
    Id::parse(FLOW).unwrap()
}

fn exists() -> Exists {
    Exists::new(ListName::parse("do_not_call").unwrap(), "5125550100")
}

fn submit() -> submission::Submit {
    submission::Submit::new(id(), id()).field("email", "a@b.example")
}

#[test]
fn the_blocking_client_calls_them() {
    let client = ClientBuilder::<Blocking>::new()
        .key(ApiKey::parse("placeholder-key").unwrap())
        .build_with(fake(answer))
        .unwrap();
    let events: Result<Vec<_>, _> = client.items(events::List::new()).collect();
    let ids: Vec<_> = events
        .unwrap()
        .into_iter()
        .map(|event| event.id.to_string())
        .collect();
    assert_eq!(ids.len(), 3);
    assert!(ids.is_sorted());
    assert_eq!(client.call(flows::Get::new(id())).unwrap().name, "Solar");
    assert!(!client.call(exists()).unwrap().found);
    assert!(!client.call(submit()).unwrap().outcome.is_success());
    let names: serde_json::Value = client.call(flows::Get::new(id()).output()).unwrap();
    assert_eq!(names["name"], "Solar");
}

/// Polls a future whose transport is ready at once. It must be one that can go to another thread.
fn ready<F: Future + Send>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the fake transport waits"),
    }
}

#[test]
fn the_async_client_calls_them() {
    let client = ClientBuilder::<Async>::new()
        .key(ApiKey::parse("placeholder-key").unwrap())
        .build_with(fake(answer))
        .unwrap();
    let mut items = client.items(events::List::new());
    let mut count = 0;
    while let Some(event) = ready(items.next()) {
        count += usize::from(event.unwrap().kind == Some(events::EventKind::Source));
    }
    assert_eq!(count, 3);
    assert_eq!(
        ready(client.call(flows::Get::new(id()))).unwrap().name,
        "Solar"
    );
    assert!(!ready(client.call(exists())).unwrap().found);
    assert!(!ready(client.call(submit())).unwrap().outcome.is_success());
}

#[test]
fn an_export_of_events_is_resumed_after_any_of_them() {
    let client = ClientBuilder::<Blocking>::new()
        .key(ApiKey::parse("placeholder-key").unwrap())
        .build_with(fake(answer))
        .unwrap();
    let all: Vec<_> = client
        .items(events::List::new())
        .map(|event| event.unwrap().id)
        .collect();
    for stop in 0..=all.len() {
        let mut items = client.items(events::List::new());
        for id in &all[..stop] {
            assert_eq!(items.next().unwrap().unwrap().id, *id);
            assert_eq!(items.position(), Some(id));
        }
        let saved = serde_json::to_string(&items.position()).unwrap();
        let saved: Option<Id> = serde_json::from_str(&saved).unwrap();
        let mut items = client.items(events::List::new()).starting_at(saved);
        let rest: Vec<_> = items.by_ref().map(|event| event.unwrap().id).collect();
        assert_eq!(rest, all[stop..]);
        assert_eq!(
            items.position(),
            all.last(),
            "a later export finds only what is new"
        );
    }
    // A type of your own need not have an id: its pages are resumed.
    let list = || events::List::new().output::<serde_json::Value>();
    let mut items = client.items(list());
    items.next().unwrap().unwrap();
    assert_eq!(items.position(), None, "in the middle of the first page");
    items.next().unwrap().unwrap();
    assert_eq!(items.position(), Some(&all[1]));
}

#[test]
fn a_search_of_leads_is_resumed_after_any_of_them() {
    let found = |request: &Request<Bytes>| {
        let query = request.uri().query().unwrap();
        let number = |name: &str| -> u32 {
            let value = query.split('&').find_map(|pair| pair.strip_prefix(name));
            value.unwrap().parse().unwrap()
        };
        let (from, limit) = (number("from="), number("limit="));
        let hits: Vec<_> = (from..7.min(from + limit))
            .map(|n| json!({"city": n.to_string()}))
            .collect();
        (200, json!({"hits": hits, "total": 7}).to_string())
    };
    let client = ClientBuilder::<Blocking>::new()
        .key(ApiKey::parse("placeholder-key").unwrap())
        .build_with(fake(found))
        .unwrap();
    let search = || leads::Search::new("a").limit(3);
    for stop in 0..=7 {
        let mut items = client.items(search());
        let cities = |items: &mut dyn Iterator<Item = Result<leads::FoundLead, ap_core::Error>>| {
            let cities: Vec<u32> = items
                .map(|lead| lead.unwrap().city.unwrap().parse().unwrap())
                .collect();
            cities
        };
        let seen = cities(&mut items.by_ref().take(stop));
        let saved = items.position().copied();
        let rest = cities(&mut client.items(search()).starting_at(saved));
        assert_eq!([seen, rest].concat(), (0..7).collect::<Vec<_>>(), "{stop}");
    }
}

#[test]
fn operations_on_a_certificate_keep_their_version_whatever_the_client_s_is() {
    let version = |request: &Request<Bytes>| {
        let version = request.headers()["api-version"].to_str().unwrap();
        (200, json!({"outcome": version}).to_string())
    };
    let client = ClientBuilder::<Blocking>::new()
        .key(ApiKey::parse("placeholder-key").unwrap())
        .default_header(Service::TrustedForm, "api-version", "3.0")
        .build_with(fake(version))
        .unwrap();
    let path = format!("/{CERTIFICATE}");
    let plain = client.post(Service::TrustedForm, &path).send().unwrap();
    assert_eq!(plain.text().unwrap(), r#"{"outcome":"3.0"}"#);
    let certificate: CertificateId = CERTIFICATE.parse().unwrap();
    let results = client.call(Run::new(certificate).verify(Verify::new()));
    assert_eq!(results.unwrap().outcome.as_str(), "4.0");
}
