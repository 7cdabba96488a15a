//! The typed endpoints of submissions, events and searches, against the emulator.
#![allow(clippy::unwrap_used, clippy::panic)]

use activeprospect::ApiKey;
use activeprospect::api::leadconduit::events::{self, Column, EventKind, Stats, metrics};
use activeprospect::api::leadconduit::leads::Search;
use activeprospect::api::leadconduit::submission::{Feedback, FeedbackType, Ping, Submit};
use activeprospect::api::{Id, Outcome};
use activeprospect::blocking::{Client, ClientBuilder};
use ap_emulator::Emulator;

fn start(events: u32) -> (Client, Emulator) {
    let emulator = Emulator::builder().events(events).start().unwrap();
    let builder = ClientBuilder::new().key(ApiKey::parse(emulator.key()).unwrap());
    let client = builder.origins(emulator.origins()).build().unwrap();
    (client, emulator)
}

fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

#[test]
fn a_lead_is_submitted_and_comes_back_as_events_and_in_a_search() {
    let (client, _emulator) = start(0);
    let (flow, source) = (
        id("65e0b2000000000000000001"),
        id("65e0a1000000000000000004"),
    );
    let ping = Ping::new(flow.clone(), source.clone()).field("state", "TX");
    let bid = client.call(ping).unwrap();
    assert_eq!(bid.outcome, Outcome::Success);
    let rejected = Submit::new(flow.clone(), source.clone()).field("first_name", "Ann");
    assert_eq!(client.call(rejected).unwrap().outcome, Outcome::Failure);
    for is_form in [false, true] {
        let submit = Submit::new(flow.clone(), source.clone())
            .field("first_name", "Ann")
            .field("email", "a@b.example");
        let submit = if is_form { submit.as_form() } else { submit };
        let verdict = client.call(submit).unwrap();
        assert_eq!(
            (verdict.outcome, verdict.price),
            (Outcome::Success, bid.price)
        );
    }
    let call_centre = id("65e0a100000000000000000a");
    let submit = Submit::new(flow, call_centre).field("email", "a@b.example");
    assert!(client.call(submit.clone()).is_err());
    assert_eq!(
        client.call(submit.with_key()).unwrap().outcome,
        Outcome::Success
    );

    let events = client.call(events::List::new()).unwrap().items;
    let recipient = events
        .iter()
        .find(|event| event.kind == Some(EventKind::Recipient));
    let recipient = recipient.unwrap().id.clone();
    let feedback = Feedback::new(recipient, FeedbackType::Return).reason("Wrong number");
    assert_eq!(client.call(feedback).unwrap().outcome, Outcome::Success);
    let found = client
        .call(Search::new("ann").newest_first())
        .unwrap()
        .items;
    assert_eq!(found.len(), 3);
    assert!(found[0].latest_event.is_some());
}

#[test]
fn seeded_events_are_read_counted_and_measured() {
    let (client, _emulator) = start(500);
    let page = client.call(events::List::new().limit(500)).unwrap();
    assert_eq!(page.items.len(), 500);
    for event in page.items.iter().step_by(50) {
        assert_eq!(
            &client.call(events::Get::new(event.id.clone())).unwrap(),
            event
        );
    }
    let body = events::List::new().limit(500).in_body();
    assert_eq!(client.call(body).unwrap().items, page.items);
    let start = "2000-01-01T00:00:00Z".parse().unwrap();
    let stats = Stats::new()
        .start(start)
        .column(Column::SourceSubmitted)
        .column(Column::Profit);
    let rows = client.call(stats.clone()).unwrap();
    assert!(rows[0].number(&Column::SourceSubmitted).unwrap() > 100.into());
    let csv = client.call(stats.as_csv()).unwrap();
    assert!(csv.starts_with("source-submitted,profit\r\n"));

    let span = metrics::Timeframe::Named("this_100_days".to_owned());
    let counts = metrics::Count::new()
        .timeframe(span.clone())
        .group_by("outcome");
    assert_eq!(client.call(counts).unwrap().result.len(), 1);
    let unique = metrics::CountUnique::new()
        .timeframe(span.clone())
        .target_property("vars.lead.id");
    assert_eq!(client.call(unique).unwrap().result[0].value.len(), 1);
    let sources = metrics::SelectUnique::new()
        .timeframe(span)
        .target_property("vars.lead.state");
    assert!(
        !client
            .call(sources.group_by("vars.source.id"))
            .unwrap()
            .result
            .is_empty()
    );
    let medians = metrics::Median::new()
        .max_age(9_000_000)
        .target_property("wait_ms");
    assert!(!client.call(medians).unwrap().result.is_empty());
    assert!(
        client
            .call(metrics::Funnel::new())
            .unwrap()
            .result
            .is_empty()
    );
}
