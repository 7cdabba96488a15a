//! A complete blocking transport over nothing but the standard library.
//!
//! `transport.rs` is the transport, `http1.rs` what an HTTP library would do. It sends one request once, follows
//! nothing, keeps every limit and the deadline, and never takes a part of a body for the whole. The standard
//! library has no TLS, so this transport sends plain http to loopback only.
//!
//! ```text
//! cargo run -p ap-client --example std_transport
//! ```
//!
//! The example calls a listener of its own. To call another one, such as `ap emulate`, set `AP_EXAMPLE_URL`
//! and `ACTIVEPROSPECT_API_KEY`.

mod http1;
pub(crate) mod listener;
mod transport;

use std::error::Error as StdError;

use ap_client::transport::TransportConfig;
use ap_client::{Blocking, ClientBuilder};
use ap_core::{ApiKey, KeyRing, Origin, Origins, Response, Service};

pub(crate) use transport::connect;

/// Makes a call, which looks the same on every transport.
pub(crate) fn call(url: &str, keys: KeyRing) -> Result<Response, Box<dyn StdError>> {
    let origin = Origin::parse_loopback(url)?;
    let client = ClientBuilder::<Blocking>::new()
        .keys(keys)
        .origins(Origins::vendor().with(Service::LeadConduit, origin)?)
        .build_with(connect(&TransportConfig::new())?)?;
    Ok(client
        .get(Service::LeadConduit, "/flows")
        .send()?
        .error_for_status()?)
}

fn main() -> Result<(), Box<dyn StdError>> {
    let new = ApiKey::parse("placeholder-key-2")?;
    let (url, keys) = match std::env::var("AP_EXAMPLE_URL") {
        Ok(url) => (
            url,
            vec![ApiKey::parse(std::env::var("ACTIVEPROSPECT_API_KEY")?)?],
        ),
        // The account's key was reset: the listener accepts the second key only.
        Err(_) => (
            listener::listen(new.clone())?,
            vec![ApiKey::parse("placeholder-key-1")?, new],
        ),
    };
    let response = call(&url, KeyRing::new(keys)?)?;
    println!("{}: {}", response.status(), response.text()?);
    Ok(())
}
