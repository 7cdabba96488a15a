//! The two transports of this workspace, judged by every case: one line for anyone's, and here the
//! exceptions besides, for what their libraries cannot keep.

use ap_conformance::Suite;
use ap_core::Connect as _;

fn suite(exceptions: &str) -> Suite {
    let exceptions: Vec<serde_json::Value> = serde_json::from_str(exceptions).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    exceptions.iter().fold(Suite::builtin(), |suite, one| {
        suite
            .skip(&text(&one["id"]), &text(&one["reason"]))
            .unwrap()
    })
}

#[test]
fn ureq_conforms() {
    suite(include_str!("../exceptions/ureq.json"))
        .check(ap_ureq::UreqTransport::connect)
        .assert_strict();
}

#[tokio::test]
async fn reqwest_conforms() {
    suite(include_str!("../exceptions/reqwest.json"))
        .check_async(ap_reqwest::ReqwestTransport::connect)
        .await
        .assert_strict();
}
