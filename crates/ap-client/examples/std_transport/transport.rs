//! A transport over `TcpStream`: a connection for each request, without TLS.

use std::io::BufReader;

use ap_client::transport::{
    DeadlineStream, FnTransport, OutgoingCall, TransportConfig, TransportError, TransportErrorKind,
    io_error_kind,
};
use http::response::Parts;
use http::uri::Scheme;

use super::http1::{self, Body};

type Input = BufReader<DeadlineStream>;

/// Makes the transport. Loopback has no TLS here and is never proxied, so roots and a proxy are not used.
pub(crate) fn connect(config: &TransportConfig) -> Result<FnTransport, TransportError> {
    Ok(FnTransport::new(config, send))
}

fn send(call: &OutgoingCall<'_>) -> Result<(Parts, Body<Input>), TransportError> {
    if call.request.uri().scheme() == Some(&Scheme::HTTPS) {
        let error = TransportError::new(TransportErrorKind::Unsendable);
        return Err(error.with_source("there is no TLS here"));
    }
    let stream = call.connect()?;
    // A server may answer and close before it has read the whole body (RFC 9112 section 9.5). Its response counts
    // for more than the failure to write.
    if let Err(error) = http1::write_request(&stream, call.request, &call.headers)
        && let Some(kind @ TransportErrorKind::Timeout) =
            io_error_kind(&error, TransportErrorKind::Closed)
    {
        return Err(TransportError::new(kind));
    }
    let mut input = BufReader::new(stream);
    let head = http1::read_head(&mut input, call.config)?;
    let body = Body::of(&head, input, call.config.max_header_size);
    Ok((head, body))
}
