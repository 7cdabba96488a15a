//! A transport over `TcpStream`: a connection for each request, without TLS.

use std::io::BufReader;

use ap_client::transport::{
    Clock, Connect, Deadline, DeadlineStream, Moment, Transport, TransportConfig, TransportError,
    TransportErrorKind, check_request, io_error_kind, read_response,
};
use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, Response};

use super::http1;

/// Opens a connection for each request.
#[derive(Debug)]
pub(crate) struct StdTransport {
    clock: Clock,
    config: TransportConfig,
}

impl Connect for StdTransport {
    fn connect(config: &TransportConfig) -> Result<Self, TransportError> {
        // Loopback has no TLS here and is never proxied, so roots and a proxy are not used.
        Ok(Self {
            clock: Clock::start(),
            config: config.clone(),
        })
    }
}

impl Transport for StdTransport {
    fn now(&self) -> Moment {
        self.clock.now()
    }

    fn sleep_until(&self, moment: Moment) {
        self.clock.sleep_until(moment);
    }

    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        let headers = check_request(request)?;
        let uri = request.uri();
        if uri.scheme() == Some(&Scheme::HTTPS) {
            return Err(TransportError::new(TransportErrorKind::Unsendable)
                .with_source("there is no TLS here"));
        }
        let stream = DeadlineStream::connect(uri, &self.config, self.clock, deadline)?;
        // A server may answer and close before it has read the whole body (RFC 9112 section 9.5). Its
        // response counts for more than the failure to write.
        if let Err(error) = http1::write_request(&stream, request, &headers)
            && let Some(kind @ TransportErrorKind::Timeout) =
                io_error_kind(&error, TransportErrorKind::Closed)
        {
            return Err(TransportError::new(kind));
        }
        let mut input = BufReader::new(&stream);
        let head = http1::read_head(&mut input, &self.config)?;
        let body = http1::Body::of(&head, &mut input, self.config.max_header_size);
        read_response(&self.config, request.method(), head, body)
    }
}
