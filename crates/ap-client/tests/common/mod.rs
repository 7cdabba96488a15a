//! A transport by script, for both colours.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ap_core::{
    ApiKey, AsyncTransport, Deadline, ErrorKind, KeyRing, Moment, Transport, TransportError,
};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, header};

/// The documented answer to a bad key.
pub(crate) const BAD: &str = r#"{"error":"authentication failed"}"#;

/// A key that is named by a letter, which is its label too.
#[allow(dead_code, reason = "not for every test program")]
pub(crate) fn key(letter: char) -> ApiKey {
    ApiKey::parse(format!("placeholder-key-{letter}"))
        .unwrap()
        .labelled(&letter.to_string())
}

#[allow(dead_code, reason = "not for every test program")]
pub(crate) fn ring(letters: &str) -> KeyRing {
    KeyRing::new(letters.chars().map(key)).unwrap()
}

/// What the transport does with one request.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "each test program uses some of these")]
pub(crate) enum Reply {
    /// Answers with a status and a body.
    Answer(u16, &'static str),
    /// Fails.
    Fail(ErrorKind),
    /// Answers after its clock has moved on by so many seconds, or reports that the deadline passed.
    After(u64, u16, &'static str),
}

/// What the transport was given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) uri: String,
    pub(crate) authorization: Vec<String>,
    pub(crate) accept: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) body: Bytes,
    pub(crate) left: Option<Duration>,
}

#[derive(Debug, Default)]
struct State {
    replies: VecDeque<Reply>,
    seen: Vec<Seen>,
    now: Duration,
    pending: usize,
}

/// A transport by script with a clock that only the script moves. As an async one it is pending a set
/// number of times before each answer.
#[derive(Debug, Default)]
pub(crate) struct Scripted(Mutex<State>);

impl Scripted {
    pub(crate) fn new(replies: &[Reply]) -> Self {
        let scripted = Self::default();
        scripted.expect(replies);
        scripted
    }

    pub(crate) fn pending(self, times: usize) -> Self {
        self.0.lock().unwrap().pending = times;
        self
    }

    /// More to come.
    pub(crate) fn expect(&self, replies: &[Reply]) {
        self.0.lock().unwrap().replies.extend(replies);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.0.lock().unwrap().seen.clone()
    }

    pub(crate) fn left_over(&self) -> usize {
        self.0.lock().unwrap().replies.len()
    }

    fn moment(&self) -> Moment {
        Moment::after_start(self.0.lock().unwrap().now)
    }

    fn round_trip(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
        let headers = request.headers();
        let mut state = self.0.lock().unwrap();
        let left = deadline.left(Moment::after_start(state.now));
        state.seen.push(Seen {
            method: request.method().clone(),
            uri: request.uri().to_string(),
            authorization: headers
                .get_all(header::AUTHORIZATION)
                .iter()
                .map(text)
                .collect(),
            accept: headers.get(header::ACCEPT).map(text),
            user_agent: headers.get(header::USER_AGENT).map(text),
            body: request.body().clone(),
            left,
        });
        let (status, body) = match state.replies.pop_front().expect("a request too many") {
            Reply::Answer(status, body) => (status, body),
            Reply::Fail(kind) => return Err(TransportError::new(kind)),
            Reply::After(seconds, status, body) => {
                let takes = Duration::from_secs(seconds);
                state.now += takes;
                if left.is_some_and(|left| left < takes) {
                    return Err(TransportError::new(ErrorKind::Timeout));
                }
                (status, body)
            }
        };
        let response = Response::builder()
            .status(status)
            .header("x-answer", "scripted");
        Ok(response.body(Bytes::from_static(body.as_bytes())).unwrap())
    }
}

impl Transport for Scripted {
    fn now(&self) -> Moment {
        self.moment()
    }
    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        self.round_trip(request, deadline)
    }
}

#[async_trait]
impl AsyncTransport for Scripted {
    fn now(&self) -> Moment {
        self.moment()
    }
    async fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        let times = self.0.lock().unwrap().pending;
        Pending(times).await;
        self.round_trip(request, deadline)
    }
}

/// Is pending so many times.
pub(crate) struct Pending(pub(crate) usize);

impl Future for Pending {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Polls a future to its end. Nothing here waits for anything but being polled again.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
    panic!("the future never ends");
}
