//! A transport over `minreq`, without TLS, and a program that judges it: `cargo run --example over_minreq`.
//!
//! To judge a transport over your own HTTP library, copy this file, and put your library in the place of `minreq`.

use ap_client::transport::{
    FnTransport, TransportConfig, TransportError, TransportErrorKind as Kind, library_error,
    response_head,
};
use ap_conformance::{Capability, ChoiceError, Profile, Suite};
use minreq::{Error, Method};

fn main() -> Result<(), ChoiceError> {
    let suite = Suite::builtin()
        .profile(Profile::KeySafety)
        .jobs(8)
        .without(Capability::ConnectionReuse, "it opens a new one each time")?
        .without(Capability::Proxy, "it connects directly")?
        .without(Capability::Tls, "it is built without TLS")?;
    println!("{}", suite.check(connect));
    Ok(())
}

pub(crate) fn connect(config: &TransportConfig) -> Result<FnTransport, TransportError> {
    Ok(FnTransport::new(config, |call| {
        let method = Method::Custom(call.request.method().to_string());
        let mut request = minreq::Request::new(method, call.request.uri().to_string())
            .with_follow_redirects(false)
            .with_max_headers_size(call.config.max_header_size)
            .with_timeout(call.time.as_secs().max(1)); // it counts whole seconds
        for (name, value) in call.text_headers()? {
            request = request.with_header(name, value);
        }
        if let Some(body) = call.body() {
            request = request.with_body(body.clone());
        }
        let response = request.send_lazy().map_err(error)?;
        let headers = response.headers.iter().map(|(name, value)| (name, value));
        Ok((response_head(response.status_code, headers)?, response))
    }))
}

fn error(error: Error) -> TransportError {
    let kind = match error {
        Error::AddressNotFound => Kind::Dns,
        Error::HeadersOverflow | Error::StatusLineOverflow => Kind::TooLarge,
        Error::IoError(_) => Kind::Other,
        _ => Kind::Malformed,
    };
    library_error(&error, Kind::Closed, kind)
}
