//! Both transports of this workspace pass every case, except for the listed failures that their libraries
//! cause, and every case that both run has the same outcome on both.

#![allow(clippy::unwrap_used)]

use ap_client::transport::Connect as _;
use ap_conformance::{CaseState, Report, Suite};

fn suite(expected_failures: &str) -> Suite {
    Suite::builtin()
        .expected_failures(expected_failures)
        .unwrap()
}

#[tokio::test]
async fn both_transports_conform_and_agree() {
    let ureq = suite(include_str!("../expected-failures/ureq.json"))
        .check(ap_ureq::UreqTransport::connect);
    let reqwest = suite(include_str!("../expected-failures/reqwest.json"))
        .check_async(ap_reqwest::ReqwestTransport::connect)
        .await;
    ureq.assert_strict();
    reqwest.assert_strict();
    let differences: Vec<_> = reqwest
        .disagreements(&ureq)
        .into_iter()
        .map(|id| {
            format!(
                "{id}: reqwest {}, ureq {}",
                kinds(&reqwest, &id),
                kinds(&ureq, &id)
            )
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    // Skipped: 19 cases about the environment; on reqwest three expected failures, on ureq seven cases
    // that drop a future.
    assert_eq!(reqwest.count(CaseState::Passed), 918);
    assert_eq!(ureq.count(CaseState::Passed), 914);
}

fn kinds(report: &Report, id: &str) -> String {
    let case = report.cases().iter().find(|case| case.id() == id);
    case.map_or(String::new(), |case| format!("{:?}", case.kinds()))
}
