//! What responses are decoded into.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "common/examples.rs"]
mod examples;
#[path = "common/objects.rs"]
mod objects;

use ap_api::account::{credentials, user};
use ap_api::leadconduit::{events, flows, leads, routers, submission};
use ap_api::suppressionlist::{AddItems, AddedItems, CreateList, Exists, Lists, RemovedItems};
use ap_api::trustedform::certificates::{CertificateId, InputMethod, Results, Run, Verify};
use ap_api::{ListName, Money, Outcome, Time, UnixMillis, UnixSeconds};
use ap_core::page::Walk;
use ap_core::{Endpoint, Error, ErrorKind};
use common::{CERTIFICATE, id, json_response, response};
use jiff::Timestamp;
use objects::objects;
use rust_decimal::Decimal;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Decodes a text as a client does, and checks that it is written back without a loss.
fn round_trip<T: DeserializeOwned + Serialize>(value: &Value) -> T {
    let object: T = serde_json::from_str(&value.to_string()).unwrap();
    assert_eq!(&serde_json::to_value(&object).unwrap(), value);
    object
}

fn decode<E: Endpoint>(endpoint: &E, status: u16, body: &Value) -> Result<E::Output, Error> {
    endpoint.decode(json_response(status, body))
}

#[test]
fn times_at_the_edges_are_kept_as_they_came() {
    for (text, second) in [
        ("2016-12-31T23:59:60Z", 1_483_228_799),
        ("0000-01-01T00:00:00.000Z", -62_167_219_200),
        ("1969-12-31T23:59:59-23:59", 86_339),
        ("9999-12-31T23:59:59.999Z", Timestamp::MAX.as_second()),
        ("9999-12-31T23:59:59+14:00", Timestamp::MAX.as_second()),
    ] {
        let time: Time = round_trip(&json!(text));
        assert_eq!(time.as_second(), second, "{text}");
    }
    for text in [
        "9999-12-31",
        "9999-12-31T23:59:59",
        "9999-02-30T00:00:00Z",
        "never",
    ] {
        assert!(
            serde_json::from_value::<Time>(json!(text)).is_err(),
            "{text}"
        );
    }
    let never: UnixMillis = round_trip(&json!(253_402_300_799_999_i64));
    assert_eq!(never.timestamp(), Timestamp::MAX);
    let ever: UnixSeconds = round_trip(&json!(i64::MIN));
    assert_eq!(ever.timestamp(), Timestamp::MIN);
    let near: UnixMillis = round_trip(&json!(-1));
    assert_eq!(near.as_millisecond(), -1);
    assert!(serde_json::from_value::<UnixMillis>(json!(u64::MAX)).is_err());
}

#[test]
fn a_source_event_has_its_times_values_and_unknown_members() {
    let event: events::Event = round_trip(&examples::source_event());
    assert_eq!(event.kind, Some(events::EventKind::Source));
    assert_eq!(event.outcome, Some(events::EventOutcome::Failure));
    assert_eq!(
        event.start_timestamp.unwrap().as_millisecond(),
        1_607_743_262_123
    );
    assert_eq!(
        event.expires_at.as_ref().unwrap().to_string(),
        "2021-03-11T03:21:02.123Z"
    );
    assert_eq!(event.ping_limit_reached, None);
    assert!(event.extra["ping_limit_reached"].is_null());
    assert_eq!(event.extra["description"], "unknown member");
    assert_eq!(event.response.as_ref().unwrap().status, Some(201));
    let request = event.request.as_ref().unwrap();
    assert_eq!(
        request.headers.as_ref().unwrap().get("authorization"),
        Some(&json!("placeholder"))
    );
    assert!(!format!("{event:?}").contains("placeholder"));
    let vars = event.vars.as_ref().unwrap();
    assert_eq!(vars.get("flow.name"), Some(&json!("Solar")));
    assert_eq!(vars.lead("state").unwrap().raw(), Some("TX"));
    let phone = vars.lead("phone_1").unwrap();
    assert_eq!(
        (phone.text(), phone.raw()),
        (Some("5125550100"), Some("(512) 555-0100"))
    );
    assert_eq!(phone.component("area"), Some(&json!("512")));
    let ssn = vars.lead("ssn").unwrap();
    assert!(ssn.is_masked() && !ssn.is_valid());
    assert!(vars.lead("none").is_none());
}

