//! A tunnel through a proxy (RFC 9110 section 9.3.6).

use ap_client::transport::{Proxy, TransportError, TransportErrorKind};
use bytes::Bytes;
use http::{Method, Request, Uri, header};
use http_body_util::Empty;
use hyper::client::conn::http1::Builder;
use hyper_util::rt::TokioIo;

use crate::stream::Stream;

/// Asks a proxy for a tunnel to the host of a URI, and returns it.
///
/// # Errors
///
/// [`Proxy`](TransportErrorKind::Proxy) for whatever goes wrong.
pub(crate) async fn open(
    proxy: &Proxy,
    stream: Box<dyn Stream>,
    host: &str,
    port: u16,
) -> Result<Box<dyn Stream>, TransportError> {
    let failed =
        |error: hyper::Error| TransportError::new(TransportErrorKind::Proxy).with_source(error);
    let request = request(proxy, host, port)?;
    let handshake = Builder::new().handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(failed)?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(failed)?;
        if response.status().is_success() {
            return Ok(());
        }
        Err(refused("the proxy did not open a tunnel"))
    };
    // The connection is over for hyper as soon as it is a tunnel.
    let tunnel = async { connection.without_shutdown().await.map_err(failed) };
    let ((), parts) = tokio::try_join!(answer, tunnel)?;
    if !parts.read_buf.is_empty() {
        return Err(refused(
            "bytes came through the tunnel before any were sent",
        ));
    }
    Ok(parts.io.into_inner())
}

fn refused(why: &'static str) -> TransportError {
    TransportError::new(TransportErrorKind::Proxy).with_source(why)
}

fn request(proxy: &Proxy, host: &str, port: u16) -> Result<Request<Empty<Bytes>>, TransportError> {
    let unsendable =
        |error: http::Error| TransportError::new(TransportErrorKind::Unsendable).with_source(error);
    let target = format!("{host}:{port}");
    let uri = Uri::builder().authority(target.as_str()).build();
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .uri(uri.map_err(unsendable)?)
        .header(header::HOST, target);
    if let Some(authorization) = proxy.authorization() {
        request = request.header(header::PROXY_AUTHORIZATION, authorization.clone());
    }
    request.body(Empty::new()).map_err(unsendable)
}
