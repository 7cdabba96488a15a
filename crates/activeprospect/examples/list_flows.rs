//! Lists flows, and tells errors apart. It runs against an emulator of its own:
//!
//! ```text
//! cargo run --example list_flows
//! ```

use activeprospect::blocking::ClientBuilder;
use activeprospect::{ApiKey, Service};
use ap_emulator::Emulator;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::start()?;
    // For your account: `let client = activeprospect::blocking::client_from_env()?;`
    let client = ClientBuilder::new()
        .key(ApiKey::parse(emulator.key())?)
        .origins(emulator.origins())
        .build()?;

    for path in [
        "/flows",
        "/flows/0123456789abcdef01234567",
        "/flows?limit=%FF",
    ] {
        let response = client.get(Service::LeadConduit, path).send()?;
        match response.error_for_status() {
            Ok(response) => {
                let flows: Vec<serde_json::Value> = response.json()?;
                println!("{} flows, the first is {}", flows.len(), flows[0]["name"]);
            }
            Err(error) if error.is_not_found() => println!("there is no such flow"),
            Err(error) => println!("{error}; {}", error.hint()),
        }
    }
    Ok(())
}
