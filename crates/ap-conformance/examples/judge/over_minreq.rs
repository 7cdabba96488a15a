//! A transport over `minreq`, without TLS.

use ap_client::transport::{
    Clock, Deadline, Moment, Transport, TransportConfig, TransportError, TransportErrorKind,
    announces_empty_body, check_plain_http, io_error, read_response, response_head,
};
use bytes::Bytes;
use http::{Request, Response};
use minreq::{Error, Method};

#[derive(Debug)]
pub(crate) struct OverMinreq(Clock, TransportConfig);

pub(crate) fn connect(config: &TransportConfig) -> Result<OverMinreq, TransportError> {
    Ok(OverMinreq(Clock::start(), config.clone()))
}

impl Transport for OverMinreq {
    fn now(&self) -> Moment {
        self.0.now()
    }

    fn sleep_until(&self, moment: Moment) {
        self.0.sleep_until(moment);
    }

    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        check_plain_http(request.uri())?;
        let method = Method::Custom(request.method().to_string());
        let mut library = minreq::Request::new(method, request.uri().to_string())
            .with_follow_redirects(false)
            .with_max_headers_size(self.1.max_header_size);
        if let Some(time) = deadline.begin(self.0.now())? {
            // It counts whole seconds.
            library = library.with_timeout(time.as_secs().max(1));
        }
        for (name, value) in request.headers() {
            let value = value
                .to_str()
                .map_err(|_| TransportError::new(TransportErrorKind::Unsendable))?;
            library = library.with_header(name.as_str(), value);
        }
        if !request.body().is_empty() || announces_empty_body(request.method()) {
            library = library.with_body(request.body().clone());
        }
        let response = library.send_lazy().map_err(error)?;
        let headers = response.headers.iter().map(|(name, value)| (name, value));
        let head = response_head(response.status_code, headers)?;
        read_response(&self.1, request.method(), head, response)
    }
}

fn error(error: Error) -> TransportError {
    TransportError::new(match error {
        Error::IoError(error) => return io_error(error, TransportErrorKind::Closed),
        Error::AddressNotFound => TransportErrorKind::Dns,
        Error::HeadersOverflow | Error::StatusLineOverflow => TransportErrorKind::TooLarge,
        _ => TransportErrorKind::Malformed,
    })
}
