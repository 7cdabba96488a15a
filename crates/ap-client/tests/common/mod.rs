//! A transport that follows a script, and what the test programs share.
//!
//! A script is one line of text: exchanges with commas between them. An exchange is the key that must be on
//! the request (a letter, or `-` for none), the answer, and how long it takes: `a bad, b 200 30s`. The answer
//! is a status, `bad` for the documented 401, `plan` for a 401 that is no bad key, or the name of a
//! transport error. `503+7` is a 503 with `Retry-After: 7`.
#![allow(dead_code, reason = "each test program uses a part of this")]

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ap_client::transport::{
    AsyncTransport, Deadline, FreshConnection, Moment, Transport, TransportError,
    TransportErrorKind,
};
use ap_client::{Async, Blocking, Client, ClientBuilder};
use ap_core::exchange::AuthErrorKind;
use ap_core::{
    ApiKey, Credentials, Draft, Endpoint, Error, ErrorKind, Hint, KeyRing, Page, Paged, Product,
    Response, Service,
};
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};

/// The documented answer to a bad key.
pub(crate) const BAD: &str = r#"{"error":"authentication failed"}"#;

/// The answer to a free account, or a plan without the resource.
pub(crate) const PLAN: &str = r#"{"error":"not authorized"}"#;

/// Every kind of transport error, with its name in scripts.
pub(crate) const KINDS: [TransportErrorKind; 14] = [
    TransportErrorKind::Setup,
    TransportErrorKind::Unsendable,
    TransportErrorKind::Dns,
    TransportErrorKind::Connect,
    TransportErrorKind::ConnectTimeout,
    TransportErrorKind::Proxy,
    TransportErrorKind::Tls,
    TransportErrorKind::Timeout,
    TransportErrorKind::Closed,
    TransportErrorKind::Truncated,
    TransportErrorKind::Malformed,
    TransportErrorKind::TooLarge,
    TransportErrorKind::Cancelled,
    TransportErrorKind::Other,
];

/// Returns the key that a letter names. The letter is also its label.
pub(crate) fn key(letter: char) -> ApiKey {
    ApiKey::parse(format!("placeholder-key-{letter}"))
        .unwrap()
        .with_label(&letter.to_string())
}

pub(crate) fn keys(letters: &str) -> Vec<ApiKey> {
    letters.trim().chars().map(key).collect()
}

pub(crate) fn ring(letters: &str) -> KeyRing {
    KeyRing::new(keys(letters)).unwrap()
}

/// The call of most tests.
pub(crate) fn flows() -> Draft {
    Draft::get(Service::LeadConduit, "/flows?limit=1")
}

/// Returns the letter of the key that signed a request; `-` if none did.
pub(crate) fn sent_key(request: &Request<Bytes>) -> char {
    let values: Vec<_> = request
        .headers()
        .get_all(header::AUTHORIZATION)
        .iter()
        .collect();
    match values[..] {
        [] => '-',
        [value] => ('a'..='f')
            .find(|letter| Credentials::new(key(*letter)).authorization() == value)
            .expect("the key of a letter"),
        _ => panic!("more than one Authorization"),
    }
}

/// One exchange of a script.
struct Exchange {
    key: char,
    answer: Result<(u16, &'static str), TransportErrorKind>,
    retry_after: Option<u32>,
    takes: Duration,
}

fn parse(script: &str) -> impl Iterator<Item = Exchange> {
    let exchanges = script.split(',').map(str::trim);
    exchanges.filter(|text| !text.is_empty()).map(|text| {
        let mut words = text.split_whitespace();
        let key = words.next().and_then(|word| word.chars().next());
        let answer = words.next().expect(text);
        let (answer, retry_after) = match answer.split_once('+') {
            Some((answer, seconds)) => (answer, Some(seconds.parse().expect(text))),
            None => (answer, None),
        };
        let answer = match answer {
            "bad" => Ok((401, BAD)),
            "plan" => Ok((401, PLAN)),
            word => match word.parse() {
                Ok(status) => Ok((status, "[]")),
                Err(_) => Err(*KINDS.iter().find(|kind| kind.name() == word).expect(text)),
            },
        };
        let takes = words
            .next()
            .map_or(Ok(0), |word| word.trim_end_matches('s').parse());
        Exchange {
            key: key.expect(text),
            answer,
            retry_after,
            takes: Duration::from_secs(takes.expect(text)),
        }
    })
}

/// What the transport was given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) uri: String,
    pub(crate) key: char,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// When it went out, on the transport's clock.
    pub(crate) at: Duration,
    pub(crate) remaining: Option<Duration>,
    pub(crate) is_fresh: bool,
}

#[derive(Default)]
struct State {
    script: VecDeque<Exchange>,
    seen: Vec<Seen>,
    now: Duration,
}

/// A transport that follows a script, with a clock that only the script moves. Each response has the number
/// of its exchange in a header. As an async transport it is pending a set number of times before each answer.
#[derive(Default)]
pub(crate) struct Scripted {
    state: Mutex<State>,
    pending: usize,
    /// Sleeping moves the clock. If not, a blocking call must not sleep, and an async one waits until the test moves it.
    can_sleep: bool,
}

