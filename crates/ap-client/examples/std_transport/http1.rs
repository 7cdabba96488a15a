//! As much of HTTP/1.1 as the transport needs: what an HTTP library would do.

use std::io::{self, BufRead, Read, Write};

use ap_client::transport::{TransportConfig, TransportError, TransportErrorKind as Kind, io_error};
use bytes::Bytes;
use http::header::TRANSFER_ENCODING;
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version};

/// The longest line of a chunk, with its extensions.
const MAX_CHUNK_LINE: usize = 1_024;

pub(crate) fn write_request(
    mut stream: impl Write,
    request: &Request<Bytes>,
    headers: &HeaderMap,
) -> io::Result<()> {
    let uri = request.uri();
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let mut head = format!("{} {target} HTTP/1.1\r\n", request.method()).into_bytes();
    for (name, value) in headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
    let body = request.body();
    if !body.is_empty() {
        write!(head, "content-length: {}\r\n", body.len())?;
    }
    head.extend_from_slice(b"connection: close\r\n\r\n");
    stream.write_all(&head)?;
    stream.write_all(body)
}

/// Reads the head of a response. Informational responses before it are skipped, and share its limit.
pub(crate) fn read_head(
    input: &mut impl BufRead,
    config: &TransportConfig,
) -> Result<Parts, TransportError> {
    let mut limit = config.max_header_size;
    loop {
        let head = read_one_head(input, config.max_headers, &mut limit)?;
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(TransportError::new(Kind::Malformed)); // nobody asked for it
        }
        if !head.status.is_informational() {
            return Ok(head);
        }
    }
}

fn read_one_head(
    input: &mut impl BufRead,
    max_headers: usize,
    limit: &mut usize,
) -> Result<Parts, TransportError> {
    let malformed = || TransportError::new(Kind::Malformed);
    // A connection that ends before the first byte has no response at all.
    match input.fill_buf() {
        Ok([]) => return Err(TransportError::new(Kind::Closed)),
        Ok(_) => {}
        Err(error) => return Err(io_error(error, Kind::Closed)),
    }
    let mut head = Response::new(());
    (*head.version_mut(), *head.status_mut()) =
        parse_status_line(&read_head_line(input, limit)?).ok_or_else(malformed)?;
    loop {
        let line = read_head_line(input, limit)?;
        if line.is_empty() {
            return Ok(head.into_parts().0);
        }
        if head.headers().len() == max_headers {
            return Err(TransportError::new(Kind::TooLarge));
        }
        // A name ends at its colon, without a space. So a folded line has no name, and fails here.
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = line.split_at(colon.ok_or_else(malformed)?);
        let name = HeaderName::from_bytes(name).map_err(|_| malformed())?;
        let value = HeaderValue::from_bytes(value[1..].trim_ascii());
        head.headers_mut()
            .append(name, value.map_err(|_| malformed())?);
    }
}

/// Parses `HTTP/1.1 200 OK`.
fn parse_status_line(line: &[u8]) -> Option<(Version, StatusCode)> {
    let (version, rest) = match line.strip_prefix(b"HTTP/1.")? {
        [b'0', b' ', rest @ ..] => (Version::HTTP_10, rest),
        [b'1', b' ', rest @ ..] => (Version::HTTP_11, rest),
        _ => return None,
    };
    match rest {
        [_, _, _] | [_, _, _, b' ', ..] => {
            Some((version, StatusCode::from_bytes(rest.get(..3)?).ok()?))
        }
        _ => None,
    }
}

fn read_head_line(input: &mut impl BufRead, limit: &mut usize) -> Result<Vec<u8>, TransportError> {
    let line = read_line(input, limit).map_err(|error| io_error(error, Kind::Truncated))?;
    line.ok_or_else(|| TransportError::new(Kind::TooLarge))
}

/// Reads a line without its end, or `None` if it is longer than the limit. The end counts too.
fn read_line(input: &mut impl BufRead, limit: &mut usize) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    *limit -= input.take(*limit as u64).read_until(b'\n', &mut line)?;
    match line.strip_suffix(b"\r\n") {
        Some(text) => Ok(Some(text.to_vec())),
        None if line.ends_with(b"\n") => Err(io::ErrorKind::InvalidData.into()),
        None if *limit == 0 => Ok(None),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Reads the content of a body: as it comes, or without the marks of its chunks.
pub(crate) struct Body<R> {
    input: R,
    /// The bytes that are left in this chunk; `None` if the body is not chunked.
    chunk: Option<u64>,
    is_first: bool,
    is_over: bool,
    trailers: usize,
}

impl<R: BufRead> Body<R> {
    /// `trailers` is the limit for the lines after the last chunk.
    pub(crate) fn of(head: &Parts, input: R, trailers: usize) -> Self {
        Self {
            input,
            chunk: head.headers.get(TRANSFER_ENCODING).map(|_| 0),
            is_first: true,
            is_over: false,
            trailers,
        }
    }

    /// Reads the line of a chunk, and of the last one the trailers, which are dropped.
    fn next_chunk(&mut self) -> io::Result<u64> {
        let invalid = || io::Error::from(io::ErrorKind::InvalidData);
        let mut line = || read_line(&mut self.input, &mut { MAX_CHUNK_LINE });
        if !self.is_first && line()?.is_none_or(|line| !line.is_empty()) {
            return Err(invalid());
        }
        self.is_first = false;
        let line = line()?.ok_or_else(invalid)?;
        let size = line.split(|byte| *byte == b';').next().unwrap_or_default();
        let size = std::str::from_utf8(size).unwrap_or_default().trim_end();
        if !size.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(invalid());
        }
        let size = u64::from_str_radix(size, 16).map_err(|_| invalid())?;
        if size == 0 {
            self.is_over = true;
            while !read_line(&mut self.input, &mut self.trailers)?
                .ok_or_else(invalid)?
                .is_empty()
            {}
        }
        Ok(size)
    }
}

impl<R: BufRead> Read for Body<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(chunk) = self.chunk else {
            return self.input.read(buffer);
        };
        if self.is_over || buffer.is_empty() {
            return Ok(0);
        }
        let left = match chunk {
            0 => self.next_chunk()?,
            left => left,
        };
        let read = self.input.by_ref().take(left).read(buffer)?;
        if read == 0 && left > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.chunk = Some(left - read as u64);
        Ok(read)
    }
}
