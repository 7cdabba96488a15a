//! Sends calls through `reqwest` clients that you begin to build. It runs against an emulator of its own:
//!
//! ```text
//! cargo run -p ap-reqwest --example own_client
//! ```

use ap_emulator::Emulator;
use ap_reqwest::ap_client::transport::TransportConfig;
use ap_reqwest::ap_core::{ApiKey, Service};
use ap_reqwest::{ClientBuilder, ReqwestTransport, reqwest};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::start()?;

    // The transport overrides the settings that it needs; the rest is yours.
    let new = || reqwest::Client::builder().local_address(emulator_address());
    let transport = ReqwestTransport::from_builder(new, &TransportConfig::new())?;

    let client = ClientBuilder::new()
        .key(ApiKey::parse(emulator.key())?)
        .origins(emulator.origins())
        .build_with(transport)?;
    let response = client
        .get(Service::LeadConduit, "/flows")
        .send()
        .await?
        .error_for_status()?;
    println!("{}: {} bytes", response.status(), response.bytes().len());
    Ok(())
}

/// The emulator only accepts connections from this machine.
fn emulator_address() -> std::net::IpAddr {
    std::net::Ipv4Addr::LOCALHOST.into()
}
