//! A layer between ureq and the connection. It reads each response itself, strictly, and passes it to
//! [`UreqTransport`](crate::UreqTransport) in the call's context. ureq sees only a fixed 204.
//!
//! Nothing that a server sends reaches ureq's parser, decoders, cookie jar or log, so it makes no difference
//! which features of ureq are on.

mod chunked;
mod head;

use std::io;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use ap_client::transport::{TransportConfig, TransportErrorKind, body_capacity, check_head};
use bytes::Bytes;
use http::{Response, StatusCode};
use memchr::memchr;
use ureq::Error;
use ureq::unversioned::transport::{Buffers, NextTimeout, Transport as UreqLayer};

use crate::call_context::{self, Progress};
use crate::error::{through_ureq, ureq_error};
use crate::key_injector;

use self::head::{Framing, Head};

/// What ureq gets in place of a response. This is also what its log shows.
const STAND_IN: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// How many informational responses are skipped before a final one.
const MAX_INFORMATIONAL: usize = 100;

/// The largest head that can be allowed, in bytes: ureq's buffer has to have an upper bound.
const MAX_HEAD: usize = 16 * 1024 * 1024;

/// Room for the part of a head that [`check_head`] does not count, such as the status line.
const STATUS_LINE: usize = 8 * 1024;

/// Returns the size of the input buffer that a guard needs: the largest head has room in it.
pub(crate) fn input_buffer_size(config: &TransportConfig) -> usize {
    const SPARE: usize = 16 * 1024;
    max_head(config) + SPARE
}

fn max_head(config: &TransportConfig) -> usize {
    config.max_header_size.min(MAX_HEAD) + STATUS_LINE
}

/// Wraps a connection to a target, and reads whole responses from it.
#[derive(Debug)]
pub(crate) struct ResponseGuard<In> {
    inner: In,
    config: Arc<TransportConfig>,
    /// What ureq has not read yet of the stand-in.
    stand_in: &'static [u8],
    /// The connection has carried no request yet.
    is_new: bool,
    /// A request was begun, and its response is not complete.
    is_exchanging: bool,
    /// The final response began before the request was sent out.
    is_early: bool,
    /// The connection may carry another request.
    is_reusable: bool,
    /// How many bytes of the next head were already searched for a line feed.
    searched: usize,
    /// How many informational responses this request had, and how many bytes of them were skipped.
    informational: usize,
    skipped: usize,
}

impl<In: UreqLayer> ResponseGuard<In> {
    pub(crate) fn new(inner: In, config: Arc<TransportConfig>) -> Self {
        Self {
            inner,
            config,
            stand_in: &[],
            is_new: true,
            is_exchanging: false,
            is_early: false,
            is_reusable: false,
            searched: 0,
            informational: 0,
            skipped: 0,
        }
    }

    /// Begins a request. Bytes that are here already cannot be its response.
    fn begin(&mut self, timeout: NextTimeout) -> Result<(), Error> {
        let _ = call_context::with(|call| call.progress = Progress::Requested);
        // ureq has just checked that a reused connection is open and silent. With TLS that is not enough:
        // only a read shows decrypted bytes. A new connection was not checked.
        let must_read = mem::take(&mut self.is_new) || self.inner.is_tls();
        if must_read && !self.read_available(timeout)? {
            return Err(ended());
        }
        if !self.input().is_empty() {
            return Err(ureq_error(
                TransportErrorKind::Malformed,
                "the server sent bytes before the request",
            ));
        }
        call_context::take_server_sent_early();
        self.is_exchanging = true;
        self.is_reusable = false;
        self.informational = 0;
        self.skipped = 0;
        Ok(())
    }

    fn input(&mut self) -> &[u8] {
        self.inner.buffers().input()
    }

    fn consume(&mut self, count: usize) {
        self.inner.buffers().input_consume(count);
    }

