//! Retries and the rate limit of the blocking client over ureq and of the async one over reqwest, on real sockets and by
//! the real clock. Times are only compared with lower bounds.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use activeprospect::api::Id;
use activeprospect::api::leadconduit::submission::{Feedback, FeedbackType, Ping, Submit};
use ap_client::ap_core::{
    ApiKey, Draft, Endpoint as _, ErrorKind, Origin, Origins, RetryPolicy, Service,
};
use ap_tests::{ScriptedServer, Settings, TestClient};

const OK: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n[]";
const AT_ONCE: &str = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
const LATER: &str = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 50\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

fn settings(server: &ScriptedServer) -> Settings {
    let origin = Origin::parse_loopback(&server.url()).unwrap();
    let origins = Origins::vendor()
        .with(Service::LeadConduit, origin)
        .unwrap();
    let key = ApiKey::parse("placeholder-key-1").unwrap();
    let mut settings = Settings::new([key], &origins);
    settings.retry = RetryPolicy::new(3).first_wait(Duration::from_millis(2));
    settings
}

/// Calls a test with each client and a server of its own, which answers in this turn.
fn each(answers: &[&str], test: impl Fn(TestClient, &ScriptedServer)) {
    for nth in 0..2 {
        let server = ScriptedServer::in_turn(answers.iter().copied()).unwrap();
        let clients = settings(&server).clients().unwrap();
        test(clients.into_iter().nth(nth).unwrap(), &server);
    }
}

#[test]
fn a_503_that_says_when_is_made_again_until_it_is_answered() {
    each(&[AT_ONCE, AT_ONCE, OK], |client, server| {
        let draft = Draft::post(Service::LeadConduit, "/flows").json(&[1]);
        assert_eq!(
            client.send(draft).unwrap().status(),
            200,
            "{}",
            client.mode()
        );
        let requests = server.received();
        assert_eq!(requests.len(), 3, "{}", client.mode());
        assert!(requests.iter().all(|request| *request == requests[0]));
    });
    each(&[AT_ONCE], |client, server| {
        let draft = Draft::get(Service::LeadConduit, "/flows");
        assert_eq!(client.send(draft).unwrap().status(), 503, "the last answer");
        assert_eq!(server.received().len(), 3, "no more attempts than allowed");
    });
}

#[test]
fn a_submit_a_ping_and_feedback_are_sent_once_whatever_the_policy_is() {
    let id = Id::parse("5fd4371e940df5a34a3888b2").unwrap();
    for draft in [
        Submit::new(&id, &id).field("email", "a@b.example").draft(),
        Ping::new(&id, &id).field("email", "a@b.example").draft(),
        Feedback::new(&id, FeedbackType::Return).draft(),
    ] {
        // The second answer is the end of the connection.
        each(&[AT_ONCE, ""], |client, server| {
            assert_eq!(client.send(draft.clone()).unwrap().status(), 503);
            assert_eq!(server.received().len(), 1, "{}", client.mode());
            client.send(draft.clone()).unwrap_err();
            assert_eq!(server.received().len(), 2, "{}", client.mode());
        });
    }
}

#[test]
fn a_wait_that_would_not_end_before_the_deadline_is_not_begun() {
    each(&[LATER], |client, server| {
        let client = client.with_timeout(Duration::from_secs(50));
        let response = client.send(Draft::get(Service::LeadConduit, "/flows"));
        assert_eq!(response.unwrap().status(), 503);
        assert_eq!(server.received().len(), 1, "{}", client.mode());
    });
}

#[test]
fn a_rate_limit_holds_by_the_real_clock_and_one_that_cannot_be_kept_is_an_error() {
    const PER: Duration = Duration::from_millis(40);

    for nth in 0..2 {
        let server = ScriptedServer::start(OK).unwrap();
        let mut settings = settings(&server);
        settings.rate_limit = Some((2, PER));
        let client = &settings.clients().unwrap()[nth];
        let begin = Instant::now();
        for _ in 0..5 {
            client
                .send(Draft::get(Service::LeadConduit, "/flows"))
                .unwrap();
        }
        assert!(
            begin.elapsed() >= 2 * PER,
            "two at once, two after one time, one after two"
        );

        settings.rate_limit = Some((1, Duration::from_secs(3_600)));
        let client = &settings.clients().unwrap()[nth];
        client
            .send(Draft::get(Service::LeadConduit, "/flows"))
            .unwrap();
        let error = client.send(Draft::get(Service::LeadConduit, "/flows"));
        assert_eq!(error.unwrap_err().kind(), ErrorKind::RateLimit);
        assert_eq!(server.received().len(), 6);
    }
}
