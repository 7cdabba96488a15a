//! The transport for users' tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::Duration;

use ap_client::transport::{AsyncTransport, Moment, Transport, TransportError, TransportErrorKind};
use ap_client::{Async, Blocking, Client, ClientBuilder, fake};
use ap_core::{Error, ErrorKind};
use bytes::Bytes;
use common::{BAD, block_on, flows, key, result, ring, sent_key};
use http::{Request, Response};

fn blocking(transport: impl Transport + 'static) -> Client<Blocking> {
    ClientBuilder::<Blocking>::new()
        .keys(ring("ab"))
        .build_with(transport)
        .unwrap()
}

fn polled(transport: impl AsyncTransport + 'static) -> Client<Async> {
    ClientBuilder::<Async>::new()
        .keys(ring("ab"))
        .build_with(transport)
        .unwrap()
}

#[test]
fn a_fake_answers_with_any_status_and_body() {
    for status in [200, 204, 302, 404, 429, 500, 599] {
        let response = blocking(fake(move |_| (status, "text")))
            .send(flows())
            .unwrap();
        assert_eq!(
            (response.status().as_u16(), response.text().unwrap()),
            (status, "text")
        );
        let response = block_on(polled(fake(move |_| (status, vec![b'x']))).send(flows())).unwrap();
        assert_eq!(
            (response.status().as_u16(), response.text().unwrap()),
            (status, "x")
        );
    }
    let error = blocking(fake(|_| (99, ""))).send(flows()).unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Transport(TransportErrorKind::Malformed)
    );
}

#[test]
fn a_fake_answers_with_a_whole_response_or_a_transport_error() {
    let answer = |request: &Request<Bytes>| {
        let response = Response::builder()
            .status(201)
            .header("location", request.uri().path());
        Ok::<_, TransportError>(response.body("made").unwrap())
    };
    let made = [
        blocking(fake(answer)).send(flows()).unwrap(),
        block_on(polled(fake(answer)).send(flows())).unwrap(),
    ];
    for response in made {
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["location"], "/flows");
    }
    let fails = |_: &Request<Bytes>| -> Result<(u16, &str), _> {
        Err(TransportError::new(TransportErrorKind::Connect))
    };
    let errors: [Error; 2] = [
        blocking(fake(fails)).send(flows()).unwrap_err(),
        block_on(polled(fake(fails)).send(flows())).unwrap_err(),
    ];
    assert!(
        errors
            .iter()
            .all(|error| error.is_connect() && !error.is_timeout())
    );
}

#[test]
fn a_fake_sees_signed_requests_and_may_keep_state() {
    let reset = || {
        let mut sent = String::new();
        move |request: &Request<Bytes>| {
            sent.push(sent_key(request));
            match sent.as_str() {
                "a" => (401, BAD.to_owned()),
                _ => (200, sent.clone()),
            }
        }
    };
    let client = blocking(fake(reset()));
    assert_eq!(client.send(flows()).unwrap().text().unwrap(), "ab");
    assert_eq!(client.send(flows()).unwrap().text().unwrap(), "abb");
    let client = polled(fake(reset()));
    assert_eq!(
        block_on(client.send(flows())).unwrap().text().unwrap(),
        "ab"
    );
}

#[test]
fn a_fakes_clock_stands_still_except_that_waiting_moves_it() {
    let seconds = |seconds| Moment::after_start(Duration::from_secs(seconds));
    let one = fake(|_: &Request<Bytes>| (200, ""));
    assert_eq!(Transport::now(&one), seconds(0));
    Transport::sleep_until(&one, seconds(9));
    block_on(AsyncTransport::sleep_until(&one, seconds(7)));
    assert_eq!(Transport::now(&one), seconds(9), "it never goes back");
    block_on(AsyncTransport::sleep_until(&one, seconds(11)));
    assert_eq!(AsyncTransport::now(&one), seconds(11));
}

#[test]
fn a_fake_sends_nothing_after_the_deadline() {
    let unused = |_: &Request<Bytes>| -> (u16, &str) { panic!("nothing is sent") };
    let client = blocking(fake(unused)).with_timeout(Duration::ZERO);
    assert_eq!(result(&client.send(flows())), "timeout");
    let client = polled(fake(unused)).with_timeout(Duration::ZERO);
    assert_eq!(result(&block_on(client.send(flows()))), "timeout");
}

#[test]
fn a_fake_that_panicked_answers_again() {
    let mut has_panicked = false;
    let client = blocking(fake(move |_: &Request<Bytes>| {
        assert!(std::mem::replace(&mut has_panicked, true), "for once");
        (200, "")
    }));
    let other = client.clone();
    std::thread::spawn(move || other.send(flows()))
        .join()
        .unwrap_err();
    assert_eq!(result(&client.send(flows())), "200");
    assert!(
        client
            .keys()
            .preferred(ap_core::Product::LeadConduit)
            .unwrap()
            .is_same(&key('a'))
    );
}
