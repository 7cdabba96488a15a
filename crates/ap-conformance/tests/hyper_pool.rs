//! The example transport over hyper's pooled client, judged by one test as any transport is.

#[path = "../examples/hyper_pool/transport.rs"]
mod transport;

use ap_client::transport::Connect as _;

#[tokio::test]
async fn the_pooled_client_of_hyper_conforms() {
    ap_conformance::check_async(transport::HyperTransport::connect)
        .await
        .assert_strict();
}