#[test]
fn a_recipient_event_has_exact_prices_appended_data_and_a_hidden_credential() {
    let event: events::Event = round_trip(&examples::recipient_event());
    assert_eq!(event.outcome, Some(events::EventOutcome::Skip));
    assert_eq!(*event.cost.unwrap(), Decimal::new(11, 1));
    assert_eq!(
        *event.cost.unwrap() + *event.revenue.unwrap(),
        Decimal::from(3)
    );
    assert_eq!(event.appended_data(), Some(&json!({"valid": true})));
    assert_eq!(event.retry_status.as_ref().unwrap().as_str(), "paused");
    assert!(matches!(
        event.retry_status,
        Some(events::RetryStatus::Other(_))
    ));
    assert!(!format!("{event:?}").contains("placeholder"));
    assert_eq!(event.credential.unwrap().expose()["token"], "placeholder");
}

#[test]
fn a_flow_that_is_read_and_written_loses_nothing() {
    let mut flow: flows::Flow = round_trip(&examples::flow());
    assert_eq!(
        flow.steps[2].kind,
        Some(flows::StepType::Other("split".into()))
    );
    assert_eq!(flow.steps[2].extra["branches"], json!([1, 2]));
    assert_eq!(flow.step("fIlTer").unwrap().enabled, Some(false));
    let criteria = flow.sources[0].acceptance_criteria.as_ref().unwrap();
    assert_eq!(
        criteria.rule_set.as_ref().unwrap().rules[1]
            .rules
            .as_ref()
            .unwrap()
            .len(),
        1
    );
    assert!(!format!("{flow:?}").contains("placeholder"));

    flow.name = "Roofs".to_owned();
    flow.caps = Some(Vec::new());
    flow.list_checks = None;
    let mut expected = examples::flow();
    expected["name"] = json!("Roofs");
    expected["caps"] = json!([]);
    expected.as_object_mut().unwrap().remove("list_checks");
    assert_eq!(serde_json::to_value(&flow).unwrap(), expected);
}

#[test]
fn each_object_is_written_as_it_was_read() {
    for object in objects() {
        let written = (object.rewrite)(&object.example.to_string());
        assert_eq!(written.unwrap(), object.example, "{}", object.name);
    }
}

#[test]
fn secrets_are_there_and_not_shown() {
    let credential: credentials::Credential = round_trip(&json!({
        "type": "oauth2", "access_token": "placeholder-1", "password": "placeholder-2", "expires_at": 1_795_681_800}));
    assert_eq!(credential.expires_at.unwrap().as_second(), 1_795_681_800);
    assert_eq!(
        credential.access_token.as_ref().unwrap().expose(),
        "placeholder-1"
    );
    assert!(!format!("{credential:?}").contains("placeholder"));

    let user: user::User = round_trip(
        &json!({"api_key": "placeholder-key", "zendesk_jwt": "placeholder",
        "accounts": [{"api_key": "placeholder", "keen_read_api_key": "placeholder", "later_key": "placeholder"}]}),
    );
    assert!(!format!("{user:?}").contains("placeholder"));
    assert!(user.api_key.unwrap().to_api_key().is_ok());
}

#[test]
fn lists_that_are_null_are_empty() {
    assert_eq!(decode(&flows::List::new(), 200, &Value::Null).unwrap(), []);
    assert_eq!(
        decode(&credentials::List::new(), 200, &Value::Null).unwrap(),
        []
    );
    assert_eq!(
        decode(&flows::Changelogs::new(id()), 200, &Value::Null).unwrap(),
        []
    );
    assert_eq!(decode(&Lists::new(), 200, &Value::Null).unwrap(), []);
    assert_eq!(
        decode(&events::List::new(), 200, &Value::Null)
            .unwrap()
            .items,
        []
    );
    assert!(
        decode(&flows::FieldUsage::new(id()), 200, &Value::Null)
            .unwrap()
            .is_empty()
    );
    let flow = json!({"name": "a", "enabled": true, "fields": null, "sources": null});
    let flow: flows::Flow = serde_json::from_value(flow).unwrap();
    assert!(flow.sources.is_empty() && flow.steps.is_empty());
    let written = serde_json::to_value(&flow).unwrap();
    assert_eq!(
        written,
        json!({"name": "a", "enabled": true, "fields": null, "sources": null, "steps": []})
    );
}

