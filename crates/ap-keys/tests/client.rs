//! Sources in a client's hands, against the emulator, and on a thread of their own.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

use std::fs;
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use ap_core::{
    ApiKey, AsyncKeySource as _, CallError, KeySource, Origin, Origins, Service, SourceError,
};
use ap_emulator::{Emulator, Product};
use ap_keys::{File, OnThread, Store};
use ap_ureq::Client;
use http::Method;

fn store(path: &Path, keys: &[&str]) {
    let keys: Vec<_> = keys.iter().map(|key| ApiKey::parse(key).unwrap()).collect();
    Store::new(path).lock().unwrap().write(&keys).unwrap();
}

fn client(emulator: &Emulator, path: &Path) -> Client {
    let origin = Origin::parse_loopback(emulator.url(Product::LeadConduit)).unwrap();
    let origins = Origins::vendor().with_all([(Service::LeadConduit, origin)]);
    Client::builder()
        .origins(origins.unwrap())
        .key_source(File::new(path))
        .key_source_interval(Duration::ZERO)
        .build()
        .unwrap()
}

fn call(client: &Client) -> Result<u16, CallError> {
    let request = client.request(Service::LeadConduit, Method::GET, "/user");
    client
        .send(request.unwrap())
        .map(|answer| answer.status().as_u16())
}

#[test]
fn a_file_replaced_while_a_service_runs_counts_at_the_next_refusal_and_a_half_written_one_never() {
    let emulator = Emulator::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let old = emulator.key();
    store(&path, &[&old]);
    let client = client(&emulator, &path);
    assert_eq!(call(&client).unwrap(), 200, "the first call asks for keys");

    let new = emulator.reset();
    emulator.login(Product::LeadConduit);
    let refusals = || emulator.state().product(Product::LeadConduit).refusals;
    let whole = format!("{old}\n{new}\n");
    for cut in [0, old.len() / 2, old.len(), old.len() + 5, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).unwrap();
        let before = refusals();
        let CallError::Auth(refusal) = call(&client).unwrap_err() else {
            panic!("the key was refused");
        };
        assert_eq!(refusals(), before + 1, "no part of a key was tried: {cut}");
        let said = refusal.source_error().unwrap().to_string();
        assert!(said.contains("the keys file"), "{said}");
        assert!(!said.contains(&new), "{said}");
        assert_eq!(client.keys().len(), 1, "the last good key is kept");
    }
    store(&path, &[&old, &new]);
    assert_eq!(call(&client).unwrap(), 200);
    let before = refusals();
    assert_eq!(call(&client).unwrap(), 200);
    assert_eq!(refusals(), before);
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

struct Elsewhere(Thread);

impl KeySource for Elsewhere {
    fn keys(&self, left: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        assert_ne!(std::thread::current().id(), self.0.id());
        assert_eq!(left, Some(Duration::from_secs(9)));
        Ok(vec![ApiKey::parse("1234567890").unwrap()])
    }
}

struct Panics;

impl KeySource for Panics {
    fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        std::panic::resume_unwind(Box::new(()));
    }
}

#[test]
fn a_blocking_source_answers_an_async_caller_from_another_thread() {
    let source = OnThread::new(Elsewhere(std::thread::current()));
    for _ in 0..100 {
        let keys = block_on(source.keys(Some(Duration::from_secs(9)))).unwrap();
        assert_eq!(keys.len(), 1);
    }
    // One that is not waited for harms nobody.
    drop(source.keys(Some(Duration::from_secs(9))));
    let error = block_on(OnThread::new(Panics).keys(None)).unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
    let missing = OnThread::new(File::new("/no/such/file"));
    assert!(block_on(missing.keys(None)).is_err());
}
