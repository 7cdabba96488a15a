//! The transport passes the conformance suite.

use ap_conformance::{CaseState, Suite};
use ap_hyper::HyperTransport;
use ap_hyper::ap_client::transport::Connect as _;

#[tokio::test]
async fn the_transport_passes_every_case() {
    let report = Suite::builtin()
        .jobs(6)
        .check_async(HyperTransport::connect)
        .await;
    report.assert_strict();
    // The rest: 20 cases about the environment need a process of their own.
    assert_eq!(report.count(CaseState::Passed), 1009);
}
