//! Blocking key sources for async clients.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

mod common;

use std::future::Future;
use std::pin::pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use ap_client::{AsyncKeySource as _, KeySource, KeySourceError};
use ap_core::ApiKey;
use ap_keys::{File, OnThread};

use common::{key, texts};

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

/// Checks that it is asked on another thread than the caller's, with the caller's time.
struct ChecksCaller(Thread);

impl KeySource for ChecksCaller {
    fn keys(&self, remaining: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        assert_ne!(std::thread::current().id(), self.0.id());
        assert_eq!(remaining, Some(Duration::from_secs(9)));
        Ok(vec![key("1234567890")])
    }
}

#[test]
fn a_blocking_source_answers_on_another_thread() {
    let source = OnThread::new(ChecksCaller(std::thread::current()));
    for _ in 0..100 {
        let keys = block_on(source.keys(Some(Duration::from_secs(9))));
        assert_eq!(texts(keys).unwrap(), ["1234567890"]);
    }
    drop(source.keys(Some(Duration::from_secs(9))));
}

/// Reports that it was asked, and waits for its answer.
struct Controlled {
    asked: Sender<()>,
    answers: Mutex<Receiver<Result<&'static str, KeySourceError>>>,
}

impl KeySource for Controlled {
    fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        self.asked.send(()).unwrap();
        let answer = self.answers.lock().unwrap().recv().unwrap();
        answer.map(|text| vec![key(text)])
    }
}

#[test]
fn abandoned_refreshes_do_not_pile_up_and_an_error_of_one_is_not_shared() {
    let ((asked, was_asked), (answer, answers)) = (channel(), channel());
    let source = OnThread::new(Controlled {
        asked,
        answers: Mutex::new(answers),
    });
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..10 {
        let mut abandoned = source.keys(None);
        assert!(abandoned.as_mut().poll(&mut context).is_pending());
    }
    let clone = source.clone();
    let mut waiting = clone.keys(None);
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    was_asked.recv().unwrap();
    answer.send(Ok("one-key")).unwrap();
    assert_eq!(texts(block_on(waiting)).unwrap(), ["one-key"]);
    assert!(was_asked.try_recv().is_err(), "it was asked once for all");

    // A call with less time fails. The other one asks again.
    let mut hasty = source.keys(Some(Duration::ZERO));
    assert!(hasty.as_mut().poll(&mut context).is_pending());
    let mut patient = source.keys(None);
    assert!(patient.as_mut().poll(&mut context).is_pending());
    answer
        .send(Err(KeySourceError::new("no time left")))
        .unwrap();
    answer.send(Ok("two-key")).unwrap();
    assert_eq!(texts(block_on(hasty)).unwrap_err(), "no time left");
    assert_eq!(texts(block_on(patient)).unwrap(), ["two-key"]);
    assert_eq!(was_asked.try_iter().count(), 2);
}

struct Panics;

impl KeySource for Panics {
    fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        std::panic::resume_unwind(Box::new(()));
    }
}

#[test]
fn a_source_that_panics_or_fails_is_an_error() {
    let source = OnThread::new(Panics);
    for _ in 0..2 {
        let error = texts(block_on(source.keys(None))).unwrap_err();
        assert_eq!(error, "the key source panicked");
    }
    let missing = OnThread::new(File::new("/no/such/file"));
    let error = texts(block_on(missing.keys(None))).unwrap_err();
    assert!(error.contains("does not exist"), "{error}");
}