#[test]
fn a_router_that_is_answered_as_a_list_or_alone_is_a_list() {
    let router = json!({"id": "5fd4371e940df5a34a3888b2", "module_id": "m", "routes": []});
    let create = routers::Create::new(routers::Router::new("m", []));
    assert_eq!(decode(&create, 201, &router).unwrap().len(), 1);
    assert_eq!(decode(&create, 201, &json!([router])).unwrap().len(), 1);
}

#[test]
fn a_verdict_is_an_output_whatever_it_is() {
    let submit = submission::Submit::new(id(), id()).field("a", 1);
    for (body, outcome) in [
        (
            json!({"outcome": "success", "lead": {"id": "5fd4371e940df5a34a3888b2"}, "price": 1.5}),
            Outcome::Success,
        ),
        (
            json!({"outcome": "failure", "reason": "duplicate", "price": 0}),
            Outcome::Failure,
        ),
        (
            json!({"outcome": "error", "reason": "flow disabled"}),
            Outcome::Error,
        ),
        (
            json!({"outcome": "pending", "appended": {"a": 1}}),
            Outcome::Other("pending".into()),
        ),
    ] {
        let verdict = decode(&submit, 201, &body).unwrap();
        assert_eq!(verdict.outcome, outcome);
        assert_eq!(verdict.outcome.is_success(), outcome == Outcome::Success);
        assert_eq!(serde_json::to_value(&verdict).unwrap(), body);
    }
    // No verdict: the lead may be stored.
    let error = submit.decode(response(201, "<html>")).unwrap_err();
    assert!(
        error.kind() == ErrorKind::Decode && error.may_have_been_applied() && !error.may_retry()
    );
    assert_eq!(error.response().unwrap().bytes(), "<html>");
    let error = submit.decode(response(503, "")).unwrap_err();
    assert!(error.may_have_been_applied());
    let error = submit.decode(response(415, "")).unwrap_err();
    assert!(!error.may_have_been_applied());
}

#[test]
fn a_bid_and_feedback_have_outcomes() {
    let bid = decode(
        &submission::Ping::new(id(), id()).field("a", 1),
        200,
        &json!({"outcome": "failure", "reason": "no bid", "price": 0}),
    );
    assert_eq!(bid.unwrap().outcome, Outcome::Failure);
    let feedback = submission::Feedback::new(id(), submission::FeedbackType::Conversion);
    let body = json!({"outcome": "success", "reason": null, "lead": {"id": "5fd4371e940df5a34a3888b2", "first_name": "A"}});
    assert!(decode(&feedback, 201, &body).unwrap().outcome.is_success());
    let body = json!({"outcome": "failure", "reason": "Feedback is forbidden"});
    assert_eq!(
        decode(&feedback, 409, &body).unwrap().outcome,
        Outcome::Failure
    );
    assert_eq!(
        feedback
            .decode(response(409, "no"))
            .unwrap_err()
            .status()
            .unwrap(),
        409
    );
}

