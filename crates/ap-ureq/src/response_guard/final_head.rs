//! [`FinalHead`]: finds the head of the final response, behind empty lines and informational responses.

use ap_client::transport::{TransportConfig, TransportErrorKind};
use ureq::Error;
use ureq::unversioned::transport::Transport as UreqLayer;

use crate::error::{through_ureq, ureq_error};

use super::head::{self, Head};

/// How many informational responses are skipped before a final one.
const MAX_INFORMATIONAL: usize = 100;

/// The largest head that can be allowed, in bytes: ureq's buffer has to have an upper bound.
const MAX_HEAD: usize = 16 * 1024 * 1024;

/// Room for the part of a head that [`check_head`](ap_client::transport::check_head) does not count, such as
/// the status line.
const STATUS_LINE: usize = 8 * 1024;

/// Returns the size of the input buffer that a guard needs: the largest head has room in it.
pub(crate) fn input_buffer_size(config: &TransportConfig) -> usize {
    const SPARE: usize = 16 * 1024;
    max_head(config) + SPARE
}

fn max_head(config: &TransportConfig) -> usize {
    config.max_header_size.min(MAX_HEAD) + STATUS_LINE
}

/// How far the final head of one response was searched for.
#[derive(Debug, Default)]
pub(super) struct FinalHead {
    /// How many bytes of the next head were already searched for its end.
    searched: usize,
    /// How many informational responses were skipped.
    informational: usize,
    /// How many bytes before the final head were skipped.
    skipped: usize,
}

impl FinalHead {
    /// Returns the final head, as soon as all of it is there. It stays in the buffer.
    pub(super) fn find(
        &mut self,
        inner: &mut impl UreqLayer,
        config: &TransportConfig,
    ) -> Result<Option<Head>, Error> {
        loop {
            let Some(head) = self.next_head(inner, config)? else {
                return Ok(None);
            };
            if !head.is_informational() {
                return Ok(Some(head));
            }
            self.informational += 1;
            self.skip(head.length, inner, config)?;
        }
    }

    /// Returns `true` if the final response has begun.
    pub(super) fn has_begun(
        &mut self,
        inner: &mut impl UreqLayer,
        config: &TransportConfig,
    ) -> Result<bool, Error> {
        let is_complete = self.find(inner, config)?.is_some();
        Ok(is_complete || !head::may_be_informational(inner.buffers().input()))
    }

    fn next_head(
        &mut self,
        inner: &mut impl UreqLayer,
        config: &TransportConfig,
    ) -> Result<Option<Head>, Error> {
        let empty = head::empty_lines(inner.buffers().input());
        self.skip(empty, inner, config)?;
        let input = inner.buffers().input();
        if !head::may_be_response(input) {
            return Err(ureq_error(
                TransportErrorKind::Malformed,
                "this is not an HTTP/1 response",
            ));
        }
        // A parse starts at the beginning of the head, so it waits for the head's end.
        if head::has_end(input, self.searched)
            && let Some(head) = Head::parse(input, config.max_headers).map_err(through_ureq)?
        {
            self.searched = 0;
            return Ok(Some(head));
        }
        if input.len() > max_head(config) {
            return Err(ureq_error(
                TransportErrorKind::TooLarge,
                "the head of the response is larger than allowed",
            ));
        }
        self.searched = input.len();
        Ok(None)
    }

    /// Skips bytes before the final head, within limits.
    fn skip(
        &mut self,
        count: usize,
        inner: &mut impl UreqLayer,
        config: &TransportConfig,
    ) -> Result<(), Error> {
        inner.buffers().input_consume(count);
        self.skipped += count;
        if self.informational > MAX_INFORMATIONAL || self.skipped > config.max_header_size {
            return Err(ureq_error(
                TransportErrorKind::TooLarge,
                "too many informational responses or empty lines before the response",
            ));
        }
        Ok(())
    }
}
