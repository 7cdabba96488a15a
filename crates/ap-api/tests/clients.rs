//! Both clients call the endpoints: they are values that any client takes, also from another thread.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ap_api::leadconduit::{events, flows, submission};
use ap_api::suppressionlist::Exists;
use ap_api::{Id, ListName};
use ap_client::ap_core::ApiKey;
use ap_client::{Async, Blocking, ClientBuilder, fake};
use bytes::Bytes;
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
