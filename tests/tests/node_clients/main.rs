//! The vendor's own Node clients work against the emulator, unchanged. npm installs them into a temporary folder.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;

use activeprospect::Product;
use ap_emulator::Emulator;
use ap_tests::{node_clients, run_program};
use serde_json::{Value, json};

/// Makes the calls of `calls.js` with the clients in `folder`, and returns their results.
fn results(emulator: &Emulator, folder: &Path) -> Value {
    let script = folder.join("calls.js");
    std::fs::write(&script, include_str!("calls.js")).unwrap();
    let mut node = Command::new("node");
    node.arg(&script)
        .env("EMULATOR_KEY", emulator.key())
        .env("TRUSTEDFORM_URL", emulator.url(Product::TrustedForm))
        .env(
            "SUPPRESSIONLIST_URL",
            emulator.url(Product::SuppressionList),
        );
    // The clients would take their proxy from these.
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"] {
        node.env_remove(name);
    }
    let output = run_program(&mut node, "node").unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_vendors_own_node_clients_work_against_the_emulator() {
    let Some(folder) = node_clients() else {
        return;
    };
    let emulator = Emulator::start().unwrap();
    let results = results(&emulator, folder.path());
    // Where in the results, and what is there.
    let table = [
        ("/claim_v2/status", json!(201)),
        ("/claim_v2/body/reference", json!("lead 7")),
        ("/claim_v2/body/vendor", json!("Leads by Example")),
        ("/claim_v2/body/scans/found", json!(["free |*| quote"])),
        ("/claim_v2/body/scans/not_found", json!(["ipad", "solar"])),
        ("/claim_v2/body/fingerprints/non_matching", json!([])),
        ("/claim_v3/status", json!(201)),
        ("/claim_v3/body/scans/required_not_found", json!(["ipad"])),
        ("/claim_v3/body/scans/forbidden_not_found", json!(["solar"])),
        ("/claim_v3/body/outcome", json!("failure")),
        ("/sandbox_v2/error", json!("Could not claim form")),
        ("/sandbox_v2/status", json!(405)),
        (
            "/sandbox_v2/body/message",
            json!("certificate not claimable"),
        ),
        (
            "/sandbox_v3/body/reason",
            json!("certificate not claimable"),
        ),
        // The client sends a form, and version 4.0 takes JSON alone.
        ("/claim_v4/status", json!(400)),
        ("/rejected_claim/error", json!("Could not claim form")),
        ("/rejected_claim/status", json!(401)),
        ("/lists/body/1/url_name", json!("do_not_call")),
        ("/created/body/name", json!("Made by Node")),
        ("/created/body/url_name", json!("made_by_node")),
        ("/created/body/ttl", json!(60)),
        ("/created_for_ever/body/ttl", Value::Null),
        ("/ensured", results["created"].clone()),
        ("/ensured_new/body/ttl", json!(3600)),
        ("/lists_after/body/2", results["created"]["body"].clone()),
        (
            "/lists_after/body/4",
            results["ensured_new"]["body"].clone(),
        ),
        ("/rejected_lists/error", json!("Could not fetch lists")),
        ("/rejected_lists/status", json!(401)),
    ];
    for (path, expected) in table {
        assert_eq!(
            results.pointer(path),
            Some(&expected),
            "{path} in {results:#}"
        );
    }
    assert_eq!(emulator.state().product(Product::TrustedForm).refusals, 1);
    assert_eq!(
        emulator.state().product(Product::SuppressionList).refusals,
        1
    );
}
