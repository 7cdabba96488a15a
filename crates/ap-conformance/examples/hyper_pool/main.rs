//! Checks a transport over hyper's pooled client: `cargo run --example hyper_pool`.

mod transport;

use ap_conformance::check_async;
use ap_core::Connect as _;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let report = check_async(transport::HyperTransport::connect).await;
    print!("{report}");
    report.assert_strict();
}
