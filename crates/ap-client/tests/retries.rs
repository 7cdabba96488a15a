//! Which calls are made again, when, and by whom: both clients over a scripted transport, whose clock only moves when it
//! is slept on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::future::Future as _;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use ap_client::{Async, Blocking, Client, ClientBuilder, fake};
use ap_core::{Draft, Error, RetryPolicy, Service};
use bytes::Bytes;
use common::{Numbers, Scripted, Seen, block_on, flows, key, keys, result, ring};
use http::{Request, header};
use proptest::prelude::*;

const TIMEOUT: Duration = Duration::from_secs(60);

/// Waits 1 s after the first failure and 2 s after the second, if the random number is 1.
fn policy() -> RetryPolicy {
    RetryPolicy::new(3).first_wait(Duration::from_secs(1))
}

fn draft(kind: &str) -> Draft {
    let post = || Draft::post(Service::LeadConduit, "/flows").body("x");
    match kind {
        "get" => flows(),
        "post" => post(),
        "repeatable" => post().repeatable(),
        "once" => post().at_most_once(),
        "unsigned" => flows().unsigned(),
        _ => panic!("{kind}"),
    }
}

/// Makes a call with both clients, which must end alike, and returns its result and what was sent.
fn call(draft: &Draft, script: &str, policy: RetryPolicy, random: f64) -> (String, Vec<Seen>) {
    let transport = Scripted::sleeping(0, script);
    let client = ClientBuilder::<Blocking>::new()
        .keys(ring("ab"))
        .retry(policy)
        .random(move || random)
        .build_with(Arc::clone(&transport))
        .unwrap();
    let ended = (result(&client.send(draft.clone())), transport.finish());

    let transport = Scripted::sleeping(2, script);
    let client = ClientBuilder::<Async>::new()
        .keys(ring("ab"))
        .retry(policy)
        .random(move || random)
        .build_with(Arc::clone(&transport))
        .unwrap();
    let outcome = block_on(client.send(draft.clone()));
    assert_eq!((result(&outcome), transport.finish()), ended, "{script}");
    ended
}

/// Returns how long after the call's begin a request went out.
fn at(seen: &Seen) -> Duration {
    TIMEOUT - seen.remaining.unwrap()
}

#[test]
fn calls_are_made_again_if_that_is_safe_and_their_time_allows_it() {
    // draft | script -> result | seconds at which requests went out
    for row in [
        // Until one succeeds, or the attempts are over.
        "get        | a 200                          -> 200 | 0",
        "get        | a 503, a 200                   -> 200 | 0 1",
        "get        | a 503, a closed, a 200         -> 200 | 0 1 3",
        "get        | a 500, a 502, a 504            -> 504 | 0 1 3",
        "get        | a closed 5s, a closed, a dns   -> dns | 0 6 8",
        "unsigned   | - 503, - 200                   -> 200 | 0 1",
        "repeatable | a closed, a 200                -> 200 | 0 1",
        // What would not help, or may do harm.
        "get        | a 404                          -> 404 | 0",
        "get        | a 302                          -> 302 | 0",
        "get        | a plan                         -> 401 | 0",
        "get        | a tls                          -> tls | 0",
        "post       | a 503                          -> 503 | 0",
        "post       | a closed                       -> closed | 0",
        "post       | a timeout                      -> timeout | 0",
        // What the product did not act upon.
        "post       | a connect, a 201               -> 201 | 0 1",
        "post       | a 429, a 201                   -> 201 | 0 1",
        "post       | a 503+4, a 201                 -> 201 | 0 4.5",
        // Never, whatever happened.
        "once       | a connect                      -> connect | 0",
        "once       | a 429+1                        -> 429 | 0",
        "once       | a 503+0                        -> 503 | 0",
        // The product says when, up to a limit.
        "get        | a 503+0, a 503+0, a 200        -> 200 | 0 0.5 1.5",
        "get        | a 429+30, a 200                -> 200 | 0 30.5",
        "get        | a 429+61                       -> 429 | 0",
        // A wait that would not end before the deadline is not begun.
        "get        | a 429+60                       -> 429 | 0",
        "get        | a 503 58s, a 503               -> 503 | 0 59",
        "get        | a 503 59s                      -> 503 | 0",
        "get        | a 200 61s                      -> timeout | 0",
        // Each attempt is a whole exchange.
        "get        | a bad, b 503, a bad, b 200     -> 200 | 0 0 1 1",
        "get        | a 503, a bad, b 200            -> 200 | 0 1 1",
        "get        | a 503, a bad, b bad            -> auth ab | 0 1 1",
        "post       | a connect, a bad, b 201        -> 201 | 0 1 1",
        "once       | a bad, b 201                   -> 201 | 0 0",
        "once       | a bad, b 503+0                 -> 503 | 0 0",
    ] {
        let (kind, script, expected, times) = common::columns(row);
        let (result, seen) = call(&draft(kind), script, policy(), 1.0);
        assert_eq!(result, expected, "{row}");
        let seconds: Vec<_> = seen.iter().map(|seen| at(seen).as_secs_f64()).collect();
        let expected: Vec<f64> = times.split(' ').map(|time| time.parse().unwrap()).collect();
        assert_eq!(seconds, expected, "{row}");
        // A retry is the same request. One after a rejected key or a lost connection needs a fresh connection.
        let same = |seen: &Seen| (seen.method.clone(), seen.uri.clone(), seen.body.clone());
        let mut is_lost = false;
        for (one, exchange) in seen.iter().zip(script.split(',')) {
            assert_eq!(same(one), same(&seen[0]), "{row}");
            let is_second_key = exchange.trim().starts_with('b');
            assert_eq!(one.is_fresh, is_second_key || is_lost, "{row}");
            is_lost = exchange.contains("closed");
        }
    }
}

