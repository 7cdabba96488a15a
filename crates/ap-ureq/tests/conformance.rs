//! The transport passes the conformance suite, without exceptions.

use ap_client::transport::Connect as _;
use ap_conformance::{CaseState, Suite};
use ap_ureq::UreqTransport;

#[test]
fn the_transport_passes_every_case() {
    let report = Suite::builtin().jobs(6).check(UreqTransport::connect);
    report.assert_strict();
    // The rest: 20 cases about the environment need a process of their own, seven drop a future.
    assert_eq!(report.count(CaseState::Passed), 1002);
}
