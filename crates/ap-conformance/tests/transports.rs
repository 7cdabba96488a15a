//! The two transports of this workspace, judged by every case: the one line that anyone writes.

use ap_core::Connect as _;

#[test]
fn ureq_conforms() {
    ap_conformance::check(ap_ureq::UreqTransport::connect).assert();
}

#[tokio::test]
async fn reqwest_conforms() {
    ap_conformance::check_async(ap_reqwest::ReqwestTransport::connect)
        .await
        .assert();
}