#[test]
fn without_a_policy_nothing_is_made_again() {
    for script in ["a 503", "a 503+0", "a 429+1", "a connect"] {
        let (_, seen) = call(&flows(), script, RetryPolicy::NEVER, 1.0);
        assert_eq!(seen.len(), 1);
    }
    let transport = Scripted::new("a 503, a connect");
    let client = ClientBuilder::<Blocking>::new().keys(ring("a"));
    let client = client.build_with(Arc::clone(&transport)).unwrap();
    assert_eq!(result(&client.send(flows())), "503");
    assert_eq!(result(&client.send(flows())), "connect");
}

#[test]
fn a_draft_is_sent_again_while_the_caller_says_so_and_within_one_timeout() {
    // script | how often it is repeated at most -> result | seconds at which requests went out
    for row in [
        "a closed 5s, a 200             | 2 -> 200    | 0 5",
        "a closed, a closed, a 200      | 2 -> 200    | 0 0 0",
        "a closed, a closed             | 1 -> closed | 0 0",
        "a closed                       | 0 -> closed | 0",
        "a 503                          | 2 -> 503    | 0",
        // Each time it begins with the key that is preferred by then.
        "a bad, b closed 1s, a 200      | 1 -> 200    | 0 0 1",
        "a closed 50s, a 200 11s        | 1 -> timeout | 0 50",
    ] {
        let (script, most, expected, times) = common::columns(row);
        let transport = Scripted::sleeping(1, script);
        let client = ClientBuilder::<Async>::new().keys(ring("ab"));
        let client = client.build_with(Arc::clone(&transport)).unwrap();
        let mut repeats = 0..most.parse().unwrap();
        let repeats = |error: &Error| error.name() == "closed" && repeats.next().is_some();
        let outcome = block_on(client.send_while(flows(), repeats));
        assert_eq!(result(&outcome), expected, "{row}");
        let seen = transport.finish();
        let seconds: Vec<_> = seen.iter().map(|seen| at(seen).as_secs_f64()).collect();
        let times: Vec<f64> = times.split(' ').map(|time| time.parse().unwrap()).collect();
        assert_eq!(seconds, times, "{row}");
        assert!(seen.iter().all(|one| one.uri == seen[0].uri), "{row}");
        // Each is sent again after a lost connection, or after a rejected key.
        let fresh: Vec<_> = seen.iter().map(|one| one.is_fresh).collect();
        assert!(
            !fresh[0] && fresh[1..].iter().all(|is_fresh| *is_fresh),
            "{row}"
        );
    }
}

#[test]
fn the_random_number_decides_up_to_half_of_a_wait() {
    for (random, second) in [(0.0, 500), (0.5, 750), (1.0, 1_000), (f64::NAN, 500)] {
        let (_, seen) = call(&flows(), "a 503, a 200", policy(), random);
        assert_eq!(at(&seen[1]), Duration::from_millis(second), "{random}");
    }
    // The default source returns other numbers each time, from 0 to 1.
    let transport = Scripted::sleeping(0, &"a 503, a 200, ".repeat(50));
    let client = ClientBuilder::<Blocking>::new().keys(ring("a"));
    let client = client.retry(policy());
    let client = client.build_with(Arc::clone(&transport)).unwrap();
    for _ in 0..50 {
        client.send(flows()).unwrap();
    }
    let seen = transport.finish();
    let waits = seen.iter().map(at).filter(|at| !at.is_zero());
    let mut waits: Vec<_> = waits.collect();
    let range = Duration::from_millis(500)..=Duration::from_secs(1);
    assert!(waits.iter().all(|wait| range.contains(wait)), "{waits:?}");
    waits.sort_unstable();
    waits.dedup();
    assert!(waits.len() > 40, "{waits:?}");
}

