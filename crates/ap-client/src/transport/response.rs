//! [`read_response`]: a response from a head and a reader of its body.

use std::io::{self, Read};

use ap_core::{TransportError, TransportErrorKind};
use bytes::Bytes;
use http::{Method, Response, StatusCode, response};

use super::config::TransportConfig;
use super::framing::{body_capacity, check_head, content_length};
use super::io_error::io_error;

/// Makes the head of a response, for libraries that do not use the crate `http`, or another version of it.
///
/// `headers` are the lines in their order, repeated ones included. The version is HTTP/1.1.
///
/// ```
/// use ap_client::transport::response_head;
///
/// let head = response_head(200, [("Content-Length", "2"), ("X-Tag", "a"), ("X-Tag", "b")])?;
/// assert_eq!(head.headers.get_all("x-tag").iter().count(), 2);
/// assert!(response_head(200, [("X Tag", "a")]).is_err());
/// # Ok::<(), ap_client::transport::TransportError>(())
/// ```
///
/// # Errors
///
/// [`Malformed`](TransportErrorKind::Malformed) if HTTP allows no such status, name or value. The error quotes none
/// of them.
pub fn response_head(
    status: u16,
    headers: impl IntoIterator<Item = (impl AsRef<[u8]>, impl AsRef<[u8]>)>,
) -> Result<response::Parts, TransportError> {
    let mut head = Response::builder().status(status);
    for (name, value) in headers {
        head = head.header(name.as_ref(), value.as_ref());
    }
    let head = head.body(());
    let head = head.map_err(|_| TransportError::new(TransportErrorKind::Malformed))?;
    Ok(head.into_parts().0)
}

/// Checks a response's head by [`check_head`], and reads its body, for libraries that give the body as a reader.
///
/// The reader gives the content: without the marks of chunks, but not decompressed. Nothing is read if the response has no body.
/// If the head announces a length, no more than that is read.
///
/// ```
/// use ap_client::transport::{TransportConfig, TransportErrorKind, read_response};
/// use http::{Method, Response};
///
/// let config = TransportConfig::new();
/// let head = || Response::builder().header("content-length", "5").body(()).map(|head| head.into_parts().0);
/// let response = read_response(&config, &Method::GET, head()?, &b"whole"[..])?;
/// assert_eq!(response.body(), "whole");
///
/// let error = read_response(&config, &Method::GET, head()?, &b"cut"[..]).unwrap_err();
/// assert_eq!(error.kind(), TransportErrorKind::Truncated);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// - The errors of [`check_head`].
/// - [`Truncated`](TransportErrorKind::Truncated) if the body is shorter than the head says.
/// - [`TooLarge`](TransportErrorKind::TooLarge) if it is longer than the settings allow.
/// - The error of the reader, converted by [`io_error`], with the reader's own error as its source. An error that the
///   library made itself is of kind [`Other`](TransportErrorKind::Other): give it the kind that it has, and leave out
///   its text if that can repeat a part of the response.
pub fn read_response(
    config: &TransportConfig,
    method: &Method,
    head: response::Parts,
    body: impl Read,
) -> Result<Response<Bytes>, TransportError> {
    let convert = |error| io_error(error, TransportErrorKind::Truncated);
    read_response_with(config, method, head, body, convert)
}

/// The same, with a conversion of the reader's errors.
pub(super) fn read_response_with(
    config: &TransportConfig,
    method: &Method,
    head: response::Parts,
    body: impl Read,
    convert: impl FnOnce(io::Error) -> TransportError,
) -> Result<Response<Bytes>, TransportError> {
    check_head(config, method, &head)?;
    let has_no_body = *method == Method::HEAD
        || matches!(
            head.status,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        );
    if has_no_body {
        return Ok(Response::from_parts(head, Bytes::new()));
    }
    let announced = content_length(&head.headers);
    let limit = u64::try_from(config.max_body_size).unwrap_or(u64::MAX);
    // One byte more shows that the body is too large.
    let most = announced.unwrap_or_else(|| limit.saturating_add(1));
    let mut whole = Vec::with_capacity(body_capacity(announced));
    let read = body.take(most).read_to_end(&mut whole).map_err(convert)?;
    if announced.is_some_and(|length| length != read as u64) {
        return Err(TransportError::new(TransportErrorKind::Truncated));
    }
    if read > config.max_body_size {
        return Err(TransportError::new(TransportErrorKind::TooLarge));
    }
    Ok(Response::from_parts(head, whole.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if it is read.
    struct Unread;

    impl Read for Unread {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }

    fn head(status: u16, line: (&str, &str)) -> response::Parts {
        let head = Response::builder().status(status).header(line.0, line.1);
        head.body(()).unwrap().into_parts().0
    }

    fn read(
        method: &Method,
        head: response::Parts,
        body: impl Read,
    ) -> Result<usize, TransportErrorKind> {
        let config = TransportConfig::new().max_body_size(4);
        let response = read_response(&config, method, head, body);
        response
            .map(|response| response.body().len())
            .map_err(|error| error.kind())
    }

    #[test]
    fn a_body_is_whole_or_an_error() {
        use TransportErrorKind::{Other, TooLarge, Truncated};
        let chunked = || head(200, ("transfer-encoding", "chunked"));
        let length = |text| head(200, ("content-length", text));
        let get = &Method::GET;
        assert_eq!(read(get, length("4"), &b"four"[..]), Ok(4));
        assert_eq!(read(get, length("4"), &b"four and more"[..]), Ok(4));
        assert_eq!(read(get, length("4"), &b"for"[..]), Err(Truncated));
        assert_eq!(read(get, length("5"), Unread), Err(TooLarge));
        assert_eq!(read(get, length("0"), Unread), Ok(0));
        assert_eq!(read(get, chunked(), &b"four"[..]), Ok(4));
        assert_eq!(read(get, chunked(), &b"fives"[..]), Err(TooLarge));
        assert_eq!(read(get, chunked(), io::repeat(b'x')), Err(TooLarge));
        assert_eq!(read(get, chunked(), Unread), Err(Other));
    }

    #[test]
    fn nothing_is_read_of_a_response_without_a_body() {
        let length = |status| head(status, ("content-length", "4"));
        assert_eq!(read(&Method::HEAD, length(200), Unread), Ok(0));
        assert_eq!(read(&Method::GET, length(204), Unread), Ok(0));
        assert_eq!(read(&Method::GET, length(304), Unread), Ok(0));
    }
}
