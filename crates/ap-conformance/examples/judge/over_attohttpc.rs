//! A transport over `attohttpc`, without TLS.

use ap_client::transport::{
    FnTransport, TransportConfig, TransportError, TransportErrorKind as Kind, io_error,
    response_head,
};
use attohttpc::{Error, ErrorKind, ProxySettings, RequestBuilder};

pub(crate) fn connect(config: &TransportConfig) -> Result<FnTransport, TransportError> {
    Ok(FnTransport::new(config, |call| {
        let uri = call.request.uri().to_string();
        let method = call.request.method().clone();
        let mut builder = RequestBuilder::try_new(method, uri).map_err(error)?;
        builder = builder
            .follow_redirects(false)
            .proxy_settings(ProxySettings::builder().build())
            .max_headers(call.config.max_headers)
            .connect_timeout(call.config.bounded_connect_timeout())
            .timeout(call.time)
            .read_timeout(call.time);
        *builder.headers_mut() = call.request.headers().clone();
        let sent = match call.body() {
            Some(body) => builder.body(attohttpc::body::Bytes(body)).send(),
            None => builder.send(),
        };
        let (status, headers, body) = sent.map_err(error)?.split();
        Ok((response_head(status.as_u16(), &headers)?, body))
    }))
}

fn error(error: Error) -> TransportError {
    TransportError::new(match error.into_kind() {
        ErrorKind::Io(error) => return io_error(error, Kind::Closed),
        ErrorKind::InvalidBaseUrl | ErrorKind::InvalidUrlHost => Kind::Unsendable,
        ErrorKind::InvalidResponse(_) | ErrorKind::Http(_) => Kind::Malformed,
        _ => Kind::Other,
    })
}
