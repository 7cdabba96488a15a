//! Asks SuppressionList if a phone number may be called. It runs against an emulator of its own:
//!
//! ```text
//! cargo run --example check_phone_number
//! ```

use activeprospect::ApiKey;
use activeprospect::api::ListName;
use activeprospect::api::suppressionlist::{AddItems, Exists};
use activeprospect::blocking::ClientBuilder;
use ap_emulator::Emulator;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::start()?;
    // For your account: `let client = activeprospect::blocking::client_from_env()?;`
    let key = ApiKey::parse(emulator.key())?;
    let builder = ClientBuilder::new().key(key);
    let client = builder.origins(emulator.origins()).build()?;

    let list = ListName::parse("do_not_call")?;
    client.call(AddItems::new(&list, ["5125550100"]))?;
    for number in ["5125550100", "5125550199"] {
        // Only the MD5 of the number leaves this machine. A number that is on no list is no error.
        let answer = client.call(Exists::hashed(&list, number))?;
        match answer.entries.unwrap_or_default().first() {
            Some(entry) => println!("{number}: do not call, since {:?}", entry.added_at),
            None if answer.found => println!("{number}: do not call"),
            None => println!("{number}: you may call"),
        }
    }
    Ok(())
}
