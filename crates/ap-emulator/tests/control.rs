//! The control API.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use ap_emulator::{Emulator, Fault, Product};
use common::{control, send, status_of};
use jiff::Timestamp;
use serde_json::json;

#[test]
fn every_port_serves_what_the_methods_do() {
    let emulator = Emulator::start().unwrap();
    assert_eq!(
        emulator.control_url(),
        format!("{}/_emulator/", emulator.url(Product::LeadConduit))
    );
    for (generation, product) in (2..).zip(Product::ALL) {
        let call = |method: &str, call: &str| {
            send(
                emulator.url(product),
                method,
                &format!("/_emulator/{call}"),
                "",
                "",
            )
        };
        let reply = call("POST", "reset");
        assert_eq!(
            (reply.status(), reply.json()),
            (200, json!({ "key": emulator.key() }))
        );
        assert_eq!(emulator.state().generation, generation);
        assert_eq!(status_of(&emulator, product, &emulator.key()), 401);
        assert_eq!(
            call("POST", &format!("login/{}", product.id())).status(),
            200
        );
        assert_eq!(status_of(&emulator, product, &emulator.key()), 200);
        assert_eq!(call("POST", "plan/free").status(), 200);
        assert_eq!(call("GET", "state").json()["plan"], "free");
        assert_eq!(call("POST", "plan/paid").status(), 200);
        assert_eq!(call("HEAD", "state").status(), 200);
    }
}

#[test]
fn the_state_counts_product_requests_but_no_control_calls() {
    let emulator = Emulator::start().unwrap();
    let key = emulator.key();
    status_of(&emulator, Product::LeadConduit, &key);
    status_of(&emulator, Product::LeadConduit, "wrong");
    status_of(&emulator, Product::SuppressionList, "wrong");
    emulator.reset();
    let expected = json!({
        "generation": 2,
        "plan": "paid",
        "products": {
            "lcx": { "generation": 1, "requests": 2, "acceptances": 1, "refusals": 1 },
            "trustedform": { "generation": 1, "requests": 0, "acceptances": 0, "refusals": 0 },
            "suppressionlist": { "generation": 1, "requests": 1, "acceptances": 0, "refusals": 1 },
        },
    });
    for _ in 0..2 {
        assert_eq!(control(&emulator, "GET", "state", "").json(), expected);
    }
    let state = emulator.state().product(Product::LeadConduit);
    assert_eq!(
        (state.requests, state.acceptances, state.refusals),
        (2, 1, 1)
    );
}

#[test]
fn wrong_arguments_are_refused_with_the_allowed_ones() {
    let emulator = Emulator::start().unwrap();
    // The call, its body, and the words that the refusal contains.
    let table = r#"
        login/leadconduit |                                           | lcx trustedform suppressionlist
        login/LCX         |                                           | lcx trustedform suppressionlist
        plan/gold         |                                           | free paid unpaid
        fault             | {"product":"x","kind":"cut"}              | lcx trustedform suppressionlist
        fault             | {"kind":"cut"}                            | lcx trustedform suppressionlist
        fault             | {"product":"lcx","kind":"418"}            | delay 429 500 503 cut close
        fault             | {"product":"lcx","kind":429}              | delay 429 500 503 cut close
        fault             | {"product":"lcx"}                         | delay 429 500 503 cut close
        fault             | {"product":"lcx","kind":"cut","times":2}  | product kind count ms
        fault             | {"product":"lcx","kind":"cut","count":0}  | count 1 4294967295
        fault             | {"product":"lcx","kind":"cut","count":-1} | count 1 4294967295
        fault             | {"product":"lcx","kind":"delay","ms":600001} | ms 0 600000
        fault             | []                                        | object
        fault             | {                                         | JSON
        fault             |                                           | JSON
    "#;
    for row in table.lines().filter(|row| !row.trim().is_empty()) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [call, body, words] = cells[..] else {
            panic!("{row}");
        };
        let reply = control(&emulator, "POST", call, body);
        assert_eq!(reply.status(), 400, "{row}");
        let reason = reply.json()["error"].as_str().unwrap().to_owned();
        for word in words.split(' ') {
            assert!(reason.contains(word), "{row}: {reason}");
        }
    }
    assert_eq!(control(&emulator, "GET", "nowhere", "").status(), 404);
    let reply = control(&emulator, "GET", "reset", "");
    assert_eq!((reply.status(), reply.header("Allow")), (405, Some("POST")));
    assert_eq!(control(&emulator, "POST", "state", "").status(), 405);
    assert_eq!(emulator.state().generation, 1);
}

#[test]
fn the_changes_count_the_calls_that_each_product_accepted_and_refused() {
    let before = Timestamp::now().as_second();
    let emulator = Emulator::start().unwrap();
    let old = emulator.key();
    status_of(&emulator, Product::LeadConduit, &old);
    let new = emulator.reset();
    for key in [&old, &old, &new] {
        status_of(&emulator, Product::TrustedForm, key);
    }
    emulator.login(Product::TrustedForm);
    emulator.login(Product::TrustedForm);
    status_of(&emulator, Product::TrustedForm, &new);
    status_of(&emulator, Product::TrustedForm, &old);
    // A call that meets a fault is neither accepted nor refused.
    emulator.fault(Fault::unavailable(Product::LeadConduit));
    status_of(&emulator, Product::LeadConduit, &old);

    let mut changes = control(&emulator, "GET", "changes", "").json();
    let after = Timestamp::now().as_second();
    for change in changes.as_array_mut().unwrap() {
        let at = change.as_object_mut().unwrap().remove("at").unwrap();
        assert!((before..=after).contains(&at.as_i64().unwrap()));
    }
    let expected =
        |nth: u64, what: &str, product: Option<&str>, generation: u64, calls: [u64; 6]| {
            let [a, b, c, d, e, f] = calls;
            json!({
                "nth": nth,
                "what": what,
                "product": product,
                "generation": generation,
                "calls": {
                    "lcx": { "accepted": a, "refused": b },
                    "trustedform": { "accepted": c, "refused": d },
                    "suppressionlist": { "accepted": e, "refused": f },
                },
            })
        };
    assert_eq!(
        changes,
        json!([
            expected(4, "login", Some("trustedform"), 2, [0, 0, 1, 1, 0, 0]),
            expected(3, "login", Some("trustedform"), 2, [0; 6]),
            expected(2, "reset", None, 2, [0, 0, 2, 1, 0, 0]),
            expected(1, "start", None, 1, [1, 0, 0, 0, 0, 0]),
        ])
    );
}
