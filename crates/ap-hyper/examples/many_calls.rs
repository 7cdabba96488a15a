//! Makes many calls at once over a few connections. It runs against an emulator of its own:
//!
//! ```text
//! cargo run -p ap-hyper --example many_calls
//! ```

use ap_emulator::Emulator;
use ap_hyper::ClientBuilder;
use ap_hyper::ap_core::{ApiKey, Service};
use tokio::task::JoinSet;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::start()?;
    let client = ClientBuilder::new()
        .key(ApiKey::parse(emulator.key())?)
        .origins(emulator.origins())
        .build()?;

    let mut calls = JoinSet::new();
    for _ in 0..16 {
        let client = client.clone();
        calls.spawn(async move { client.get(Service::LeadConduit, "/flows").send().await });
    }
    let mut bytes = 0;
    while let Some(call) = calls.join_next().await {
        bytes += call??.error_for_status()?.bytes().len();
    }
    println!("16 calls, {bytes} bytes");
    Ok(())
}
