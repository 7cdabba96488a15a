//! The client's own rate limit: both clients over a scripted transport, whose clock only moves when it is slept on. When
//! calls may start is tested where it is decided, in the crate itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::future::Future as _;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use ap_client::{Async, Blocking, Client, ClientBuilder};
use ap_core::{Draft, ErrorKind, Hint, RetryPolicy, Service};
use common::{Scripted, block_on, flows, result, ring};

const TEN_SECONDS: Duration = Duration::from_secs(10);

/// Two clients that may start so many calls in ten seconds, each with its transport.
struct Pair {
    blocking: Client<Blocking>,
    polled: Client<Async>,
    transports: [Arc<Scripted>; 2],
}

impl Pair {
    fn new(letters: &str, calls: u32) -> Self {
        let transports = [Scripted::sleeping(0, ""), Scripted::sleeping(2, "")];
        let one = ClientBuilder::<Blocking>::new()
            .keys(ring(letters))
            .rate_limit(calls, TEN_SECONDS)
            .random(|| 1.0);
        let other = ClientBuilder::<Async>::new()
            .keys(ring(letters))
            .rate_limit(calls, TEN_SECONDS)
            .random(|| 1.0);
        Self {
            blocking: one.build_with(Arc::clone(&transports[0])).unwrap(),
            polled: other.build_with(Arc::clone(&transports[1])).unwrap(),
            transports,
        }
    }

    fn with_timeout(self, timeout: Duration) -> Self {
        Self {
            blocking: self.blocking.with_timeout(timeout),
            polled: self.polled.with_timeout(timeout),
            ..self
        }
    }

    /// Makes a call with both clients and returns its result, and the seconds at which its requests went out.
    fn send(&self, draft: &Draft, script: &str, policy: RetryPolicy) -> (String, Vec<u64>) {
        let [one, other] = self.transports.each_ref().map(|transport| {
            transport.expect(script);
            transport
        });
        let outcome = self.blocking.with_retry(policy).send(draft.clone());
        let same = block_on(self.polled.with_retry(policy).send(draft.clone()));
        let seconds = |transport: &Scripted| {
            let seen = transport.finish();
            seen.iter()
                .map(|seen| seen.at.as_secs())
                .collect::<Vec<_>>()
        };
        let ended = (result(&outcome), seconds(one));
        assert_eq!((result(&same), seconds(other)), ended, "{script}");
        ended
    }
}

#[test]
fn every_attempt_needs_a_turn_and_the_second_key_of_one_does_not() {
    let policy = RetryPolicy::new(3).first_wait(Duration::from_secs(1));
    // calls in ten seconds | one call a line: draft, script -> result, seconds at which requests went out
    for (calls, rows) in [
        (
            1,
            &[
                "signed   | a 200            -> 200 | 0",
                "signed   | a 404            -> 404 | 10",
                "unsigned | - 200            -> 200 | 20",
                "signed   | a 503, a 200     -> 200 | 30 40",
                "signed   | a bad, b 200     -> 200 | 50 50",
                "signed   | b 503 20s, b 200 -> 200 | 60 81",
                "signed   | b connect 20s    -> connect | 91",
            ][..],
        ),
        (
            3,
            &[
                "signed   | a 200               -> 200 | 0",
                "signed   | a 503, a 503, a 200 -> 200 | 0 1 10",
                "signed   | a 200               -> 200 | 10",
                "signed   | a 200               -> 200 | 11",
                "unsigned | - 200               -> 200 | 20",
            ],
        ),
    ] {
        let pair = Pair::new("ab", calls);
        for row in rows {
            let (kind, script, expected, times) = common::columns(row);
            let draft = match kind {
                "unsigned" => flows().unsigned(),
                _ => flows(),
            };
            let policy = match script.contains("connect") {
                true => RetryPolicy::NEVER,
                false => policy,
            };
            let (result, seconds) = pair.send(&draft, script, policy);
            let times: Vec<u64> = times.split(' ').map(|time| time.parse().unwrap()).collect();
            assert_eq!((result.as_str(), seconds), (expected, times), "{row}");
        }
    }
}

