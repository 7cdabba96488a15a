//! Reads the body of a response: of a known length, or in chunks (RFC 9112 section 7.1).

use ap_client::transport::{TransportErrorKind, body_capacity};
use memchr::memchr;
use ureq::Error;
use ureq::unversioned::transport::{NextTimeout, Transport as UreqLayer};

use crate::error::{through_ureq, ureq_error};

use super::chunked::{self, Parsed, Trailer};
use super::reading::read_more;

/// The longest line with the size of a chunk, the longest extensions of all chunks, and the longest trailers, in bytes.
const MAX_LINES: usize = 16 * 1024;

const MAX_TRAILERS: usize = 100;

/// How much of an incomplete line is looked at: more than the digits of any size.
const BEGINNING: usize = 20;

/// Reads a body of this length.
pub(super) fn read_exactly(
    inner: &mut impl UreqLayer,
    length: usize,
    timeout: NextTimeout,
) -> Result<Vec<u8>, Error> {
    let mut body = Vec::with_capacity(body_capacity(Some(length as u64)));
    read_into(inner, &mut body, length, timeout)?;
    Ok(body)
}

/// Reads a chunked body up to its end. At most `max` bytes of it are allowed.
pub(super) fn read_chunks(
    inner: &mut impl UreqLayer,
    max: usize,
    timeout: NextTimeout,
) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    let mut extensions: usize = 0;
    loop {
        let (length, size) = read_line(inner, MAX_LINES, chunked::size, timeout)?;
        extensions += length.saturating_sub(BEGINNING);
        if extensions > MAX_LINES {
            return Err(too_long());
        }
        if size == 0 {
            read_trailers(inner, timeout)?;
            return Ok(body);
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size > max - body.len() {
            return Err(ureq_error(
                TransportErrorKind::TooLarge,
                "the chunks are larger than allowed",
            ));
        }
        read_into(inner, &mut body, size, timeout)?;
        read_line(inner, MAX_LINES, chunked::end_of_data, timeout)?;
    }
}

/// Reads bytes of the body.
fn read_into(
    inner: &mut impl UreqLayer,
    body: &mut Vec<u8>,
    mut count: usize,
    timeout: NextTimeout,
) -> Result<(), Error> {
    loop {
        let buffers = inner.buffers();
        let input = buffers.input();
        let available = input.len().min(count);
        body.extend_from_slice(&input[..available]);
        buffers.input_consume(available);
        count -= available;
        if count == 0 {
            return Ok(());
        }
        read_more(inner, timeout)?;
    }
}

/// Reads the trailers after the last chunk, with the empty line that ends the body.
fn read_trailers(inner: &mut impl UreqLayer, timeout: NextTimeout) -> Result<(), Error> {
    let mut room = MAX_LINES;
    for _ in 0..=MAX_TRAILERS {
        let (length, line) = read_line(inner, room, chunked::trailer, timeout)?;
        if line == Trailer::End {
            return Ok(());
        }
        room -= length;
    }
    Err(too_long())
}

/// Reads a line of at most `max` bytes, and returns its length and what `parse` makes of it.
///
/// A server may send it byte by byte, so each byte is searched once for the line feed.
fn read_line<T>(
    inner: &mut impl UreqLayer,
    max: usize,
    parse: fn(&[u8]) -> Parsed<T>,
    timeout: NextTimeout,
) -> Result<(usize, T), Error> {
    let mut searched = 0;
    loop {
        let buffers = inner.buffers();
        let input = buffers.input();
        let line_feed = memchr(b'\n', &input[searched..]).map(|at| searched + at);
        let length = line_feed.map_or(input.len(), |at| at + 1);
        if length > max {
            return Err(too_long());
        }
        let known = match line_feed {
            Some(_) => length,
            None => length.min(BEGINNING),
        };
        if let Some(value) = parse(&input[..known]).map_err(through_ureq)? {
            buffers.input_consume(length);
            return Ok((length, value));
        }
        searched = length;
        read_more(inner, timeout)?;
    }
}

fn too_long() -> Error {
    ureq_error(
        TransportErrorKind::Malformed,
        "a line of the chunked body is too long",
    )
}
