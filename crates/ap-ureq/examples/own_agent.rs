//! Sends calls through a `ureq::Agent` of your own. It runs against an emulator of its own:
//!
//! ```text
//! cargo run -p ap-ureq --example own_agent
//! ```

use ap_emulator::Emulator;
use ap_ureq::ap_client::transport::TransportConfig;
use ap_ureq::ap_core::{ApiKey, Service};
use ap_ureq::ureq::Agent;
use ap_ureq::{ClientBuilder, UreqTransport};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::start()?;

    // The agent keeps its connections. What you have to set on it is in the documentation of `from_agent`.
    let config = Agent::config_builder()
        .user_agent("")
        .max_idle_connections(4);
    let agent = Agent::new_with_config(config.build());
    let transport = UreqTransport::from_agent(agent, &TransportConfig::new());

    let client = ClientBuilder::new()
        .key(ApiKey::parse(emulator.key())?)
        .origins(emulator.origins())
        .build_with(transport)?;
    let response = client
        .get(Service::LeadConduit, "/flows")
        .send()?
        .error_for_status()?;
    println!("{}: {} bytes", response.status(), response.bytes().len());
    Ok(())
}
