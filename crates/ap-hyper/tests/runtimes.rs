//! Calls in several tokio runtimes, and in none.
#![allow(clippy::unwrap_used)]

#[path = "../../ap-reqwest/tests/common/mod.rs"]
mod common;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ap_hyper::HyperTransport;
use ap_hyper::ap_client::transport::{
    AsyncTransport as _, Deadline, FreshConnection, Moment, TransportConfig, TransportErrorKind,
};
use common::{LIMIT, Server};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn call(runtime: &Runtime, transport: &HyperTransport, server: &Server) {
    let deadline = Deadline::after(transport.now(), LIMIT);
    let response = runtime.block_on(transport.send(&server.get(), deadline));
    assert_eq!(response.unwrap().status(), 200);
}

#[test]
fn a_second_runtime_works_while_the_first_one_lives_and_after_it() {
    let server = Server::start();
    let transport = HyperTransport::new(&TransportConfig::new()).unwrap();
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
fn more_runtimes_than_are_remembered_all_work() {
    let server = Server::start();
    let transport = HyperTransport::new(&TransportConfig::new()).unwrap();
    let living: Vec<_> = (0..70).map(|_| runtime()).collect();
    for runtime in living.iter().chain(&living) {
        call(runtime, &transport, &server);
    }
    for _ in 0..70 {
        call(&runtime(), &transport, &server);
    }
}

/// Polls a future once, outside of a runtime.
fn poll<T>(future: impl Future<Output = T>) -> Poll<T> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn without_a_runtime_a_call_is_a_setup_error() {
    let server = Server::start();
    let transport = HyperTransport::new(&TransportConfig::new()).unwrap();
    let mut fresh = server.get();
    fresh.extensions_mut().insert(FreshConnection);
    for request in [server.get(), fresh] {
        for deadline in [Deadline::NEVER, Deadline::after(transport.now(), LIMIT)] {
            let polled = poll(transport.send(&request, deadline));
            let kind = polled.map(|sent| sent.map_err(|error| error.kind()).err());
            assert_eq!(kind, Poll::Ready(Some(TransportErrorKind::Setup)));
        }
    }
    assert_eq!(server.accepted(), 0);
    // There is no timer either.
    assert!(poll(transport.sleep_until(Moment::after_start(LIMIT))).is_pending());
}
