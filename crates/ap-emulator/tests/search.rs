//! Searching leads.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;

use ap_emulator::{Emulator, Product};
use common::{send, with_key};
use serde_json::{Value, json};

fn seeded(count: u32) -> Emulator {
    Emulator::builder().events(count).start().unwrap()
}

fn search(emulator: &Emulator, query: &str) -> Value {
    let url = emulator.url(Product::LeadConduit);
    let path = format!("/search/leads?{query}");
    let reply = send(url, "GET", &path, &with_key(&emulator.key()), "");
    assert_eq!(reply.status(), 200, "{query}: {}", reply.text());
    reply.json()
}

fn hits(emulator: &Emulator, query: &str) -> Vec<Value> {
    search(emulator, query)["hits"].as_array().unwrap().clone()
}

fn submit(emulator: &Emulator, fields: &str) {
    let url = emulator.url(Product::LeadConduit);
    let source = "/flows/65e0b2000000000000000001/sources/65e0a1000000000000000004";
    assert_eq!(
        send(url, "GET", &format!("{source}/submit?{fields}"), "", "").status(),
        201
    );
}

#[test]
fn a_lead_is_found_by_the_words_in_its_fields() {
    let emulator = seeded(0);
    submit(
        &emulator,
        "email=samantha%40x.example&first_name=Samantha&last_name=Fe+Lee&city=Santa+Fe&state=NM",
    );
    submit(
        &emulator,
        "email=sam%40y.example&first_name=Sam&city=Austin&state=TX&phone_1=5125550123",
    );
    submit(&emulator, "first_name=Uncle+Sam&state=TX");
    let table = "
        sam                     Sam Uncle_Sam Samantha
        SAMANTHA                Samantha
        sam+tx                  Sam Uncle_Sam
        tx+sam+austin           Sam
        mantha                  -
        %22santa+fe%22          Samantha
        %22fe+santa%22          -
        fe+santa                Samantha
        5125550123              Sam
        y.example               Sam
    ";
    for row in table.lines().filter(|row| !row.trim().is_empty()) {
        let mut words = row.split_whitespace();
        let query = words.next().unwrap();
        let expected: BTreeSet<String> = words
            .filter(|word| *word != "-")
            .map(|word| word.replace('_', " "))
            .collect();
        let found = search(&emulator, &format!("query={query}"));
        let names = found["hits"].as_array().unwrap().iter();
        let names: BTreeSet<String> = names
            .map(|hit| hit["first_name"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, expected, "{row}");
        assert_eq!(found["total"], expected.len(), "{row}");
    }
    // Whole words are more relevant, and then newer leads.
    let names: Vec<Value> = hits(&emulator, "query=sam")
        .iter()
        .map(|hit| hit["first_name"].clone())
        .collect();
    assert_eq!(names, ["Sam", "Uncle Sam", "Samantha"]);
    let hit = &hits(&emulator, "query=samantha")[0];
    assert_eq!(hit["highlight"]["first_name"], json!(["<em>Samantha</em>"]));
    assert_eq!(hit["flow_name"], "Roof repair, web forms");
    assert_eq!(hit["source_name"], "Leads by Example");
    assert_eq!(hit["latest_event"]["type"], "recipient");
    // No recipient got this one.
    assert!(
        hits(&emulator, "query=uncle")[0]
            .get("latest_event")
            .is_none()
    );
}

#[test]
fn found_leads_are_sorted() {
    let emulator = seeded(1000);
    for field in [
        "first_name",
        "last_name",
        "email",
        "phone_1",
        "city",
        "state",
        "postal_code",
        "submission_timestamp",
        "lead_id",
    ] {
        for direction in ["asc", "desc"] {
            let found = hits(
                &emulator,
                &format!("query=example&limit=100&sort_by={field}&sort_dir={direction}"),
            );
            let mut values: Vec<String> = found
                .iter()
                .map(|hit| hit[field].as_str().unwrap_or_default().to_lowercase())
                .collect();
            if direction == "desc" {
                values.reverse();
            }
            assert!(values.is_sorted(), "{field} {direction}: {values:?}");
        }
    }
}

#[test]
fn pages_miss_no_lead_up_to_the_ceiling() {
    let emulator = seeded(10_000);
    let total = search(&emulator, "query=example")["total"]
        .as_u64()
        .unwrap();
    assert!(total > 2000, "{total}");
    let mut ids = BTreeSet::new();
    for page in 0..10 {
        let found = hits(
            &emulator,
            &format!(
                "query=example&sort_by=submission_timestamp&limit=100&from={}",
                page * 100
            ),
        );
        assert_eq!(found.len(), 100);
        ids.extend(
            found
                .iter()
                .map(|hit| hit["lead_id"].as_str().unwrap().to_owned()),
        );
    }
    assert_eq!(ids.len(), 1000);
    assert_eq!(
        hits(&emulator, "query=example&from=950&limit=100").len(),
        50
    );
    assert_eq!(hits(&emulator, "query=example&from=1000").len(), 0);
    assert_eq!(hits(&emulator, "query=example").len(), 10);
    // A rare word is found wherever it is.
    let found = search(&emulator, "query=robin+pine");
    let count = found["total"].as_u64().unwrap();
    assert!((1..200).contains(&count), "{count}");
    for hit in found["hits"].as_array().unwrap() {
        assert_eq!(
            (&hit["first_name"], &hit["last_name"]),
            (&json!("Robin"), &json!("Pine"))
        );
    }
}

#[test]
fn parameters_that_make_no_sense_are_refused() {
    let emulator = seeded(0);
    let url = emulator.url(Product::LeadConduit);
    for (query, word) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("from=-1", "from"),
        ("sort_by=age", "sort_by"),
        ("sort_dir=up", "sort_dir"),
    ] {
        let reply = send(
            url,
            "GET",
            &format!("/search/leads?{query}"),
            &with_key(&emulator.key()),
            "",
        );
        assert_eq!(reply.status(), 400, "{query}");
        assert!(
            reply.json()["error"].as_str().unwrap().contains(word),
            "{query}"
        );
    }
    assert_eq!(
        send(url, "GET", "/search/leads", common::JSON, "").status(),
        401
    );
}
