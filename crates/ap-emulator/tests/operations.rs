//! What the emulator serves, and what it says of the rest.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use ap_emulator::{Emulator, Plan, Product};
use common::{Reply, control, send, with_key};
use serde_json::Value;

/// The path of an operation, with an id for each parameter.
fn example_path(template: &str) -> String {
    let segments = template
        .split('/')
        .map(|segment| match segment.strip_prefix('{') {
            Some("list}") => "do_not_call",
            Some(_) => "65e0ff000000000000000009",
            None => segment,
        });
    segments.collect::<Vec<_>>().join("/")
}

fn operations(emulator: &Emulator) -> Vec<Value> {
    let reply = control(emulator, "GET", "operations", "");
    assert_eq!(reply.status(), 200);
    reply.json().as_array().unwrap().clone()
}

fn text<'a>(operation: &'a Value, member: &str) -> &'a str {
    operation[member].as_str().unwrap()
}

/// The text of an error, in the shape of its service.
fn reason(reply: &Reply) -> String {
    let shown = reply.json();
    let text = shown["error"].as_str().or_else(|| shown["reason"].as_str());
    text.unwrap().to_owned()
}

#[test]
fn every_operation_is_served_or_named_in_a_501() {
    let emulator = Emulator::start().unwrap();
    let headers = with_key(&emulator.key());
    let operations = operations(&emulator);
    assert!(operations.len() > 100, "{}", operations.len());
    for operation in &operations {
        let product: Product = text(operation, "product").parse().unwrap();
        let (method, path) = (text(operation, "method"), text(operation, "path"));
        let example = example_path(path);
        let reply = send(emulator.url(product), method, &example, &headers, "");
        if operation["served"] == true {
            assert_ne!(reply.status(), 501, "{operation}");
            continue;
        }
        assert_eq!(reply.status(), 501, "{operation}");
        let reason = reason(&reply);
        for word in [
            text(operation, "name"),
            method,
            path,
            emulator.control_url(),
        ] {
            assert!(reason.contains(word), "{operation}: {reason}");
        }
        assert_eq!(reply.header("Connection"), Some("keep-alive"));
    }
}

#[test]
fn what_is_no_operation_gets_a_501_too() {
    let emulator = Emulator::start().unwrap();
    let headers = with_key(&emulator.key());
    let table = "
        lcx             GET     /                                501
        lcx             GET     /nowhere                         501
        lcx             GET     /flows/                          501
        lcx             GET     /leads                           501
        lcx             OPTIONS *                                501
        lcx             DELETE  /flows                           501
        lcx             PATCH   /flows/1                         501
        lcx             POST    /user                            501
        lcx             BREW    /user                            501
        lcx             GET     //flows                          501
        trustedform     GET     /                                501
        trustedform     PUT     /account                         501
        suppressionlist GET     /account                         501
        suppressionlist DELETE  /lists                           501
        lcx             GET     /flows/65e0ff000000000000000009  404
        lcx             GET     /reports/nothing                 404
        lcx             GET     /flows/%ff                       400
    ";
    for row in table.lines().filter(|row| !row.trim().is_empty()) {
        let words: Vec<&str> = row.split_whitespace().collect();
        let [product, method, path, status] = words[..] else {
            panic!("{row}");
        };
        let product: Product = product.parse().unwrap();
        let reply = send(emulator.url(product), method, path, &headers, "");
        assert_eq!(reply.status().to_string(), status, "{row}");
        assert_eq!(reply.header("Allow"), None, "{row}");
        // The path could be something that is not meant for a log.
        assert!(!reason(&reply).contains("nowhere"), "{row}");
    }
}

#[test]
fn an_operation_that_needs_no_key_is_not_refused_for_want_of_one() {
    let emulator = Emulator::start().unwrap();
    emulator.set_plan(Plan::Free);
    let source = "/flows/65e0b2000000000000000001/sources/65e0a1000000000000000004";
    let url = emulator.url(Product::LeadConduit);
    for (method, path, status) in [
        ("POST", format!("{source}/submit"), 201),
        ("GET", format!("{source}/submit?email=a"), 201),
        ("POST", format!("{source}/ping"), 200),
        ("GET", format!("{source}/ping?email=a"), 200),
        ("POST", "/feedback?event_id=1&type=return".to_owned(), 404),
    ] {
        let reply = send(url, method, &path, "", "");
        assert_eq!(reply.status(), status, "{path}");
    }
    let url = emulator.url(Product::TrustedForm);
    let reply = send(url, "GET", "/0123abcd/ping_url", "", "");
    assert_eq!(reply.status(), 501);
    assert!(reason(&reply).contains("getPingUrl"), "{}", reason(&reply));
    for product in Product::ALL {
        assert_eq!(emulator.state().product(product).refusals, 0);
    }
}

#[test]
fn the_guide_lists_what_is_served() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/emulator.md");
    // The packaged crate comes without the guide.
    let Ok(guide) = std::fs::read_to_string(guide) else {
        return;
    };
    let emulator = Emulator::start().unwrap();
    let mut served = 0;
    for operation in operations(&emulator) {
        let call = format!(
            "`{} {}`",
            text(&operation, "method"),
            text(&operation, "path")
        );
        let row = guide.lines().find(|line| {
            line.starts_with(&format!("| {} ", text(&operation, "product"))) && line.contains(&call)
        });
        assert_eq!(row.is_some(), operation["served"] == true, "{call}");
        served += usize::from(row.is_some());
    }
    let rows = |line: &&str| {
        Product::ALL
            .iter()
            .any(|product| line.starts_with(&format!("| {} ", product.id())))
    };
    assert_eq!(guide.lines().filter(rows).count(), served);
}
