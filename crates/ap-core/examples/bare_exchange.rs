//! Drives the exchange over an HTTP stack of your own, without a client.
//!
//! The stack here is a few lines over `TcpStream`, just enough for the listener of this example; the `loop` in
//! `call` is what your program needs. The listener accepts the second of two keys alone, as after a key reset.
//!
//! ```text
//! cargo run -p ap-core --example bare_exchange
//! ```

#[path = "listener/mod.rs"]
pub(crate) mod listener;

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use ap_core::exchange::{Answer, Resend, Step};
use ap_core::{Account, ApiKey, KeyRing, Origin, Origins, Service};
use http::{Request, StatusCode};

pub(crate) fn call(url: &str, keys: KeyRing) -> Result<(StatusCode, String), Box<dyn Error>> {
    let origin = Origin::parse_loopback(url)?;
    let account = Account::new(keys, Origins::vendor().with(Service::LeadConduit, origin)?);
    let mut request = Request::get(format!("{url}/flows"))
        .header("accept", "application/json")
        .body(())?;

    let mut step = account.begin(&request, Resend::Allowed)?;
    loop {
        step = match step {
            Step::Send(attempt) => {
                attempt.sign(&mut request)?;
                let (status, body) = send(&request)?;
                match attempt.answered(status, body.as_bytes()) {
                    Answer::Final => return Ok((status, body)),
                    Answer::Next(step) => step,
                }
            }
            // A program with a secret store asks it here, and continues with `need.supply(&keys)`.
            Step::NeedKey(need) => need.resume(),
            Step::Failed(error) => return Err(error.into()),
        }
    }
}

/// Uses HTTP/1.0, so that the end of the connection ends the body. Use an HTTP library in a program.
fn send(request: &Request<()>) -> Result<(StatusCode, String), Box<dyn Error>> {
    let uri = request.uri();
    let authority = uri.authority().ok_or("no host")?.as_str();
    let mut stream = TcpStream::connect(authority)?;
    let (method, path) = (request.method(), uri.path());
    write!(stream, "{method} {path} HTTP/1.0\r\nhost: {authority}\r\n")?;
    for (name, value) in request.headers() {
        write!(stream, "{name}: {}\r\n", value.to_str()?)?;
    }
    stream.write_all(b"\r\n")?;

    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or("no head")?;
    let code = head.split(' ').nth(1).ok_or("no status")?;
    Ok((code.parse()?, body.to_owned()))
}

fn main() -> Result<(), Box<dyn Error>> {
    let old = ApiKey::parse("placeholder-key-1")?.with_label("old");
    let new = ApiKey::parse("placeholder-key-2")?.with_label("new");
    let url = listener::listen(new.clone())?;
    let (status, body) = call(&url, KeyRing::new([old, new])?)?;
    println!("{status}: {body}");
    Ok(())
}
