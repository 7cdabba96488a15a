//! Calls in several tokio runtimes, and in none.
#![allow(clippy::unwrap_used)]

mod common;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use ap_reqwest::ap_client::transport::{
    AsyncTransport as _, Connect as _, Deadline, FreshConnection, Moment, TransportConfig,
    TransportErrorKind,
};
use ap_reqwest::ap_client::{AsyncKeySource, KeySourceError};
use ap_reqwest::ap_core::{ApiKey, ErrorKind, Origin, Origins, Service};
use ap_reqwest::{ClientBuilder, ReqwestTransport};
use common::{LIMIT, Server};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn call(runtime: &Runtime, transport: &ReqwestTransport, server: &Server) {
    let deadline = Deadline::after(transport.now(), LIMIT);
    let response = runtime.block_on(transport.send(&server.get(), deadline));
    assert_eq!(response.unwrap().status(), 200);
}

#[test]
fn a_second_runtime_works_while_the_first_one_lives_and_after_it() {
    let server = Server::start();
    let transport = ReqwestTransport::connect(&TransportConfig::new()).unwrap();
    let (first, second) = (runtime(), runtime());
    for _ in 0..3 {
        // Each is idle while the other works, so nobody drives its connection.
        call(&first, &transport, &server);
        call(&second, &transport, &server);
    }
    assert_eq!(server.accepted(), 2, "each runtime keeps its connection");
    drop(first);
    call(&second, &transport, &server);
    assert_eq!(server.accepted(), 2);
}

#[test]
fn many_runtimes_one_after_another_or_at_the_same_time_all_work() {
    let server = Server::start();
    let transport = ReqwestTransport::connect(&TransportConfig::new()).unwrap();
    let living: Vec<_> = (0..12).map(|_| runtime()).collect();
    for runtime in living.iter().chain(&living) {
        call(runtime, &transport, &server);
    }
    for _ in 0..12 {
        call(&runtime(), &transport, &server);
    }
    let counted = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                call(&runtime(), &transport, &server);
                counted.fetch_add(1, Ordering::SeqCst);
            });
        }
    });
    assert_eq!(counted.into_inner(), 4);
}

/// Polls a future once, outside of a runtime.
fn poll<T>(future: impl Future<Output = T>) -> T {
    let poll = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
    match poll {
        Poll::Ready(outcome) => Some(outcome),
        Poll::Pending => None,
    }
    .unwrap()
}

#[test]
fn without_a_runtime_a_call_is_a_setup_error() {
    let server = Server::start();
    let transport = ReqwestTransport::connect(&TransportConfig::new()).unwrap();
    let mut fresh = server.get();
    fresh.extensions_mut().insert(FreshConnection);
    for request in [server.get(), fresh] {
        for deadline in [Deadline::NEVER, Deadline::after(transport.now(), LIMIT)] {
            let error = poll(transport.send(&request, deadline)).unwrap_err();
            assert_eq!(error.kind(), TransportErrorKind::Setup);
        }
    }
    assert_eq!(server.accepted(), 0);
    // There is no timer either.
    let sleep = transport.sleep_until(Moment::after_start(LIMIT));
    let polled = pin!(sleep).poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
}

#[derive(Debug)]
struct OneKey;

#[async_trait::async_trait]
impl AsyncKeySource for OneKey {
    async fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        Ok(vec![ApiKey::parse("placeholder-key-1").unwrap()])
    }
}

#[test]
fn without_a_runtime_a_client_with_a_key_source_says_so_too() {
    let server = Server::start();
    let origin = Origin::parse_loopback(&server.origin).unwrap();
    let origins = Origins::vendor()
        .with(Service::LeadConduit, origin)
        .unwrap();
    let client = ClientBuilder::new()
        .key_source(OneKey)
        .origins(origins)
        .build()
        .unwrap();
    let client = Arc::new(client);
    let error = poll(client.get(Service::LeadConduit, "/flows").send()).unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Transport(TransportErrorKind::Setup)
    );
}