#[test]
fn the_outcome_of_a_certificate_decides_and_not_the_status() {
    let run = Run::new(CERTIFICATE.parse::<CertificateId>().unwrap()).verify(Verify::new());
    let results: Results = round_trip(&examples::results());
    assert_eq!(results.outcome, Outcome::Failure);
    assert!(results.is_retained());
    let retained = results.retain.as_ref().unwrap().results.as_ref().unwrap();
    assert_eq!(retained.was_retained_before(), Some(false));
    assert_eq!(results.lead_matches(), Some(false));
    let insights = results
        .insights
        .as_ref()
        .unwrap()
        .properties
        .as_ref()
        .unwrap();
    assert_eq!(insights.in_frame, Some(true));
    let methods = insights.form_input_method.as_ref().unwrap();
    assert_eq!(methods[1], InputMethod::Other("dictation".into()));
    let scans = results.insights.as_ref().unwrap().scans.as_ref().unwrap();
    assert_eq!(scans.required.as_ref().unwrap().as_slice(), ["terms"]);
    assert!(!format!("{results:?}").contains("placeholder"));

    for (status, reason) in [
        (404, "expired"),
        (405, "sandbox"),
        (406, "malformed"),
        (410, "expired"),
        (422, "claimed too many times"),
    ] {
        let body = json!({"outcome": "error", "reason": reason});
        let results = decode(&run, status, &body).unwrap();
        assert_eq!(
            (&results.outcome, results.is_retained()),
            (&Outcome::Error, false),
            "{status}"
        );
        // Without an outcome it is an error.
        assert_eq!(
            run.decode(response(status, ""))
                .unwrap_err()
                .status()
                .unwrap(),
            status
        );
    }
    for status in [400, 401, 402, 403, 429, 500, 503] {
        let body = json!({"outcome": "error", "reason": "x"});
        assert_eq!(
            decode(&run, status, &body).unwrap_err().status().unwrap(),
            status
        );
    }
}

#[test]
fn a_value_that_is_on_no_list_is_an_answer() {
    let exists = Exists::new(ListName::parse("a").unwrap(), "x");
    let no = json!({"specified_lists": ["a"], "key": "x", "found": false});
    let yes = json!({"specified_lists": ["a", "b"], "key": "x", "found": true, "exists_in_lists": ["b"],
        "entries": [{"list_id": "5fd4371e940df5a34a3888b2", "list_url_name": "b", "added_at": "2018-10-08T11:01:32Z"}]});
    assert!(!decode(&exists, 404, &no).unwrap().found);
    let answer = decode(&exists, 200, &yes).unwrap();
    assert_eq!(
        answer.entries.as_ref().unwrap()[0]
            .added_at
            .as_ref()
            .unwrap()
            .as_second(),
        1_538_996_492
    );
    assert_eq!(serde_json::to_value(&answer).unwrap(), yes);
    // No such list, or an answer that contradicts its status.
    for body in [
        json!({"error": "not found"}),
        json!({"found": true}),
        Value::Null,
    ] {
        assert!(decode(&exists, 404, &body).unwrap_err().is_not_found());
    }
    let added: AddedItems = decode(
        &AddItems::new(ListName::parse("a").unwrap(), ["x"]),
        200,
        &json!({"accepted": 1, "rejected": 2}),
    )
    .unwrap();
    assert_eq!((added.accepted, added.rejected), (Some(1), Some(2)));
    round_trip::<RemovedItems>(&json!({"deleted": 1, "rejected": 0}));
    let list = decode(
        &CreateList::new("A"),
        201,
        &json!({"id": "5fd4371e940df5a34a3888b2", "name": "A", "url_name": "a", "type": "md5", "ttl": null}),
    );
    let list = list.unwrap();
    assert!(list.is_named("a") && list.is_named("A") && !list.is_named("b"));
    assert_eq!(list.url_name.unwrap().as_str(), "a");
}

