//! The vendor's own Node clients work against the emulator, unchanged. npm installs them into a temporary folder.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::{Command, Output};

use activeprospect::Product;
use ap_emulator::Emulator;
use serde_json::{Value, json};
use tempfile::TempDir;

/// If this variable is set, missing clients are a failure.
const NEEDED: &str = "ACTIVEPROSPECT_TESTS_NEED_NODE";
/// The clients, and lodash, which the first one uses without a dependency on it.
const PACKAGES: [&str; 3] = [
    "trustedform-api-client@1.0.8",
    "suppressionlist@0.1.2",
    "lodash@4",
];

/// Installs the clients, or prints which test is skipped and why.
fn clients() -> Option<TempDir> {
    match install() {
        Ok(folder) => Some(folder),
        Err(reason) => {
            assert!(
                std::env::var_os(NEEDED).is_none(),
                "{reason}; {NEEDED} is set"
            );
            let thread = std::thread::current();
            let name = thread.name().unwrap_or("a test");
            // Written past the test runner, which hides the output of passing tests.
            let _ = writeln!(std::io::stderr(), "skipped: {name}: {reason}");
            None
        }
    }
}

fn install() -> Result<TempDir, String> {
    run(Command::new("node").arg("--version"), "node")?;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("package.json"), r#"{"private":true}"#).unwrap();
    let mut npm = Command::new("npm");
    npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund"])
        // Without a network, its own pauses add up to minutes.
        .args([
            "--fetch-retry-mintimeout=500",
            "--fetch-retry-maxtimeout=5000",
        ])
        .arg("--prefer-offline")
        .args(PACKAGES)
        .current_dir(folder.path());
    run(&mut npm, "npm")?;
    Ok(folder)
}

/// Runs a program to its end.
fn run(command: &mut Command, name: &str) -> Result<Output, String> {
    let output = command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!("there is no `{name}` in PATH"),
        _ => format!("`{name}` does not run: {error}"),
    })?;
    match output.status.success() {
        true => Ok(output),
        false => {
            let text = String::from_utf8_lossy(&output.stderr);
            let first = text.lines().find(|line| !line.trim().is_empty());
            Err(format!("`{name}` failed: {}", first.unwrap_or_default()))
        }
    }
}

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
    let output = run(&mut node, "node").unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_vendors_own_node_clients_work_against_the_emulator() {
    let Some(folder) = clients() else {
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
