//! A layer between ureq and the connection. It reads each response itself, strictly, and passes it to
//! [`UreqTransport`](crate::UreqTransport) in the call's context. ureq sees only a fixed 204.
//!
//! Nothing that a server sends reaches ureq's parser, decoders, cookie jar or log, so it makes no difference
//! which features of ureq are on.

mod body;
mod chunked;
mod final_head;
mod head;
mod reading;
#[cfg(test)]
mod tests;

use std::mem;
use std::sync::Arc;

use ap_client::transport::{TransportConfig, TransportErrorKind, check_head, may_end_connection};
use bytes::Bytes;
use http::Response;
use ureq::Error;
use ureq::unversioned::transport::{Buffers, NextTimeout, Transport as UreqLayer};

use crate::call_context::{self, Progress};
use crate::error::{through_ureq, ureq_error};
use crate::key_injector;

use self::final_head::FinalHead;
use self::head::Framing;
use self::reading::{ended, read_available, read_more};

pub(crate) use self::final_head::input_buffer_size;

/// What ureq gets in place of a response. This is also what its log shows.
const STAND_IN: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

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
    final_head: FinalHead,
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
            final_head: FinalHead::default(),
        }
    }

    /// Begins a request. Bytes that are here already cannot be its response.
    fn begin(&mut self, timeout: NextTimeout) -> Result<(), Error> {
        let _ = call_context::with(|call| call.progress = Progress::Requested);
        // ureq has just checked that a reused connection is open and silent. With TLS that is not enough:
        // only a read shows decrypted bytes. A new connection was not checked.
        let must_read = mem::take(&mut self.is_new) || self.inner.is_tls();
        if must_read && !read_available(&mut self.inner, timeout)? {
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
        self.final_head = FinalHead::default();
        Ok(())
    }

    fn input(&mut self) -> &[u8] {
        self.inner.buffers().input()
    }

    fn read_response(&mut self, timeout: NextTimeout) -> Result<Response<Bytes>, Error> {
        let head = loop {
            match self.final_head.find(&mut self.inner, &self.config)? {
                Some(head) => break head,
                None => read_more(&mut self.inner, timeout)?,
            }
        };
        self.inner.buffers().input_consume(head.length);
        let framing = call_context::with(|call| {
            check_head(&self.config, &call.method, &head.parts)?;
            call.progress = Progress::HeadReceived;
            let may_end = may_end_connection(head.parts.status, call.has_body);
            Ok((head.framing(&call.method)?, may_end))
        });
        let (framing, may_end) = framing.ok_or_else(no_call)?.map_err(through_ureq)?;
        let body = match framing {
            Framing::Length(length) => body::read_exactly(&mut self.inner, length, timeout)?,
            Framing::Chunked => {
                body::read_chunks(&mut self.inner, self.config.max_body_size, timeout)?
            }
        };
        self.is_reusable = head.keeps_connection() && !self.is_early && !may_end;
        Ok(Response::from_parts(head.parts, body.into()))
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
            read_available(&mut self.inner, timeout)?;
            self.is_early = self.final_head.has_begun(&mut self.inner, &self.config)?;
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

fn no_call() -> Error {
    ureq_error(
        TransportErrorKind::Other,
        "a connection was used outside of a call",
    )
}