    /// Reads what is there, without waiting. Returns `false` if the server has ended the connection.
    fn read_available(&mut self, mut timeout: NextTimeout) -> Result<bool, Error> {
        timeout.after = Duration::ZERO.into();
        match self.inner.await_input(timeout) {
            Ok(is_open) => Ok(is_open),
            Err(Error::Timeout(_)) => Ok(true),
            Err(Error::Io(error))
                if matches!(
                    error.kind(),
                    io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
                ) =>
            {
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for more of the response.
    fn read_more(&mut self, timeout: NextTimeout) -> Result<(), Error> {
        if self.inner.await_input(timeout)? {
            Ok(())
        } else {
            Err(ended())
        }
    }

    /// Returns the next head, as soon as all of it is there. It stays in the buffer.
    fn next_head(&mut self) -> Result<Option<Head>, Error> {
        let empty = head::empty_lines(self.input());
        self.skip(empty)?;
        let searched = mem::take(&mut self.searched);
        let (max_head, max_headers) = (max_head(&self.config), self.config.max_headers);
        let input = self.input();
        if !head::may_be_response(input) {
            return Err(ureq_error(
                TransportErrorKind::Malformed,
                "this is not an HTTP/1 response",
            ));
        }
        // Each parse starts at the beginning of the head, so parse again only after a new line has arrived.
        let has_new_line = memchr(b'\n', &input[searched.min(input.len())..]).is_some();
        let seen = input.len();
        if has_new_line && let Some(head) = Head::parse(input, max_headers).map_err(through_ureq)? {
            return Ok(Some(head));
        }
        if seen > max_head {
            return Err(ureq_error(
                TransportErrorKind::TooLarge,
                "the head of the response is larger than allowed",
            ));
        }
        self.searched = seen;
        Ok(None)
    }

    /// Skips informational responses. Returns the head of the final response, which stays in the
    /// buffer, as soon as all of it is there.
    fn final_head(&mut self) -> Result<Option<Head>, Error> {
        loop {
            let Some(head) = self.next_head()? else {
                return Ok(None);
            };
            if !head.is_informational() {
                return Ok(Some(head));
            }
            self.informational += 1;
            self.skip(head.length)?;
        }
    }

    /// Skips bytes before the final head, within limits.
    fn skip(&mut self, count: usize) -> Result<(), Error> {
        self.consume(count);
        self.skipped += count;
        if self.informational > MAX_INFORMATIONAL || self.skipped > self.config.max_header_size {
            return Err(ureq_error(
                TransportErrorKind::TooLarge,
                "too many informational responses or empty lines before the response",
            ));
        }
        Ok(())
    }

    /// Returns `true` if the final response has begun.
    fn has_final_response(&mut self) -> Result<bool, Error> {
        Ok(self.final_head()?.is_some() || !head::may_be_informational(self.input()))
    }

    fn read_response(&mut self, timeout: NextTimeout) -> Result<Response<Bytes>, Error> {
        let head = loop {
            match self.final_head()? {
                Some(head) => break head,
                None => self.read_more(timeout)?,
            }
        };
        self.consume(head.length);
        let framing = call_context::with(|call| {
            check_head(&self.config, &call.method, &head.parts)?;
            call.progress = Progress::HeadReceived;
            // A server can reject a key without reading the body, and end the connection later.
            let may_end = call.has_body && head.parts.status == StatusCode::UNAUTHORIZED;
            Ok((head.framing(&call.method)?, may_end))
        });
        let (framing, may_end) = framing.ok_or_else(no_call)?.map_err(through_ureq)?;
        let body = match framing {
            Framing::Length(length) => self.read_exactly(length, timeout)?,
            Framing::Chunked => self.read_chunks(timeout)?,
        };
        self.is_reusable = head.keeps_connection() && !self.is_early && !may_end;
        Ok(Response::from_parts(head.parts, body.into()))
    }

    fn read_exactly(&mut self, length: usize, timeout: NextTimeout) -> Result<Vec<u8>, Error> {
        let mut body = Vec::with_capacity(body_capacity(Some(length as u64)));
        self.read_into(&mut body, length, timeout)?;
        Ok(body)
    }

    fn read_chunks(&mut self, timeout: NextTimeout) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        loop {
            let size = self.read_part(chunked::size, timeout)?;
            if size == 0 {
                self.read_part(chunked::trailers, timeout)?;
                return Ok(body);
            }
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            if size > self.config.max_body_size - body.len() {
                return Err(ureq_error(
                    TransportErrorKind::TooLarge,
                    "the chunks are larger than allowed",
                ));
            }
            self.read_into(&mut body, size, timeout)?;
            self.read_part(chunked::end_of_data, timeout)?;
        }
    }

    /// Reads bytes of the body.
    fn read_into(
        &mut self,
        body: &mut Vec<u8>,
        mut count: usize,
        timeout: NextTimeout,
    ) -> Result<(), Error> {
        loop {
            let input = self.input();
            let available = input.len().min(count);
            body.extend_from_slice(&input[..available]);
            self.consume(available);
            count -= available;
            if count == 0 {
                return Ok(());
            }
            self.read_more(timeout)?;
        }
    }

    /// Reads a part of a chunked body.
    fn read_part<T>(
        &mut self,
        parse: fn(&[u8]) -> chunked::Parsed<T>,
        timeout: NextTimeout,
    ) -> Result<T, Error> {
        loop {
            let input = self.input();
            if let Some((length, value)) = parse(input).map_err(through_ureq)? {
                self.consume(length);
                return Ok(value);
            }
            if input.len() > chunked::MAX_LENGTH {
                return Err(ureq_error(
                    TransportErrorKind::Malformed,
                    "a line of the chunked body is too long",
                ));
            }
            self.read_more(timeout)?;
        }
    }
}

impl<In: UreqLayer> UreqLayer for ResponseGuard<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if self.is_early {
            // The server has answered: nobody reads the rest.
            return Ok(());
        }
        if !self.is_exchanging {
            self.begin(timeout)?;
        }
        key_injector::transmit(&mut self.inner, amount, timeout)?;
        if call_context::take_server_sent_early() {
            self.read_available(timeout)?;
            self.is_early = self.has_final_response()?;
        }
        Ok(())
    }

