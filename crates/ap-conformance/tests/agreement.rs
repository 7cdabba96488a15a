//! Whether a caller uses the async transport or the blocking one makes no difference: every case that
//! both run has the same outcome on both.

use ap_core::Connect as _;

#[tokio::test]
async fn both_transports_give_the_same_outcomes() {
    let blocking = std::thread::spawn(|| ap_conformance::check(ap_ureq::UreqTransport::connect));
    let reqwest = ap_conformance::check_async(ap_reqwest::ReqwestTransport::connect).await;
    let ureq = blocking.join().unwrap();
    let differences = reqwest.disagreements(&ureq);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