#[test]
fn a_date_is_a_time_to_come_again_too() {
    let mut count = 0;
    let client = ClientBuilder::<Blocking>::new()
        .key(key('a'))
        .retry(policy())
        .random(|| 0.0)
        .build_with(fake(move |_: &Request<Bytes>| {
            count += 1;
            let response = http::Response::builder()
                .status(if count == 1 { 503 } else { 201 })
                .header(header::DATE, "Fri, 27 Nov 2026 10:00:00 GMT")
                .header(header::RETRY_AFTER, "Fri, 27 Nov 2026 10:00:09 GMT");
            response.body("").unwrap()
        }))
        .unwrap();
    assert_eq!(client.send(draft("post")).unwrap().status(), 201);
    let now = client.transport().now();
    assert_eq!(now.since_start(), Duration::from_secs(9));
}

#[test]
fn a_request_and_a_handle_can_have_a_policy_of_their_own() {
    let transport = Scripted::sleeping(0, "");
    let client = ClientBuilder::<Blocking>::new().keys(ring("a"));
    let client = client.build_with(Arc::clone(&transport)).unwrap();
    let retrying = client.with_retry(policy());
    let sent = |script: &str, send: &dyn Fn()| {
        transport.expect(script);
        send();
        transport.finish().len()
    };
    let get = |client: &Client<Blocking>| client.get(Service::LeadConduit, "/");
    assert_eq!(sent("a 503", &|| drop(get(&client).send())), 1);
    let once_more = || drop(get(&client).retry(RetryPolicy::new(2)).send());
    assert_eq!(sent("a 503, a 503", &once_more), 2);
    assert_eq!(
        sent("a 503, a 503, a 200", &|| drop(get(&retrying).send())),
        3
    );
    let not_again = || drop(get(&retrying).retry(RetryPolicy::NEVER).send());
    assert_eq!(sent("a 503", &not_again), 1);
    let short = retrying.with_timeout(Duration::from_millis(100));
    assert_eq!(sent("a 503", &|| drop(short.send(flows()))), 1);
}

