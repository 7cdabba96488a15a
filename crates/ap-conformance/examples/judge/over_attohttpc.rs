//! A transport over `attohttpc`, without TLS.

use ap_client::transport::{
    Clock, Deadline, Moment, Transport, TransportConfig, TransportError, TransportErrorKind,
    announces_empty_body, check_plain_http, io_error, read_response,
};
use attohttpc::{Error, ErrorKind, ProxySettings, RequestBuilder};
use bytes::Bytes;
use http::{Request, Response};

#[derive(Debug)]
pub(crate) struct OverAttohttpc(Clock, TransportConfig);

pub(crate) fn connect(config: &TransportConfig) -> Result<OverAttohttpc, TransportError> {
    Ok(OverAttohttpc(Clock::start(), config.clone()))
}

impl Transport for OverAttohttpc {
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
        let uri = request.uri().to_string();
        let mut builder = RequestBuilder::try_new(request.method().clone(), uri).map_err(error)?;
        builder = builder
            .follow_redirects(false)
            .proxy_settings(ProxySettings::builder().build());
        builder = builder
            .max_headers(self.1.max_headers)
            .connect_timeout(self.1.bounded_connect_timeout());
        if let Some(time) = deadline.begin(self.0.now())? {
            builder = builder.timeout(time).read_timeout(time);
        }
        *builder.headers_mut() = request.headers().clone();
        let sent = if !request.body().is_empty() || announces_empty_body(request.method()) {
            builder.body(attohttpc::body::Bytes(request.body())).send()
        } else {
            builder.send()
        };
        let mut head = Response::new(());
        let (status, headers, body) = sent.map_err(error)?.split();
        (*head.status_mut(), *head.headers_mut()) = (status, headers);
        read_response(&self.1, request.method(), head.into_parts().0, body)
    }
}

fn error(error: Error) -> TransportError {
    TransportError::new(match error.into_kind() {
        ErrorKind::Io(error) => return io_error(error, TransportErrorKind::Closed),
        ErrorKind::InvalidBaseUrl | ErrorKind::InvalidUrlHost => TransportErrorKind::Unsendable,
        ErrorKind::InvalidResponse(_) | ErrorKind::Http(_) => TransportErrorKind::Malformed,
        _ => TransportErrorKind::Other,
    })
}
