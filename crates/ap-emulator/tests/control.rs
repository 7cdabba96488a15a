//! The control calls over HTTP.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::{SystemTime, UNIX_EPOCH};

use ap_emulator::{Emulator, Fault, Product};
use common::{control, send, status_of};
use serde_json::json;

#[test]
fn the_calls_do_what_the_methods_do_on_every_port() {
    let emulator = Emulator::start().unwrap();
    assert_eq!(
        emulator.control_url(),
        format!("{}/_emulator/", emulator.url(Product::LeadConduit))
    );
    for (nth, product) in (2..).zip(Product::ALL) {
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
        assert_eq!(emulator.state().generation, nth);
        assert_eq!(status_of(&emulator, product, &emulator.key()), 401);
        assert_eq!(call("POST", &format!("login/{product}")).status(), 200);
        assert_eq!(status_of(&emulator, product, &emulator.key()), 200);
        assert_eq!(call("POST", "plan/free").status(), 200);
        assert_eq!(call("GET", "state").json()["plan"], "free");
        assert_eq!(call("POST", "plan/paid").status(), 200);
        assert_eq!(call("HEAD", "state").status(), 200);
    }
}

#[test]
fn the_state_counts_product_requests_only() {
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
    let seen = emulator.state().product(Product::LeadConduit);
    assert_eq!((seen.requests, seen.acceptances, seen.refusals), (2, 1, 1));
}

#[test]
fn unknown_names_are_refused_with_those_that_are_allowed() {
    let emulator = Emulator::start().unwrap();
    let products = ["lcx", "trustedform", "suppressionlist"].as_slice();
    let kinds = ["delay", "429", "500", "503", "cut", "close"].as_slice();
    let table = [
        ("login/leadconduit", "", products),
        ("login/LCX", "", products),
        ("plan/gold", "", ["free", "paid"].as_slice()),
        ("fault", r#"{"product":"x","kind":"cut"}"#, products),
        ("fault", r#"{"kind":"cut"}"#, products),
        ("fault", r#"{"product":"lcx","kind":"418"}"#, kinds),
        ("fault", r#"{"product":"lcx","kind":429}"#, kinds),
        ("fault", r#"{"product":"lcx"}"#, kinds),
        (
            "fault",
            r#"{"product":"lcx","kind":"cut","times":2}"#,
            ["count", "ms"].as_slice(),
        ),
        (
            "fault",
            r#"{"product":"lcx","kind":"cut","count":0}"#,
            ["count"].as_slice(),
        ),
        (
            "fault",
            r#"{"product":"lcx","kind":"cut","count":-1}"#,
            ["count"].as_slice(),
        ),
        (
            "fault",
            r#"{"product":"lcx","kind":"delay","ms":600001}"#,
            ["ms", "600000"].as_slice(),
        ),
        ("fault", "[]", ["object"].as_slice()),
        ("fault", "{", ["JSON"].as_slice()),
        ("fault", "", ["JSON"].as_slice()),
    ];
    for (call, body, told) in table {
        let reply = control(&emulator, "POST", call, body);
        assert_eq!(reply.status(), 400, "{call} {body}");
        let reason = reply.json()["error"].as_str().unwrap().to_owned();
        for name in told {
            assert!(reason.contains(name), "{call} {body}: {reason}");
        }
    }
    assert_eq!(control(&emulator, "GET", "nowhere", "").status(), 404);
    let reply = control(&emulator, "GET", "reset", "");
    assert_eq!((reply.status(), reply.header("Allow")), (405, Some("POST")));
    assert_eq!(control(&emulator, "POST", "state", "").status(), 405);
    assert_eq!(emulator.state().generation, 1);
}

#[test]
fn the_changes_tell_what_each_product_did_with_its_calls() {
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
    // What met a fault was neither accepted nor refused.
    emulator.fault(Fault::unavailable(Product::LeadConduit));
    status_of(&emulator, Product::LeadConduit, &old);

    let mut changes = control(&emulator, "GET", "changes", "").json();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    for change in changes.as_array_mut().unwrap() {
        let at = change.as_object_mut().unwrap().remove("at").unwrap();
        assert!((now.as_secs() - 60..=now.as_secs()).contains(&at.as_u64().unwrap()));
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