impl Scripted {
    pub(crate) fn new(script: &str) -> Arc<Self> {
        Self::pending(0, script)
    }

    pub(crate) fn pending(times: usize, script: &str) -> Arc<Self> {
        let scripted = Self {
            pending: times,
            ..Self::default()
        };
        scripted.expect(script);
        Arc::new(scripted)
    }

    /// Sleeping moves its clock at once.
    pub(crate) fn sleeping(pending: usize, script: &str) -> Arc<Self> {
        let scripted = Self {
            pending,
            can_sleep: true,
            ..Self::default()
        };
        scripted.expect(script);
        Arc::new(scripted)
    }

    /// Adds exchanges.
    pub(crate) fn expect(&self, script: &str) {
        self.state.lock().unwrap().script.extend(parse(script));
    }

    /// Returns what was sent since the last time. The script must be over.
    pub(crate) fn finish(&self) -> Vec<Seen> {
        let mut state = self.state.lock().unwrap();
        assert_eq!(state.script.len(), 0, "there are exchanges left");
        std::mem::take(&mut state.seen)
    }

    /// Drops the rest of the script for another one, and returns what was sent until now.
    pub(crate) fn restart(&self, script: &str) -> Vec<Seen> {
        self.state.lock().unwrap().script.clear();
        let seen = self.finish();
        self.expect(script);
        seen
    }

    fn moment(&self) -> Moment {
        Moment::after_start(self.state.lock().unwrap().now)
    }

    /// Moves the clock.
    pub(crate) fn pass(&self, time: Duration) {
        self.state.lock().unwrap().now += time;
    }

    fn skip_to(&self, moment: Moment) {
        let now = &mut self.state.lock().unwrap().now;
        *now = moment.since_start().max(*now);
    }

    fn round_trip(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let mut state = self.state.lock().unwrap();
        let remaining = deadline.remaining(Moment::after_start(state.now));
        let exchange = state.script.pop_front().expect("a request too many");
        let key = sent_key(request);
        assert_eq!(key, exchange.key);
        let at = state.now;
        state.seen.push(Seen {
            method: request.method().clone(),
            uri: request.uri().to_string(),
            key,
            headers: request.headers().clone(),
            body: request.body().clone(),
            at,
            remaining,
            is_fresh: request.extensions().get::<FreshConnection>().is_some(),
        });
        state.now += exchange.takes;
        if remaining.is_some_and(|remaining| remaining < exchange.takes) {
            return Err(TransportError::new(TransportErrorKind::Timeout));
        }
        let (status, body) = exchange.answer.map_err(TransportError::new)?;
        let mut response = http::Response::builder()
            .status(status)
            .header("x-exchange", state.seen.len());
        if let Some(seconds) = exchange.retry_after {
            response = response.header(header::RETRY_AFTER, seconds);
        }
        Ok(response.body(Bytes::from_static(body.as_bytes())).unwrap())
    }
}

impl Transport for Scripted {
    fn now(&self) -> Moment {
        self.moment()
    }

    fn sleep_until(&self, moment: Moment) {
        assert!(self.can_sleep, "this call has nothing to sleep for");
        self.skip_to(moment);
    }

    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<http::Response<Bytes>, TransportError> {
        self.round_trip(request, deadline)
    }
}

#[async_trait]
impl AsyncTransport for Scripted {
    fn now(&self) -> Moment {
        self.moment()
    }

