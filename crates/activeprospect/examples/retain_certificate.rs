//! Retains certificates, and acts on the outcome. It runs against an emulator of its own:
//!
//! ```text
//! cargo run --example retain_certificate
//! ```

use activeprospect::ApiKey;
use activeprospect::api::Outcome;
use activeprospect::api::trustedform::certificates::{CertificateId, MatchLead, Retain, Run};
use activeprospect::blocking::ClientBuilder;
use ap_emulator::Emulator;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::start()?;
    // For your account: `let client = activeprospect::blocking::client_from_env()?;`
    let key = ApiKey::parse(emulator.key())?;
    let builder = ClientBuilder::new().key(key);
    let client = builder.origins(emulator.origins()).build()?;

    // The URL comes with the lead. The last one is that of an expired certificate.
    let [good, expired] =
        ["65e0e501", "65e0e503"].map(|start| format!("https://cert.trustedform.com/{start:0<40}"));
    for (url, email) in [
        (&good, "robin@example.com"),
        (&good, "somebody@example.com"),
        (&expired, "robin@example.com"),
    ] {
        let run = Run::new(CertificateId::from_url(url)?)
            .match_lead(MatchLead::new().email(email))
            .retain(Retain::new().reference("lead 17"));
        let results = client.call(run)?;
        // The outcome decides, not the status of the response.
        match (&results.outcome, &results.reason) {
            (Outcome::Success, _) => println!("retained"),
            (_, reason) if results.is_retained() => println!("retained, but: {reason:?}"),
            (_, reason) => println!("not retained: {reason:?}"),
        }
    }
    Ok(())
}
