//! What a client allocates beyond its transport. The counter counts for its own thread, so these tests do not
//! disturb each other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use allocation_counter::measure;
use ap_client::transport::{AsyncTransport, Deadline, Moment, Transport, TransportError};
use ap_client::{Async, Blocking, Client, ClientBuilder, fake};
use ap_core::{Product, RetryPolicy, Service};
use async_trait::async_trait;
use bytes::Bytes;
use common::{BAD, ring};
use http::{Request, Response, header};

fn count(run: impl FnOnce()) -> u64 {
    measure(run).count_total
}

/// Hands out responses that were made before anything is counted.
struct Ready(Mutex<Vec<Response<Bytes>>>);

impl Ready {
    fn new(statuses: &[u16]) -> Self {
        let response = |status: &u16| {
            let body = if *status == 401 { BAD } else { "[]" };
            let response = Response::builder().status(*status);
            response.body(Bytes::from_static(body.as_bytes())).unwrap()
        };
        Self(Mutex::new(statuses.iter().rev().map(response).collect()))
    }

    fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        assert!(request.headers().contains_key(header::AUTHORIZATION));
        self.0.lock().unwrap().pop().unwrap()
    }
}

impl Transport for Ready {
    fn now(&self) -> Moment {
        Moment::after_start(Duration::ZERO)
    }

    fn sleep_until(&self, _: Moment) {}

    fn send(
        &self,
        request: &Request<Bytes>,
        _: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        Ok(self.answer(request))
    }
}

#[async_trait]
impl AsyncTransport for Ready {
    fn now(&self) -> Moment {
        Moment::after_start(Duration::ZERO)
    }

    async fn sleep_until(&self, _: Moment) {}

    async fn send(
        &self,
        request: &Request<Bytes>,
        _: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        Ok(self.answer(request))
    }
}

fn blocking(statuses: &[u16]) -> Client<Blocking> {
    let client = ClientBuilder::<Blocking>::new().keys(ring("ab"));
    client.build_with(Ready::new(statuses)).unwrap()
}

fn polled(statuses: &[u16]) -> Client<Async> {
    let client = ClientBuilder::<Async>::new().keys(ring("ab"));
    client.build_with(Ready::new(statuses)).unwrap()
}

/// Polls a future that never waits.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

/// Counts one call of each mode, from its path to its response.
fn both(statuses: &[u16], status: u16) -> [u64; 2] {
    let (client, mut response) = (blocking(statuses), None);
    let one = count(|| response = client.get(Service::LeadConduit, "/flows").send().ok());
    assert_eq!(response.unwrap().status(), status);
    let (client, mut response) = (polled(statuses), None);
    let other = count(|| response = ready(client.get(Service::LeadConduit, "/flows").send()).ok());
    assert_eq!(response.unwrap().status(), status);
    [one, other]
}

#[test]
fn the_counter_counts() {
    assert_eq!(count(|| drop(std::hint::black_box(Box::new(1)))), 1);
    assert_eq!(count(|| drop(std::hint::black_box(String::new()))), 0);
}

/// The path and the header map's two tables. The async transport boxes its future.
#[test]
fn a_call_allocates_three_times_and_four_times_if_it_is_async() {
    for status in [200, 204, 302, 403, 404, 429, 500] {
        assert_eq!(both(&[status], status), [3, 4], "{status}");
    }
}

/// More than a plain call: two short lists of the rejected keys, and the mark for a fresh connection, which is
/// a map. The async transport boxes another future.
#[test]
fn a_second_key_costs_four_allocations_and_five_if_it_is_async() {
    assert_eq!(both(&[401, 200], 200), [7, 9]);
}

#[test]
fn a_policy_that_is_not_needed_costs_nothing() {
    let (client, mut response) = (blocking(&[200]).with_retry(RetryPolicy::new(3)), None);
    let counted = count(|| response = client.get(Service::LeadConduit, "/flows").send().ok());
    assert_eq!((response.unwrap().status().as_u16(), counted), (200, 3));
    let (client, mut response) = (polled(&[200]).with_retry(RetryPolicy::new(3)), None);
    let call = || client.get(Service::LeadConduit, "/flows").send();
    let counted = count(|| response = ready(call()).ok());
    assert_eq!((response.unwrap().status().as_u16(), counted), (200, 4));
}

#[test]
fn an_error_costs_one_allocation_more() {
    let (client, mut error) = (blocking(&[401, 401]), None);
    let counted = count(|| error = client.get(Service::LeadConduit, "/flows").send().err());
    assert_eq!(error.unwrap().rejected_keys().len(), 2);
    assert_eq!(counted, 8);
}

#[test]
fn handles_are_copied_without_an_allocation() {
    let (client, other) = (blocking(&[]), polled(&[]));
    let counted = count(|| {
        drop((client.clone(), other.clone()));
        drop(client.with_timeout(Duration::from_secs(1)));
        drop(client.keys().clone());
        drop(client.keys().preferred(Product::TrustedForm));
    });
    assert_eq!(counted, 0);
}

/// Serves so many pages of a hundred numbers.
fn serve_pages(count: u32) -> Client<Blocking> {
    let page = move |request: &Request<Bytes>| {
        let start = request.uri().query().unwrap().strip_prefix("start=");
        let start: u32 = start.unwrap().parse().unwrap();
        let items: Vec<_> = (0..100).collect();
        let next = Some(start + 1).filter(|next| next % 1_000_000 < count);
        (
            200,
            serde_json::json!({ "items": items, "next": next }).to_string(),
        )
    };
    let client = ClientBuilder::<Blocking>::new().keys(ring("ab"));
    client.build_with(fake(page)).unwrap()
}

#[test]
fn the_memory_of_a_walk_does_not_grow_with_its_pages() {
    let peak = |pages| {
        let client = serve_pages(pages);
        // Cursors of the same length.
        let mut items = client.items(common::Numbers(1_000_000));
        let mut count = 0;
        let measured = measure(|| count = items.by_ref().map(Result::unwrap).count());
        assert_eq!(count, usize::try_from(pages).unwrap() * 100);
        measured.bytes_max
    };
    assert_eq!(peak(10), peak(2_000));
}

#[test]
fn the_future_of_a_call_is_not_larger_than_2_200_bytes() {
    let client = polled(&[]);
    let call = client.send(common::flows());
    let request = client.get(Service::LeadConduit, "/").send();
    assert!(size_of_val(&call) <= 2_200 && size_of_val(&request) <= 2_200);
    // The draft is prepared outside of this one.
    let call = client.send_while(common::flows(), |_| false);
    assert!(size_of_val(&call) <= 1_200, "{}", size_of_val(&call));
}
