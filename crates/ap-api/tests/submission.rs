//! What a submit and a ping send, and how their callers tell success, failure, error and doubt apart.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use ap_api::leadconduit::submission::{Feedback, FeedbackType, Ping, Submit};
use ap_api::{Id, Outcome};
use ap_client::ap_core::ApiKey;
use ap_client::transport::{TransportError, TransportErrorKind};
use ap_client::{Blocking, Client, ClientBuilder, fake};
use ap_core::{Draft, Endpoint as _, Error, RetryPolicy};
use bytes::Bytes;
use common::{id, prepare};
use http::{Request, header};

const LEAD: &str = "<lead><email>a@b.example</email><state>TX</state></lead>";

fn submit() -> Submit {
    Submit::new(id(), id()).field("email", "a@b.example")
}

#[test]
fn a_lead_can_be_xml_and_is_sent_as_it_is() {
    for draft in [
        Submit::new(id(), id()).xml(LEAD).draft(),
        Ping::new(id(), id()).xml(LEAD).draft(),
    ] {
        let request = prepare(draft).unwrap();
        assert_eq!(request.body(), LEAD);
        assert_eq!(request.headers()[header::CONTENT_TYPE], "application/xml");
        assert_eq!(request.headers()[header::ACCEPT], "application/json");
    }
    let refused = |draft: Draft| prepare(draft).unwrap_err().to_string();
    assert_eq!(
        refused(Submit::new(id(), id()).xml(" ").draft()),
        "the lead's XML is empty"
    );
    let both = "the lead is XML and has fields beside it; give one of them";
    assert_eq!(refused(submit().xml(LEAD).draft()), both);
    assert_eq!(
        refused(Submit::new(id(), id()).xml(LEAD).as_form().draft()),
        both
    );
}

/// A client that would repeat everything that may be repeated, and what it gets as an answer.
fn client(answer: Answer) -> Client<Blocking> {
    let mut requests = 0;
    let transport = fake(move |request: &Request<Bytes>| {
        requests += 1;
        assert_eq!(requests, 1, "a lead is sent once");
        assert!(!request.headers().contains_key(header::AUTHORIZATION));
        match answer {
            Answer::Body(status, body) => Ok((status, body)),
            Answer::Failure(kind) => Err(TransportError::new(kind)),
        }
    });
    ClientBuilder::<Blocking>::new()
        .key(ApiKey::parse("placeholder-key").unwrap())
        .retry(RetryPolicy::new(9))
        .build_with(transport)
        .unwrap()
}

#[derive(Clone, Copy)]
enum Answer {
    Body(u16, &'static str),
    Failure(TransportErrorKind),
}

fn tell(result: Result<Outcome, Error>) -> &'static str {
    match result {
        Ok(Outcome::Success) => "success",
        Ok(Outcome::Failure) => "failure",
        Ok(Outcome::Error) => "error",
        Ok(_) => "unknown outcome",
        Err(error) if error.may_have_been_applied() => "in doubt",
        Err(_) => "not submitted",
    }
}

#[test]
fn success_failure_error_and_doubt_are_told_apart_and_nothing_is_sent_twice() {
    use Answer::{Body, Failure};
    for (answer, expected) in [
        (Body(201, r#"{"outcome":"success","price":1}"#), "success"),
        (Body(200, r#"{"outcome":"success","price":1}"#), "success"),
        (
            Body(201, r#"{"outcome":"failure","reason":"duplicate"}"#),
            "failure",
        ),
        (
            Body(201, r#"{"outcome":"error","reason":"disabled"}"#),
            "error",
        ),
        (Body(201, r#"{"outcome":"later"}"#), "unknown outcome"),
        // It was handled, but nobody can say how.
        (Body(201, "{"), "in doubt"),
        (Body(201, "<html>"), "in doubt"),
        (Body(500, ""), "in doubt"),
        (Body(503, ""), "in doubt"),
        (Failure(TransportErrorKind::Timeout), "in doubt"),
        (Failure(TransportErrorKind::Closed), "in doubt"),
        (Failure(TransportErrorKind::Truncated), "in doubt"),
        // The product said that it did not, or it was never sent.
        (Body(400, "Unable to parse JSON"), "not submitted"),
        (
            Body(401, r#"{"error":"authentication failed"}"#),
            "not submitted",
        ),
        (Body(404, ""), "not submitted"),
        (Body(429, ""), "not submitted"),
        (Failure(TransportErrorKind::Connect), "not submitted"),
        (Failure(TransportErrorKind::Dns), "not submitted"),
    ] {
        let verdict = client(answer).call(submit()).map(|verdict| verdict.outcome);
        let ping = Ping::new(id(), id()).field("state", "TX");
        let bid = client(answer).call(ping).map(|bid| bid.outcome);
        let event: Id = id();
        let feedback = Feedback::new(event, FeedbackType::Conversion);
        let feedback = client(answer).call(feedback).map(|verdict| verdict.outcome);
        assert_eq!([verdict, bid, feedback].map(tell), [expected; 3]);
    }
}
