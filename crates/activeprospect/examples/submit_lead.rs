//! Submits leads and reads the verdicts. It runs against an emulator of its own:
//!
//! ```text
//! cargo run --example submit_lead
//! ```

use activeprospect::ClientBuilder;
use activeprospect::api::leadconduit::submission::Submit;
use activeprospect::api::{Id, Outcome};
use ap_emulator::Emulator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::start()?;
    // Without a key, since a submission needs none. For the vendor, leave `origins` out too.
    let builder = ClientBuilder::new().origins(emulator.origins());
    let client = builder.build()?;

    let flow = Id::parse("65e0b2000000000000000001")?;
    let source = Id::parse("65e0a1000000000000000004")?;
    for email in ["robin@example.com", ""] {
        let submit = Submit::new(&flow, &source).field("email", email);
        match client.call(submit).await {
            // The status is 201 for each of them.
            Ok(verdict) => match verdict.outcome {
                Outcome::Success => println!("accepted, price {:?}", verdict.price),
                _ => println!("not accepted: {:?}", verdict.reason),
            },
            Err(error) if error.may_have_been_applied() => println!("look for the lead: {error}"),
            Err(error) => println!("not submitted: {error}; {}", error.hint()),
        }
    }
    Ok(())
}
