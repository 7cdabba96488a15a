//! Goes through a key reset without a failed call. It runs against an emulator of its own:
//!
//! ```text
//! cargo run --example key_reset
//! ```

use activeprospect::{ApiKey, ClientBuilder, KeyRing, Product, Service};
use ap_emulator::Emulator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::start()?;
    let old = ApiKey::parse(emulator.key())?.with_label("old");
    let keys = KeyRing::from_key(old.clone());
    let builder = ClientBuilder::new().keys(keys.clone());
    let client = builder.origins(emulator.origins()).build()?;

    // Somebody resets the key. Both are needed until each product has accepted the new one.
    let new = ApiKey::parse(emulator.reset())?.with_label("new");
    keys.replace([old, new])?;
    for _ in 0..2 {
        let response = client.get(Service::LeadConduit, "/account").send().await?;
        let accepted = keys.preferred(Product::LeadConduit);
        println!("{}, accepted was {accepted:?}", response.status());
        emulator.login(Product::LeadConduit); // LeadConduit accepts only the new key now
    }
    Ok(())
}
