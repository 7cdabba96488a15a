//! The control calls over HTTP.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use ap_emulator::{Emulator, Product};
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
            "lcx": { "generation": 1, "requests": 2, "refusals": 1 },
            "trustedform": { "generation": 1, "requests": 0, "refusals": 0 },
            "suppressionlist": { "generation": 1, "requests": 1, "refusals": 1 },
        },
    });
    for _ in 0..2 {
        assert_eq!(control(&emulator, "GET", "state", "").json(), expected);
    }
    let seen = emulator.state().product(Product::LeadConduit);
    assert_eq!((seen.requests, seen.refusals), (2, 1));
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
    assert_eq!(control(&emulator, "GET", "", "").status(), 404);
    let reply = control(&emulator, "GET", "reset", "");
    assert_eq!((reply.status(), reply.header("Allow")), (405, Some("POST")));
    assert_eq!(control(&emulator, "POST", "state", "").status(), 405);
    assert_eq!(emulator.state().generation, 1);
}

#[test]
fn pages_of_other_origins_control_nothing() {
    let emulator = Emulator::start().unwrap();
    let port = |product| emulator.url(product).rsplit(':').next().unwrap().to_owned();
    let own_port = port(Product::LeadConduit);
    let mut own: Vec<String> = Product::ALL
        .map(|product| emulator.url(product).to_owned())
        .into();
    own.extend(Product::ALL.map(|product| format!("http://localhost:{}", port(product))));
    let foreign = [
        "null".to_owned(),
        String::new(),
        "https://example.com".to_owned(),
        "http://localhost".to_owned(),
        "http://localhost:1".to_owned(),
        format!("https://localhost:{own_port}"),
        format!("http://example.com:{own_port}"),
        format!("{}/", emulator.url(Product::LeadConduit)),
        format!(
            "{}, https://example.com",
            emulator.url(Product::LeadConduit)
        ),
        format!(
            "{}\r\nOrigin: https://example.com",
            emulator.url(Product::LeadConduit)
        ),
    ];
    let fault = r#"{"product":"lcx","kind":"500"}"#;
    let calls = [
        ("reset", ""),
        ("login/lcx", ""),
        ("plan/free", ""),
        ("fault", fault),
    ];
    let before = emulator.state();
    for origin in foreign {
        let headers = format!("Origin: {origin}\r\n");
        for (call, body) in calls {
            let path = format!("/_emulator/{call}");
            let reply = send(emulator.control_url(), "POST", &path, &headers, body);
            assert_eq!(reply.status(), 403, "{origin:?} {call}");
        }
        let reply = send(
            emulator.control_url(),
            "GET",
            "/_emulator/state",
            &headers,
            "",
        );
        assert_eq!(reply.status(), 200);
        assert!(!reply.head.to_ascii_lowercase().contains("access-control"));
    }
    assert_eq!(emulator.state(), before);
    for origin in own {
        let headers = format!("Origin: {origin}\r\n");
        for (call, body) in calls {
            let path = format!("/_emulator/{call}");
            let reply = send(emulator.control_url(), "POST", &path, &headers, body);
            assert_eq!(reply.status(), 200, "{origin:?} {call}");
        }
    }
}
