//! Tests a function of your own without a network: `fake` is a transport that answers as you say.
//!
//! ```text
//! cargo run --example unit_test
//! ```

use activeprospect::blocking::{Client, ClientBuilder};
use activeprospect::{ApiKey, Error, Service, fake};

/// The function to test.
fn count_flows(client: &Client) -> Result<usize, Error> {
    let response = client
        .get(Service::LeadConduit, "/flows")
        .send()?
        .error_for_status()?;
    Ok(response.json::<Vec<serde_json::Value>>()?.len())
}

// In your crate this is a `#[test]`.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let builder = || ApiKey::parse("1234567890").map(|key| ClientBuilder::new().key(key));
    let client = builder()?.build_with(fake(|request| match request.uri().path() {
        "/flows" => (200, "[{}, {}]"),
        _ => (404, "{}"),
    }))?;
    assert_eq!(count_flows(&client)?, 2);

    let client = builder()?.build_with(fake(|_| (503, "")))?;
    assert!(count_flows(&client).is_err_and(|error| error.may_retry()));
    println!("both tests passed");
    Ok(())
}