    async fn sleep_until(&self, moment: Moment) {
        if self.can_sleep {
            pending_times(self.pending).await;
            self.skip_to(moment);
        }
        poll_fn(|_| match self.moment() >= moment {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }

    async fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<http::Response<Bytes>, TransportError> {
        pending_times(self.pending).await;
        self.round_trip(request, deadline)
    }
}

/// Is pending so many times.
pub(crate) async fn pending_times(mut times: usize) {
    poll_fn(|context| {
        if times == 0 {
            return Poll::Ready(());
        }
        times -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
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

/// Splits a row of the form `keys | script -> result | preferred key`.
pub(crate) fn columns(row: &str) -> (&str, &str, &str, &str) {
    let (letters, rest) = row.split_once('|').unwrap();
    let (script, rest) = rest.split_once("->").unwrap();
    let (result, preferred) = rest.split_once('|').unwrap();
    (
        letters.trim(),
        script.trim(),
        result.trim(),
        preferred.trim(),
    )
}

/// An endpoint of numbers, page by page: `{"items":[1,2],"next":3}`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Numbers(pub(crate) u32);

#[derive(serde::Deserialize)]
struct NumbersPage {
    items: Vec<u32>,
    next: Option<u32>,
}

impl Endpoint for Numbers {
    type Output = Page<u32, u32>;

    fn draft(&self) -> Draft {
        Draft::get(Service::LeadConduit, "/numbers").query(&[("start", self.0)])
    }

    fn decode(&self, response: Response) -> Result<Page<u32, u32>, Error> {
        let page: NumbersPage = response.error_for_status()?.json()?;
        Ok(Page::new(page.items, page.next))
    }
}

impl Paged for Numbers {
    type Item = u32;
    type Cursor = u32;

    fn starting_at(self, cursor: u32) -> Self {
        Self(cursor)
    }
}

/// The same endpoint, which knows where its items are: each number is its own place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Places(pub(crate) Numbers);

impl Endpoint for Places {
    type Output = Page<u32, u32>;

    fn draft(&self) -> Draft {
        self.0.draft()
    }

    fn decode(&self, response: Response) -> Result<Page<u32, u32>, Error> {
        self.0.decode(response)
    }
}

impl Paged for Places {
    type Item = u32;
    type Cursor = u32;

    fn starting_at(self, cursor: u32) -> Self {
        Self(Numbers(cursor))
    }

    fn cursor_after(&self, item: &u32, nth: usize) -> Option<u32> {
        assert_eq!(usize::try_from(*item - self.0.0), Ok(nth));
        Some(item + 1)
    }
}

/// Everything about the end of a call that a caller can see.
#[derive(Debug, PartialEq)]
pub(crate) struct End {
    /// The status, the name of the error, or `auth` with the rejected keys and the key source's error.
    pub(crate) result: String,
    pub(crate) text: Option<(String, Hint)>,
    /// The exchange whose response the caller gets.
    pub(crate) response: Option<usize>,
    /// The key that LeadConduit prefers afterwards.
    pub(crate) preferred: String,
    pub(crate) seen: Vec<Seen>,
}

/// Returns the short text of a call's outcome, as rows have it.
pub(crate) fn result(outcome: &Result<Response, Error>) -> String {
    let error = match outcome {
        Ok(response) => return response.status().as_u16().to_string(),
        Err(error) => error,
    };
    if error.kind() != ErrorKind::Auth {
        assert!(error.rejected_keys().is_empty() && error.auth().is_none());
        return error.name().to_owned();
    }
    let rejected = error.rejected_keys().iter();
    let letters: String = rejected.map(|one| one.label().unwrap()).collect();
    let kind = match letters.is_empty() {
        true => AuthErrorKind::NoKey,
        false => AuthErrorKind::AllRejected,
    };
    assert_eq!(error.auth().unwrap().kind(), kind);
    match std::error::Error::source(error) {
        Some(source) => format!("auth {letters}: {source}"),
        None => format!("auth {letters}").trim_end().to_owned(),
    }
}

fn end(outcome: &Result<Response, Error>, keys: &KeyRing, transport: &Scripted) -> End {
    let response = match outcome {
        Ok(response) => Some(response),
        Err(error) => error.response(),
    };
    let preferred = |product| keys.preferred(product)?.label().map(str::to_owned);
    End {
        result: result(outcome),
        text: outcome
            .as_ref()
            .err()
            .map(|error| (error.to_string(), error.hint())),
        response: response.map(|response| {
            let number = response.headers()["x-exchange"].to_str().unwrap();
            number.parse().unwrap()
        }),
        preferred: preferred(Product::LeadConduit).unwrap_or_default(),
        seen: transport.finish(),
    }
}

/// A client of each mode, with the same settings and scripts. The async one is polled again and again.
pub(crate) struct Pair {
    pub(crate) blocking: Client<Blocking>,
    pub(crate) polled: Client<Async>,
    transports: [Arc<Scripted>; 2],
}

impl Pair {
    pub(crate) fn new(letters: &str) -> Self {
        Self::build(
            ClientBuilder::new().keys(ring(letters)),
            ClientBuilder::new().keys(ring(letters)),
        )
    }

    pub(crate) fn build(one: ClientBuilder<Blocking>, other: ClientBuilder<Async>) -> Self {
        let transports = [Scripted::new(""), Scripted::pending(2, "")];
        Self {
            blocking: one.build_with(Arc::clone(&transports[0])).unwrap(),
            polled: other.build_with(Arc::clone(&transports[1])).unwrap(),
            transports,
        }
    }

    pub(crate) fn with_timeout(&self, timeout: Duration) -> Self {
        Self {
            blocking: self.blocking.with_timeout(timeout),
            polled: self.polled.with_timeout(timeout),
            transports: self.transports.clone(),
        }
    }

    /// Makes a call with both clients and returns how it ended, which must be the same.
    pub(crate) fn send(&self, draft: &Draft, script: &str) -> End {
        let [one, other] = &self.transports;
        one.expect(script);
        let outcome = self.blocking.send(draft.clone());
        let ended = end(&outcome, self.blocking.keys(), one);
        other.expect(script);
        let outcome = block_on(self.polled.send(draft.clone()));
        assert_eq!(ended, end(&outcome, self.polled.keys(), other), "{script}");
        for (nth, seen) in ended.seen.iter().enumerate() {
            assert_eq!(seen.is_fresh, nth > 0, "{script}");
        }
        ended
    }
}
