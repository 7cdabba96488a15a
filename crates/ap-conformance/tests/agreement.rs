//! Whether a caller uses the async transport or the blocking one makes no difference: every case that
//! both run has the same outcome on both.

use ap_conformance::{CaseState, Report, Suite};
use ap_core::Connect as _;

#[tokio::test]
async fn both_transports_give_the_same_outcomes() {
    // Only what the reqwest side cannot keep may differ.
    let exceptions: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../exceptions/reqwest.json")).unwrap();
    let suite = exceptions.iter().fold(Suite::builtin(), |suite, one| {
        suite
            .skip(one["id"].as_str().unwrap(), "cannot be kept")
            .unwrap()
    });
    let ureq = Suite::builtin().check(ap_ureq::UreqTransport::connect);
    let reqwest = suite
        .check_async(ap_reqwest::ReqwestTransport::connect)
        .await;
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
    assert!(reqwest.count(CaseState::Passed) > 200);
}

fn kinds(report: &Report, id: &str) -> String {
    let case = report.cases().iter().find(|case| case.id() == id);
    case.map_or(String::new(), |case| format!("{:?}", case.kinds()))
}