#[test]
fn events_are_walked_by_their_ids_until_a_page_is_empty() {
    let event = |last: u8| json!({"id": format!("5fd4371e940df5a34a3888{last:02x}"), "n": last});
    let pages = [json!([event(1), event(2)]), json!([event(3)]), json!([])];
    let mut walk = Walk::new(events::List::new().limit(2));
    let mut queries = Vec::new();
    for page in &pages {
        let request = common::prepare(walk.due().unwrap().draft()).unwrap();
        queries.push(request.uri().query().unwrap().to_owned());
        let _ = walk.received(json_response(200, page)).unwrap();
    }
    assert!(walk.due().is_none());
    assert_eq!(
        queries,
        [
            "limit=2&sort=asc",
            "after_id=5fd4371e940df5a34a388802&limit=2&sort=asc",
            "after_id=5fd4371e940df5a34a388803&limit=2&sort=asc",
        ]
    );

    // The caller's own type needs no id, and the newest events come by `before_id`.
    #[derive(serde::Deserialize, Debug)]
    struct Mine {
        n: u8,
    }
    let mut walk = Walk::new(events::List::new().newest_first().output::<Mine>());
    let page = walk
        .received(json_response(200, &json!([event(9), event(7)])))
        .unwrap();
    assert_eq!(
        page.items.iter().map(|mine| mine.n).collect::<Vec<_>>(),
        [9, 7]
    );
    let request = common::prepare(walk.due().unwrap().draft()).unwrap();
    assert_eq!(
        request.uri().query(),
        Some("before_id=5fd4371e940df5a34a388807&sort=desc")
    );

    // A page that does not move is an error, and no endless loop.
    let mut walk = Walk::new(events::List::new());
    let _ = walk
        .received(json_response(200, &json!([event(1)])))
        .unwrap();
    assert!(
        walk.received(json_response(200, &json!([event(1)])))
            .is_err()
    );
}

#[test]
fn found_leads_are_walked_by_their_number_up_to_the_ceiling() {
    let page = |count: usize, total: usize| {
        let hits = vec![json!({"lead_id": "5fd4371e940df5a34a3888b2", "later": 1}); count];
        json_response(200, &json!({"hits": hits, "total": total}))
    };
    let search = leads::Search::new("a");
    assert_eq!(search.decode(page(100, 250)).unwrap().next, Some(100));
    assert_eq!(
        search.clone().from(200).decode(page(50, 250)).unwrap().next,
        None
    );
    assert_eq!(
        search
            .clone()
            .from(900)
            .decode(page(100, 5_000))
            .unwrap()
            .next,
        None
    );
    assert_eq!(
        search
            .clone()
            .from(800)
            .decode(page(0, 5_000))
            .unwrap()
            .next,
        None
    );
    let total: leads::SearchResult = search.output().decode(page(1, 5_000)).unwrap();
    assert_eq!(total.total, 5_000);
    assert_eq!(
        search
            .decode(json_response(200, &json!({"hits": null, "total": 0})))
            .unwrap()
            .items,
        []
    );
}

#[test]
fn statistics_have_exact_numbers_and_csv_is_text() {
    let body = json!([{"vars.source.name": "Acme", "cost": 0.1, "source-submitted": 12}]);
    let rows = decode(&events::Stats::new(), 200, &body).unwrap();
    assert_eq!(
        rows[0].number(&events::Column::Cost),
        Some(Decimal::new(1, 1))
    );
    assert_eq!(rows[0].number(&events::Column::Profit), None);
    assert_eq!(rows[0].group("vars.source.name"), Some(&json!("Acme")));
    let csv = events::Stats::new().as_csv();
    assert_eq!(
        csv.decode(response(200, "a,b\n1,2\n")).unwrap(),
        "a,b\n1,2\n"
    );
}

#[test]
fn amounts_are_exact_and_keep_their_form() {
    for text in [
        "0",
        "12",
        "-3",
        "0.1",
        "12.34",
        "1.0",
        "9007199254740993",
        "\"1.50\"",
    ] {
        let money: Money = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&money).unwrap(), text);
    }
    for text in ["1e40", "1e-40", "\"\"", "\"a\"", "true"] {
        assert!(serde_json::from_str::<Money>(text).is_err(), "{text}");
    }
    assert_eq!(
        serde_json::to_string(&Money::from(Decimal::new(1050, 2))).unwrap(),
        "10.5"
    );
}

#[test]
fn an_error_of_a_missing_or_wrong_member_keeps_the_body() {
    for body in [
        json!([{"type": "source"}]),
        json!([{"id": null}]),
        json!([{"id": 5}]),
        json!({"a": 1}),
        json!("x"),
    ] {
        let error = decode(&events::List::new(), 200, &body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert_eq!(
            error.response().unwrap().bytes(),
            body.to_string().as_bytes()
        );
    }
    let error = decode(
        &events::List::new(),
        401,
        &json!({"error": "not authorized"}),
    )
    .unwrap_err();
    assert_eq!(error.status().unwrap(), 401);
}
