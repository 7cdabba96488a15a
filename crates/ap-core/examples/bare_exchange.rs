//! The exchange without a trait of this crate: for an HTTP stack of one's own. The stack here is a
//! dozen lines over `TcpStream`, enough for the listener that answers it; the `loop` is the point.
//!
//! ```text
//! cargo run -p ap-core --example bare_exchange
//! ```
//!
//! calls a listener of its own. To call another one on loopback, set `AP_EXAMPLE_URL` and
//! `ACTIVEPROSPECT_API_KEY`.

#[path = "listener/mod.rs"]
mod listener;

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use ap_core::{Account, Answer, ApiKey, KeyRing, Origin, Origins, Replay, Service, Step};
use http::{Request, StatusCode};

pub(crate) fn call(url: &str, keys: KeyRing) -> Result<(StatusCode, String), Box<dyn Error>> {
    let origin = Origin::parse_loopback(url)?;
    let origins = Origins::vendor().with(Service::LeadConduit, origin)?;
    let account = Account::new(keys, origins);
    let mut request = Request::get(format!("{url}/flows"))
        .header("accept", "application/json")
        .body(())?;

    let mut step = account.begin(&request, Replay::Allowed)?;
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
            // Here a program would ask its secret store, and go on with `need.supply(&keys)`.
            Step::NeedKey(need) => need.resume(),
            Step::Failed(error) => return Err(error.into()),
        }
    }
}

/// HTTP/1.0, so that the end of the connection ends the body. For more than an example, take an HTTP
/// library, or see the example `std_transport`.
fn send(request: &Request<()>) -> Result<(StatusCode, String), Box<dyn Error>> {
    let uri = request.uri();
    let authority = uri.authority().ok_or("no host")?.as_str();
    let mut stream = TcpStream::connect(authority)?;
    write!(
        stream,
        "{} {} HTTP/1.0\r\nhost: {authority}\r\n",
        request.method(),
        uri.path()
    )?;
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
    let new = ApiKey::parse("placeholder-key-2")?;
    let (url, keys) = match std::env::var("AP_EXAMPLE_URL") {
        Ok(url) => (
            url,
            vec![ApiKey::parse(std::env::var("ACTIVEPROSPECT_API_KEY")?)?],
        ),
        // The listener takes the second key alone: the account's key was reset.
        Err(_) => (
            listener::listen(new.clone())?,
            vec![ApiKey::parse("placeholder-key-1")?, new],
        ),
    };
    let (status, body) = call(&url, KeyRing::new(keys)?)?;
    println!("{status}: {body}");
    Ok(())
}