    /// Reads the whole response, and gives ureq its stand-in.
    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        if !self.is_exchanging {
            return Ok(false);
        }
        let response = self.read_response(timeout)?;
        self.is_exchanging = false;
        self.stand_in = STAND_IN;
        call_context::with(|call| call.response = Some(response)).ok_or_else(no_call)?;
        Ok(true)
    }

    fn is_open(&mut self) -> bool {
        self.is_reusable && self.input().is_empty() && self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// What ureq sees: the buffer for the request, and the stand-in. The bytes of the server stay below.
impl<In: UreqLayer> Buffers for ResponseGuard<In> {
    fn output(&mut self) -> &mut [u8] {
        self.inner.buffers().output()
    }

    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        self.inner.buffers().tmp_and_output()
    }

    fn input(&self) -> &[u8] {
        self.stand_in
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        &mut []
    }

    fn input_appended(&mut self, _: usize) {}

    fn input_consume(&mut self, amount: usize) {
        self.stand_in = self.stand_in.get(amount..).unwrap_or_default();
    }

    fn can_use_input(&self) -> bool {
        !self.stand_in.is_empty()
    }
}

fn ended() -> Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        "the server ended the connection",
    )
    .into()
}

fn no_call() -> Error {
    ureq_error(
        TransportErrorKind::Other,
        "a connection was used outside of a call",
    )
}

#[cfg(test)]
mod tests {
    use http::Method;
    use ureq::unversioned::transport::LazyBuffers;

    use super::*;
    use crate::call_context::CallContext;
    use crate::error::send_error;

    /// A connection on which these bytes are there to read, some of them before the request.
    #[derive(Debug)]
    struct Scripted {
        buffers: LazyBuffers,
        early: Vec<u8>,
        later: Vec<u8>,
    }

    impl UreqLayer for Scripted {
        fn buffers(&mut self) -> &mut dyn Buffers {
            &mut self.buffers
        }
        fn transmit_output(&mut self, _: usize, _: NextTimeout) -> Result<(), Error> {
            self.early = mem::take(&mut self.later);
            Ok(())
        }
        fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
            let room = self.buffers.input_append_buf();
            let count = room.len().min(self.early.len());
            room[..count].copy_from_slice(&self.early[..count]);
            self.early.drain(..count);
            self.buffers.input_appended(count);
            if count == 0 && timeout.after.is_zero() {
                return Err(Error::Timeout(timeout.reason));
            }
            Ok(count > 0)
        }
        fn is_open(&mut self) -> bool {
            true
        }
    }

    fn guard(early: &str, later: &str) -> ResponseGuard<Scripted> {
        let inner = Scripted {
            buffers: LazyBuffers::new(64, 64),
            early: early.into(),
            later: later.into(),
        };
        ResponseGuard::new(inner, Arc::default())
    }

    fn exchange(guard: &mut ResponseGuard<Scripted>) -> Result<Response<Bytes>, Error> {
        let call = CallContext::new(None, Method::GET, None).enter();
        guard.transmit_output(1, NextTimeout::default())?;
        assert!(!guard.buffers().can_use_input());
        assert!(guard.await_input(NextTimeout::default())?);
        Ok(call.finish().unwrap().response.unwrap())
    }

    #[test]
    fn ureq_sees_a_stand_in_and_nothing_of_the_response() {
        let answer = "HTTP/1.1 404 Not\r\nSet-Cookie: a=b\r\nContent-Length: 4\r\n\r\nbody";
        let mut guard = guard("", answer);
        let response = exchange(&mut guard).unwrap();
        assert_eq!(response.headers()["set-cookie"], "a=b");
        assert_eq!(response.body(), "body");

        let buffers = guard.buffers();
        assert!(buffers.can_use_input());
        assert_eq!(buffers.input(), STAND_IN);
        buffers.input_consume(STAND_IN.len());
        assert!(!buffers.can_use_input());
        assert!(buffers.input().is_empty());
        assert!(guard.is_open());
        assert!(matches!(
            guard.await_input(NextTimeout::default()),
            Ok(false)
        ));
    }

    #[test]
    fn bytes_before_the_request_are_malformed() {
        let answer = "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n";
        let error = exchange(&mut guard(answer, answer)).unwrap_err();
        assert_eq!(send_error(error).kind(), TransportErrorKind::Malformed);
    }

    #[test]
    fn a_connection_with_bytes_after_its_response_is_not_used_again() {
        let mut guard = guard("", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nokHTTP");
        assert_eq!(exchange(&mut guard).unwrap().body(), "ok");
        assert!(!guard.is_open());
    }

    #[test]
    fn empty_lines_without_end_are_too_large() {
        let lines = "\r\n".repeat(TransportConfig::default().max_header_size);
        let error = exchange(&mut guard("", &lines)).unwrap_err();
        assert_eq!(send_error(error).kind(), TransportErrorKind::TooLarge);
    }
}