#[test]
fn pages_are_made_again_by_the_clients_policy() {
    let served = Mutex::new(vec![503, 200, 503, 503, 200]);
    let client = ClientBuilder::<Blocking>::new()
        .key(key('a'))
        .retry(policy())
        .build_with(fake(move |request: &Request<Bytes>| {
            let next = match request.uri().query() {
                Some("start=0") => "1",
                _ => "null",
            };
            let status = served.lock().unwrap().remove(0);
            (status, format!(r#"{{"items":[7],"next":{next}}}"#))
        }))
        .unwrap();
    let items: Result<Vec<u32>, Error> = client.items(Numbers(0)).collect();
    assert_eq!(items.unwrap(), [7, 7]);
}

#[test]
fn a_key_that_was_removed_while_a_call_waited_is_not_sent_again() {
    for (now, script) in [("b", "a 503, b 200"), ("", "a 503")] {
        let keys_now = keys(now);
        let ring = ring("a");
        let transport = Scripted::sleeping(0, script);
        let client = ClientBuilder::<Blocking>::new().keys(ring.clone());
        // The random number is asked for after the first request, before the wait.
        let client = client.retry(policy()).random(move || {
            ring.replace(keys_now.clone()).unwrap();
            1.0
        });
        let client = client.build_with(Arc::clone(&transport)).unwrap();
        let expected = if now.is_empty() { "auth" } else { "200" };
        assert_eq!(result(&client.send(flows())), expected, "{now}");
        transport.finish();
    }
}

#[test]
fn dropping_the_future_while_it_waits_ends_the_call() {
    let transport = Scripted::pending(0, "a 503, a 200");
    let client = ClientBuilder::<Async>::new().keys(ring("a"));
    let client = client.retry(policy());
    let client = client.build_with(Arc::clone(&transport)).unwrap();
    let mut context = Context::from_waker(Waker::noop());
    {
        // The clock of this transport stands still, so the wait never ends.
        let mut call = pin!(client.send(flows()));
        for _ in 0..3 {
            assert!(call.as_mut().poll(&mut context).is_pending());
        }
    }
    assert_eq!(transport.restart("").len(), 1);
    assert_eq!(
        Arc::strong_count(&transport),
        2,
        "only this test and the client keep it"
    );
}

#[test]
fn a_random_number_is_made_for_a_failure_alone() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let transport = Scripted::sleeping(0, "a 200, a 503, a 200, a 404");
    let client = ClientBuilder::<Blocking>::new().keys(ring("a"));
    let client = client.retry(policy()).random(move || {
        count.fetch_add(1, Ordering::Relaxed);
        1.0
    });
    let client = client.build_with(transport).unwrap();
    for (status, count) in [(200, 0), (200, 1), (404, 2)] {
        assert_eq!(client.send(flows()).unwrap().status(), status);
        assert_eq!(asked.load(Ordering::Relaxed), count);
    }
}

/// More exchanges than there are attempts.
fn exchanges() -> impl Strategy<Value = Vec<String>> {
    let answer = prop::sample::select(vec![
        "200",
        "204",
        "302",
        "404",
        "429",
        "429+2",
        "429+70",
        "500",
        "503",
        "503+0",
        "503+20",
        "plan",
        "connect",
        "closed",
        "truncated",
        "timeout",
        "tls",
        "cancelled",
    ]);
    let exchange = (answer, 0_u64..40).prop_map(|(answer, takes)| format!("a {answer} {takes}s"));
    prop::collection::vec(exchange, 8)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_promises_hold(
        script in exchanges(),
        kind in prop::sample::select(vec!["get", "post", "repeatable", "once"]),
        attempts in 0_u32..6,
        random in any::<f64>(),
    ) {
        let transport = Scripted::sleeping(0, &script.join(", "));
        let client = ClientBuilder::<Blocking>::new()
            .keys(ring("a"))
            .retry(RetryPolicy::new(attempts))
            .random(move || random)
            .build_with(Arc::clone(&transport))
            .unwrap();
        let outcome = client.send(draft(kind));
        let seen = transport.restart("");
        // No more attempts than allowed, none after the deadline, one alone if it must not be repeated.
        prop_assert!(seen.len() <= usize::try_from(attempts.max(1)).unwrap());
        prop_assert!(seen.iter().all(|seen| seen.remaining > Some(Duration::ZERO)));
        prop_assert!(kind != "once" || seen.len() == 1);
        // The caller gets the last outcome.
        let last = script[seen.len() - 1].split(' ').nth(1).unwrap();
        let expected = if last == "plan" { "401" } else { last.split('+').next().unwrap() };
        let result = result(&outcome);
        prop_assert!(result == expected || result == "timeout", "{} {}", result, expected);
        // Nothing is made again after a success, or what may do harm.
        for before in &script[..seen.len() - 1] {
            let answer = before.split(' ').nth(1).unwrap();
            let is_refused = answer.starts_with("429") || answer == "connect" || answer.contains('+');
            let may_pass = matches!(answer, "500" | "503" | "closed" | "truncated" | "timeout");
            prop_assert!(is_refused || (may_pass && kind != "post"), "{} {}", kind, answer);
            prop_assert!(answer != "429+70");
        }
    }
}

#[test]
fn what_an_earlier_attempt_may_have_done_is_not_forgotten() {
    // draft | script -> result, and whether the request may have been applied
    for row in [
        "get        | a connect, a dns, a connect    -> connect false",
        "get        | a 429, a 429, a connect        -> connect false",
        "get        | a closed, a connect, a connect -> connect true",
        "repeatable | a 500, a connect, a 429        -> 429 true",
        "repeatable | a 429, a 429, a 429            -> 429 false",
        "unsigned   | - timeout 1s, - 404            -> 404 true",
        // The product said that the first request can be made again, and so it was.
        "post       | a 503+1, a 429, a connect      -> connect false",
        "get        | a closed, a bad, b bad         -> auth ab true",
    ] {
        let (kind, script, expected) = {
            let (kind, rest) = row.split_once('|').unwrap();
            let (script, expected) = rest.split_once("->").unwrap();
            (kind.trim(), script.trim(), expected.trim())
        };
        let transport = Scripted::sleeping(0, script);
        let client = ClientBuilder::<Blocking>::new()
            .keys(ring("ab"))
            .retry(policy())
            .build_with(transport)
            .unwrap();
        let outcome = client.send(draft(kind));
        let ended = result(&outcome);
        let error = outcome
            .and_then(ap_core::Response::error_for_status)
            .unwrap_err();
        let seen = format!("{ended} {}", error.may_have_been_applied());
        assert_eq!(seen, expected, "{row}");
    }
}

#[test]
fn a_policy_of_the_callers_does_not_forget_it_either() {
    let transport = Scripted::sleeping(2, "a closed, a connect");
    let client = ClientBuilder::<Async>::new().keys(ring("a"));
    let client = client.build_with(transport).unwrap();
    let mut repeats = [true, false].into_iter();
    let sent = client.send_while(draft("post"), |_| repeats.next().unwrap());
    let error = block_on(sent).unwrap_err();
    assert_eq!(error.name(), "connect");
    assert!(error.may_have_been_applied());
}
