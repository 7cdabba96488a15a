//! Exports yesterday's events, one line of JSON each. It runs against an emulator of its own:
//!
//! ```text
//! cargo run --example export_events
//! ```

use std::io::Write as _;

use activeprospect::ApiKey;
use activeprospect::api::leadconduit::events;
use activeprospect::blocking::ClientBuilder;
use ap_emulator::Emulator;
use jiff::{SignedDuration, Timestamp};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().events(10_000).start()?; // of the last 90 days
    // For your account: `let client = activeprospect::blocking::client_from_env()?;`
    let key = ApiKey::parse(emulator.key())?;
    let builder = ClientBuilder::new().key(key);
    let client = builder.origins(emulator.origins()).build()?;

    let now = Timestamp::now().as_second();
    let midnight = Timestamp::from_second(now - now % 86_400)?; // UTC
    let yesterday = events::List::new()
        .start(midnight - SignedDuration::from_hours(24))
        .end(midnight - SignedDuration::from_millis(1));
    let path = std::env::temp_dir().join("events.jsonl");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path)?);
    let mut count = 0;
    for event in client.items(yesterday.limit(1_000)) {
        writeln!(file, "{}", serde_json::to_string(&event?)?)?;
        count += 1;
    }
    file.flush()?;
    println!("wrote {count} events to {}", path.display());
    Ok(())
}
