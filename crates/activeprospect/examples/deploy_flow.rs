//! Changes one flow and deploys it. Members that this version does not know are written back. It runs against an
//! emulator of its own:
//!
//! ```text
//! cargo run --example deploy_flow
//! ```

use activeprospect::ApiKey;
use activeprospect::api::leadconduit::flows::{Deploy, Get, List, Update};
use activeprospect::blocking::ClientBuilder;
use ap_emulator::Emulator;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::start()?;
    // For your account: `let client = activeprospect::blocking::client_from_env()?;`
    let key = ApiKey::parse(emulator.key())?;
    let builder = ClientBuilder::new().key(key);
    let client = builder.origins(emulator.origins()).build()?;

    let flows = client.call(List::new())?;
    let name = "Roof repair, web forms";
    let flow = flows.iter().find(|flow| flow.name == name);
    let id = flow
        .and_then(|flow| flow.id.clone())
        .ok_or("there is no such flow")?;

    let mut flow = client.call(Get::new(&id))?;
    flow.name = "Roof repair, all forms".to_owned();
    let saved = client.call(Update::new(&id, flow))?;
    client.call(Deploy::new(&id))?; // until then, live leads are handled as before
    println!("deployed {:?} with {} steps", saved.name, saved.steps.len());
    Ok(())
}
