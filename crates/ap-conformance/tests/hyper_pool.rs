//! The example transport over hyper's pooled client, judged by one test as any transport is.

#[path = "../examples/hyper_pool/transport.rs"]
mod transport;

use ap_client::transport::Connect as _;
use ap_conformance::Suite;

#[tokio::test]
async fn the_pooled_client_of_hyper_conforms() {
    let suite = Suite::builtin().expected_failure(
        "connections/refused-before-the-body",
        "The pool reuses a connection whatever the response was.",
    );
    let suite = suite.unwrap();
    let report = suite.check_async(transport::HyperTransport::connect).await;
    report.assert_strict();
}
