//! Which failed calls are made again, and when.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use ap_core::{
    Called, Draft, Error, Origins, Response, RetryPolicy, Service, TransportError,
    TransportErrorKind,
};

fn called(draft: Draft) -> Called {
    draft.prepare(&Origins::vendor(), None).unwrap().1
}

fn get() -> Draft {
    Draft::get(Service::LeadConduit, "/flows")
}

fn post() -> Draft {
    Draft::post(Service::LeadConduit, "/flows")
}

fn status(draft: Draft, status: u16, retry_after: Option<&str>) -> Error {
    let mut response = http::Response::builder().status(status);
    if let Some(retry_after) = retry_after {
        response = response.header("retry-after", retry_after);
    }
    let response = response.body("".into()).unwrap();
    Response::new(response, called(draft))
        .error_for_status()
        .unwrap_err()
}

fn transport(draft: Draft, kind: TransportErrorKind) -> Error {
    Error::from(TransportError::new(kind)).with_called(called(draft))
}

#[test]
fn only_what_is_safe_to_repeat_is_made_again() {
    use TransportErrorKind::{Closed, Connect, Timeout, Tls};
    let rows: &[(&str, Error, bool)] = &[
        ("a refused connection", transport(post(), Connect), true),
        (
            "a refused connection, at most once",
            transport(post().at_most_once(), Connect),
            false,
        ),
        (
            "a closed connection, idempotent",
            transport(get(), Closed),
            true,
        ),
        (
            "a closed connection, not idempotent",
            transport(post(), Closed),
            false,
        ),
        (
            "a closed connection, repeatable",
            transport(post().repeatable(), Closed),
            true,
        ),
        (
            "at most once wins",
            transport(post().at_most_once().repeatable(), Closed),
            false,
        ),
        (
            "at most once wins, in any order",
            transport(post().repeatable().at_most_once(), Closed),
            false,
        ),
        (
            "a timeout, not idempotent",
            transport(post(), Timeout),
            false,
        ),
        ("TLS", transport(get(), Tls), false),
        ("401", status(get(), 401, Some("1")), false),
        ("404", status(get(), 404, None), false),
        ("429", status(post(), 429, None), true),
        (
            "429, at most once",
            status(post().at_most_once(), 429, Some("1")),
            false,
        ),
        ("500, idempotent", status(get(), 500, None), true),
        ("500, not idempotent", status(post(), 500, Some("1")), false),
        ("503, idempotent", status(get(), 503, None), true),
        ("503, not idempotent", status(post(), 503, None), false),
        ("503 that says when", status(post(), 503, Some("1")), true),
        (
            "503 that says when, at most once",
            status(post().at_most_once(), 503, Some("1")),
            false,
        ),
        (
            "a response that is not as expected",
            Response::new(http::Response::new("".into()), called(get())).unexpected("x"),
            false,
        ),
        (
            "a refused request",
            get()
                .refuse("x")
                .prepare(&Origins::vendor(), None)
                .unwrap_err(),
            false,
        ),
        ("a client that cannot be built", Error::build("x"), false),
        (
            "the client's own rate limit",
            Error::rate_limit(Duration::from_secs(1)),
            true,
        ),
    ];
    for (name, error, expected) in rows {
        let wait = RetryPolicy::new(2).wait(1, error, 0.0);
        assert_eq!(wait.is_some(), *expected, "{name}");
        assert_eq!(RetryPolicy::NEVER.wait(1, error, 0.0), None, "{name}");
    }
}

#[test]
fn the_wait_doubles_up_to_its_maximum_and_the_attempts_end() {
    let error = transport(get(), TransportErrorKind::Connect);
    let policy = RetryPolicy::new(6)
        .first_wait(Duration::from_secs(1))
        .max_wait(Duration::from_secs(5));
    let waits = |random| -> Vec<_> {
        (1..=6)
            .map_while(|failures| policy.wait(failures, &error, random))
            .map(|wait| wait.as_millis())
            .collect()
    };
    assert_eq!(waits(1.0), [1_000, 2_000, 4_000, 5_000, 5_000]);
    assert_eq!(waits(0.0), [500, 1_000, 2_000, 2_500, 2_500]);
    for random in [f64::NAN, -1.0, f64::NEG_INFINITY] {
        assert_eq!(waits(random), waits(0.0));
    }
    assert_eq!(waits(f64::INFINITY), waits(1.0));
    for attempts in [0, 1] {
        assert_eq!(RetryPolicy::new(attempts).wait(1, &error, 0.5), None);
    }
    let endless = RetryPolicy::new(u32::MAX)
        .first_wait(Duration::MAX)
        .max_wait(Duration::MAX);
    assert!(endless.wait(u32::MAX - 1, &error, 1.0).unwrap() > Duration::from_secs(1 << 40));
}

#[test]
fn what_the_product_asks_for_is_followed_and_never_shortened() {
    let policy = RetryPolicy::new(3)
        .first_wait(Duration::from_secs(2))
        .max_retry_after(Duration::from_secs(60));
    for (asked, random, expected) in [
        ("0", 0.0, Some(0)),
        ("7", 0.0, Some(7)),
        ("7", 1.0, Some(8)),
        ("60", 0.0, Some(60)),
        ("61", 0.0, None),
    ] {
        let wait = policy.wait(1, &status(get(), 429, Some(asked)), random);
        assert_eq!(wait, expected.map(Duration::from_secs), "{asked}");
    }
}
