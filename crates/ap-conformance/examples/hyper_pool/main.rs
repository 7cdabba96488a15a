//! Checks a transport over hyper's pooled client: `cargo run --example hyper_pool`.

mod transport;

use ap_client::transport::Connect as _;
use ap_conformance::check_async;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let report = check_async(transport::HyperTransport::connect).await;
    print!("{report}");
    report.assert_strict();
}
