//! Calls the emulator as a program calls the vendor, and takes it through a key reset.
//!
//! ```console
//! $ cargo run -p ap-emulator --example test_against_emulator
//! ```

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;

use ap_emulator::{Emulator, Product};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

fn main() -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::start()?;
    let url = emulator.url(Product::LeadConduit);
    let old_key = emulator.key();

    let response = list_flows(url, &old_key)?;
    println!("{response}\n");
    assert!(response.starts_with("HTTP/1.1 200 "));

    // The vendor brings a new key to a product only when somebody logs in to it.
    let new_key = emulator.reset();
    println!("after a reset: {}", status_line(url, &old_key)?);
    emulator.login(Product::LeadConduit);
    println!("after a login: {}", status_line(url, &old_key)?);
    println!("with the new key: {}", status_line(url, &new_key)?);

    let counts = emulator.state().product(Product::LeadConduit);
    assert_eq!((counts.acceptances, counts.refusals), (3, 1));
    Ok(())
}

/// The function under test. Yours takes the URL and the key from its configuration.
fn list_flows(url: &str, key: &str) -> Result<String, Box<dyn Error>> {
    let host = url.trim_start_matches("http://");
    let credentials = STANDARD.encode(format!("X:{key}"));
    let mut stream = TcpStream::connect(host)?;
    write!(
        stream,
        "GET /flows HTTP/1.1\r\n\
         Host: {host}\r\n\
         Authorization: Basic {credentials}\r\n\
         Accept: application/json\r\n\
         Connection: close\r\n\r\n"
    )?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    Ok(response)
}

fn status_line(url: &str, key: &str) -> Result<String, Box<dyn Error>> {
    let response = list_flows(url, key)?;
    Ok(response.lines().next().unwrap_or_default().to_owned())
}
