//! Lists flows, and tells errors apart. It runs against an emulator of its own:
//!
//! ```text
//! cargo run --example list_flows
//! ```

use std::time::Duration;

use activeprospect::blocking::ClientBuilder;
use activeprospect::{ApiKey, Product, Service};
use ap_emulator::{Emulator, Fault};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::start()?;
    // For your account: `let client = activeprospect::blocking::client_from_env()?;`
    let key = ApiKey::parse(emulator.key())?;
    let builder = ClientBuilder::new().key(key);
    let client = builder.origins(emulator.origins()).build()?;

    let wait = Duration::from_secs(5);
    emulator.fault(Fault::too_many_requests(Product::LeadConduit, wait));
    for path in ["/flows", "/flows/0123456789abcdef01234567", "/flows"] {
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
