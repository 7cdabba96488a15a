//! Sends a JSON body, and acts on each kind of failure. It runs against an emulator of its own:
//!
//! ```text
//! cargo run --example create_flow
//! ```

use activeprospect::blocking::{Client, ClientBuilder};
use activeprospect::{ApiKey, Error, ErrorKind, Service};
use ap_emulator::Emulator;
use serde_json::{Value, json};

fn create_flow(client: &Client, name: &str) -> Result<Value, Error> {
    let request = client
        .post(Service::LeadConduit, "/flows")
        .json(&json!({ "name": name }));
    request.send()?.error_for_status()?.json()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::start()?;
    let client = |key: &str| -> Result<Client, Box<dyn std::error::Error>> {
        let builder = ClientBuilder::new().key(ApiKey::parse(key)?);
        Ok(builder.origins(emulator.origins()).build()?)
    };
    let key = emulator.key();
    for key in [key.as_str(), "not-the-key"] {
        match create_flow(&client(key)?, "My flow") {
            Ok(flow) => println!("created the flow {}", flow["id"]),
            Err(error) => match error.kind() {
                ErrorKind::Auth => println!("{error}; {}", error.hint()),
                _ if error.is_rate_limited() => println!("wait {:?}", error.retry_after()),
                _ if error.may_retry() => println!("try again: {error}"),
                _ => println!("{error}; {}", error.hint()),
            },
        }
    }
    Ok(())
}