#[test]
fn a_call_whose_turn_comes_too_late_fails_at_once_and_is_not_sent() {
    let transport = Scripted::sleeping(0, "a 200");
    let client = ClientBuilder::<Blocking>::new()
        .keys(ring("a"))
        .rate_limit(1, TEN_SECONDS)
        .retry(RetryPolicy::new(3))
        .build_with(Arc::clone(&transport))
        .unwrap();
    client.send(flows()).unwrap();
    for timeout in [5, 10] {
        let draft = Draft::post(Service::TrustedForm, "/x").at_most_once();
        let hurried = client.with_timeout(Duration::from_secs(timeout));
        let error = hurried.send(draft).unwrap_err();
        assert_eq!(
            (error.kind(), error.name()),
            (ErrorKind::RateLimit, "rate_limit")
        );
        assert_eq!(error.service(), Some(Service::TrustedForm));
        assert!(!error.may_have_been_applied() && error.may_retry());
        assert!(!error.is_rate_limited() && !error.is_timeout());
        assert_eq!(error.retry_after(), Some(TEN_SECONDS));
        assert_eq!(error.hint(), Hint::Wait(Some(TEN_SECONDS)));
    }
    assert_eq!(
        client.transport().now().since_start(),
        Duration::ZERO,
        "nothing waited"
    );
    assert_eq!(transport.finish().len(), 1);
    // It took no turn.
    transport.expect("a 200");
    client.send(flows()).unwrap();
    assert_eq!(transport.finish()[0].at, TEN_SECONDS);
}

#[test]
fn a_retry_whose_turn_comes_too_late_ends_the_call_as_the_attempt_before_ended() {
    let policy = RetryPolicy::new(3).first_wait(Duration::from_secs(1));
    for (script, expected) in [("a 503", "503"), ("a closed", "closed")] {
        let pair = Pair::new("a", 1).with_timeout(TEN_SECONDS);
        let ended = pair.send(&flows(), script, policy);
        assert_eq!(ended, (expected.to_owned(), vec![0]));
    }
}

#[test]
fn clones_share_a_limit_and_other_clients_do_not() {
    let pair = Pair::new("a", 1);
    let [transport, _] = &pair.transports;
    let request = || pair.blocking.clone().get(Service::LeadConduit, "/").send();
    let with_timeout = || pair.blocking.with_timeout(TEN_SECONDS * 3).send(flows());
    transport.expect("a 200, a 200, a 200");
    for outcome in [request(), with_timeout(), request()] {
        outcome.unwrap();
    }
    let seconds: Vec<_> = transport
        .finish()
        .iter()
        .map(|seen| seen.at.as_secs())
        .collect();
    assert_eq!(seconds, [0, 10, 20]);
    let other = Pair::new("a", 1);
    assert_eq!(other.send(&flows(), "a 200", RetryPolicy::NEVER).1, [0]);
}

#[test]
fn a_call_that_is_dropped_while_it_waits_gives_its_turn_back() {
    let transport = Scripted::sleeping(1, "a 200");
    let client = ClientBuilder::<Async>::new().keys(ring("a"));
    let client = client.rate_limit(1, TEN_SECONDS);
    let client = client.build_with(Arc::clone(&transport)).unwrap();
    block_on(client.send(flows())).unwrap();
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..100 {
        let mut call = pin!(client.send(flows()));
        assert!(call.as_mut().poll(&mut context).is_pending());
    }
    transport.expect("a 200");
    block_on(client.send(flows())).unwrap();
    let seconds: Vec<_> = transport
        .finish()
        .iter()
        .map(|seen| seen.at.as_secs())
        .collect();
    assert_eq!(seconds, [0, 10]);
}

#[test]
fn calls_that_wait_at_the_same_time_start_as_their_turns_come() {
    let transport = Scripted::new(&"a 200, ".repeat(20));
    let client = ClientBuilder::<Async>::new().keys(ring("a"));
    let client = client.rate_limit(5, TEN_SECONDS);
    let client = client.build_with(Arc::clone(&transport)).unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let mut calls: Vec<_> = (0..20).map(|_| Box::pin(client.send(flows()))).collect();
    for waiting in [15, 15, 10, 10, 5, 5, 0] {
        calls.retain_mut(|call| call.as_mut().poll(&mut context).is_pending());
        assert_eq!(calls.len(), waiting);
        transport.pass(TEN_SECONDS / 2);
    }
}

#[test]
fn a_limit_of_nothing_is_an_error_of_the_builder() {
    let client = ClientBuilder::<Blocking>::new().keys(ring("a"));
    let error = client
        .rate_limit(0, TEN_SECONDS)
        .build_with(Scripted::new(""));
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Build);
    assert_eq!(
        error.to_string(),
        "the rate limit lets no call start; give it at least one call and a time above zero"
    );
}
