//! Sources in a client's hands, against the emulator, and on a thread of their own.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

use std::fs;
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
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

/// Says that it was asked, and answers by script once it is told to.
struct Held {
    asked: Sender<()>,
    answers: Mutex<Receiver<Result<&'static str, SourceError>>>,
}

impl KeySource for Held {
    fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        self.asked.send(()).unwrap();
        let answer = self.answers.lock().unwrap().recv().unwrap();
        answer.map(|text| vec![ApiKey::parse(text).unwrap()])
    }
}

#[test]
fn questions_that_nobody_waits_for_any_more_do_not_pile_up() {
    let ((ask, asked), (tell, answers)) = (channel(), channel());
    let source = OnThread::new(Held {
        asked: ask,
        answers: Mutex::new(answers),
    });
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..10 {
        let mut given_up = source.keys(None);
        assert!(given_up.as_mut().poll(&mut context).is_pending());
    }
    let other_handle = source.clone();
    let mut patient = other_handle.keys(None);
    assert!(patient.as_mut().poll(&mut context).is_pending());
    asked.recv().unwrap();
    tell.send(Ok("one-key")).unwrap();
    assert_eq!(block_on(patient).unwrap()[0].expose(), "one-key");
    assert!(asked.try_recv().is_err(), "it was asked once for all");

    // What a call that had less time was told does not count for others.
    let mut hasty = source.keys(Some(Duration::ZERO));
    assert!(hasty.as_mut().poll(&mut context).is_pending());
    let mut patient = source.keys(None);
    assert!(patient.as_mut().poll(&mut context).is_pending());
    tell.send(Err(SourceError::new("no time left"))).unwrap();
    tell.send(Ok("two-key")).unwrap();
    assert!(block_on(hasty).is_err());
    assert_eq!(block_on(patient).unwrap()[0].expose(), "two-key");
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
