//! Watches over what a connection hears, in the places where the library is too trusting: bytes that
//! were there before the request, interim responses, how large a head may be, where chunks end, and an
//! answer that comes while the request is still on its way.

use std::fmt;
use std::io::{self, ErrorKind};
use std::time::Duration;

use memchr::{memchr, memchr_iter};
use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

use crate::call::{self, End};
use crate::chunks::Chunks;

/// How many interim responses are skipped.
const INTERIM_LIMIT: usize = 100;

/// The last link of a chain of connectors.
#[derive(Debug)]
pub(crate) struct Guard {
    /// Whether the connections to targets go by a proxy. Those to the proxy itself, which are made by this
    /// chain too, are the library's own business.
    pub(crate) is_proxied: bool,
    pub(crate) limits: Limits,
}

/// How large a head may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) lines: usize,
    pub(crate) bytes: usize,
}

impl<In: Transport> Connector<In> for Guard {
    type Out = Guarded<In>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(|inner| Guarded {
            inner,
            limits: self.limits,
            is_guarded: self.is_proxied == details.config.proxy().is_some(),
            is_new: true,
            phase: Phase::Idle,
            interim: 0,
            interim_bytes: 0,
            early: Early::No,
            is_spoiled: false,
        }))
    }
}

#[derive(Debug)]
pub(crate) struct Guarded<In> {
    inner: In,
    limits: Limits,
    is_guarded: bool,
    /// Whether it has served no request yet.
    is_new: bool,
    phase: Phase,
    interim: usize,
    interim_bytes: usize,
    early: Early,
    /// Whether nothing may come after this.
    is_spoiled: bool,
}

#[derive(Debug)]
enum Phase {
    /// Nothing is asked.
    Idle,
    /// The request is on its way, or out, and no final head is whole.
    Head,
    /// The head is whole. The chunks, if there are any.
    Body(Option<Chunks>),
}

/// Whether the answer came before the request was out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Early {
    No,
    /// It did, and the library does not know yet.
    Unread,
    Read,
}

impl<In: Transport> Guarded<In> {
    /// Begins a request: whatever is here by now cannot be its answer.
    fn begin(&mut self, timeout: NextTimeout) -> Result<(), Error> {
        call::begun();
        // A connection that was kept has just been found open, with nothing there to read; but of what
        // is inside TLS only a read tells.
        let must_hear = self.is_new || self.inner.is_tls();
        self.is_new = false;
        if must_hear && !self.hear_now(timeout)? || !self.inner.buffers().input().is_empty() {
            return Err(invalid("bytes came before the request"));
        }
        call::was_interrupted();
        self.phase = Phase::Head;
        self.interim = 0;
        self.interim_bytes = 0;
        Ok(())
    }

    /// Takes in what is here, without waiting. Not, if the other side has ended.
    fn hear_now(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let mut now = timeout;
        now.after = Duration::ZERO.into();
        match self.inner.await_input(now) {
            Ok(heard) => Ok(heard),
            Err(Error::Timeout(_)) => Ok(true),
            Err(Error::Io(error))
                if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) =>
            {
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether nothing more can be heard before the library takes what is here.
    fn is_full(&mut self) -> bool {
        self.inner.buffers().input_append_buf().is_empty()
    }

    fn is_in_chunks(&self) -> bool {
        matches!(self.phase, Phase::Body(Some(_)))
    }

    /// Takes interim responses away, and looks at the head that follows as far as it is here.
    fn look(&mut self) -> Result<(), Error> {
        let limits = self.limits;
        loop {
            let input = self.inner.buffers().input();
            let head = Head::read(input);
            let Some(end) = head.end else {
                // The status line, and the limit.
                return if head.lines > limits.lines.saturating_add(1) {
                    Err(Error::LargeResponseHeader(input.len(), limits.bytes))
                } else {
                    Ok(())
                };
            };
            let status = status(&input[..end]);
            if is_interim(status) {
                self.interim += 1;
                self.interim_bytes += end;
                if self.interim > INTERIM_LIMIT || self.interim_bytes > limits.bytes {
                    return Err(Error::LargeResponseHeader(self.interim_bytes, limits.bytes));
                }
                self.inner.buffers().input_consume(end);
                continue;
            }
            // The status line and the blank one.
            if head.lines > limits.lines.saturating_add(2) {
                return Err(Error::LargeResponseHeader(end, limits.bytes));
            }
            self.is_spoiled |= status == Some(b"101");
            let mut chunks = head.is_chunked.then(Chunks::new);
            if let Some(chunks) = &mut chunks {
                chunks.follow(&input[end..])?;
            }
            self.phase = Phase::Body(chunks);
            return Ok(());
        }
    }
}

impl<In: Transport> Transport for Guarded<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if !self.is_guarded {
            return self.inner.transmit_output(amount, timeout);
        }
        if self.early != Early::No {
            // Answered: nobody reads the rest.
            return Ok(());
        }
        if !matches!(self.phase, Phase::Head) {
            self.begin(timeout)?;
        }
        self.inner.transmit_output(amount, timeout)?;
        if !call::was_interrupted() {
            return Ok(());
        }
        self.hear_now(timeout)?;
        self.look()?;
        if !self.inner.buffers().input().is_empty() {
            self.early = Early::Unread;
            self.is_spoiled = true;
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        if !self.is_guarded {
            return self.inner.await_input(timeout);
        }
        if self.early == Early::Unread {
            self.early = Early::Read;
            return Ok(true);
        }
        let end = End::of(timeout);
        loop {
            let mut left = timeout;
            if !timeout.after.is_not_happening() {
                left.after = end.left().into();
            }
            let before = self.inner.buffers().input().len();
            let heard = match self.inner.await_input(left) {
                Err(Error::Io(error)) if self.is_in_chunks() && is_broken(&error) => {
                    return Err(cut());
                }
                heard => heard?,
            };
            match &mut self.phase {
                Phase::Idle => return Ok(heard),
                Phase::Head => {
                    self.look()?;
                    let is_ending =
                        matches!(&self.phase, Phase::Body(Some(chunks)) if chunks.is_ending());
                    let has_some = !self.inner.buffers().input().is_empty();
                    if !heard || has_some && (!is_ending || self.is_full()) {
                        return Ok(heard);
                    }
                }
                Phase::Body(None) => return Ok(heard),
                Phase::Body(Some(chunks)) => {
                    if !heard && !chunks.is_over() {
                        return Err(cut());
                    }
                    chunks.follow(&self.inner.buffers().input()[before..])?;
                    // The library would take the last chunk for the end, and not look behind it.
                    let is_ending = chunks.is_ending();
                    if !heard || !is_ending || self.is_full() {
                        return Ok(heard);
                    }
                }
            }
        }
    }

    fn is_open(&mut self) -> bool {
        !self.is_spoiled && self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// That the response ended early, also where the library is still at its head.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the last chunk or what ends it is missing")
    }
}

impl std::error::Error for Cut {}

fn cut() -> Error {
    Error::Io(io::Error::new(ErrorKind::UnexpectedEof, Cut))
}

fn is_broken(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
    )
}

fn invalid(what: &'static str) -> Error {
    Error::Io(io::Error::new(ErrorKind::InvalidData, what))
}

/// What is here of a head. A line may end without a carriage return, as the library has it.
struct Head {
    /// Where it ends, if it is whole.
    end: Option<usize>,
    /// Lines up to there, the status line and the blank one included.
    lines: usize,
    /// Whether its body comes in chunks.
    is_chunked: bool,
}

impl Head {
    fn read(bytes: &[u8]) -> Self {
        let mut head = Self {
            end: None,
            lines: 0,
            is_chunked: false,
        };
        let mut start = 0;
        for line_feed in memchr_iter(b'\n', bytes) {
            let line = &bytes[start..line_feed];
            head.lines += 1;
            if matches!(line, [] | [b'\r']) && start > 0 {
                head.end = Some(line_feed + 1);
                return head;
            }
            head.is_chunked |= start > 0 && is_chunked(line);
            start = line_feed + 1;
        }
        head
    }
}

/// Whether this is the line that says so.
fn is_chunked(line: &[u8]) -> bool {
    const NAME: &[u8] = b"transfer-encoding";
    matches!(line, [b't' | b'T', ..])
        && memchr(b':', line).is_some_and(|colon| {
            line[..colon].eq_ignore_ascii_case(NAME)
                && line[colon + 1..]
                    .trim_ascii()
                    .eq_ignore_ascii_case(b"chunked")
        })
}

fn status(head: &[u8]) -> Option<&[u8]> {
    let rest = head.strip_prefix(b"HTTP/1.1 ")?;
    let code = rest.get(..3)?;
    matches!(rest.get(3), Some(b' ' | b'\r' | b'\n')).then_some(code)
}

/// Whether another head follows. A 101 is the last.
fn is_interim(status: Option<&[u8]>) -> bool {
    matches!(status, Some([b'1', b'0'..=b'9', b'0'..=b'9'])) && status != Some(b"101")
}

#[cfg(test)]
mod tests {
    use ureq::unversioned::transport::LazyBuffers;

    use super::*;

    /// A connection on which all of an answer is there to read.
    #[derive(Debug)]
    struct Queued {
        buffers: LazyBuffers,
        rest: Vec<u8>,
    }

    impl Transport for Queued {
        fn buffers(&mut self) -> &mut dyn Buffers {
            &mut self.buffers
        }
        fn transmit_output(&mut self, _: usize, _: NextTimeout) -> Result<(), Error> {
            Ok(())
        }
        fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
            let room = self.buffers.input_append_buf();
            let amount = room.len().min(self.rest.len());
            room[..amount].copy_from_slice(&self.rest[..amount]);
            self.rest.drain(..amount);
            self.buffers.input_appended(amount);
            Ok(amount > 0)
        }
        fn is_open(&mut self) -> bool {
            true
        }
    }

    #[test]
    fn a_chunked_answer_is_whole_wherever_a_full_buffer_cuts_it() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let answer = format!("{head}2\r\n{{}}\r\n0\r\nX-Trailer: 1\r\n\r\n");
        for size in head.len() + 1..answer.len() + 2 {
            let mut guarded = Guarded {
                inner: Queued {
                    buffers: LazyBuffers::new(size, 16),
                    rest: answer.clone().into(),
                },
                limits: Limits {
                    lines: 100,
                    bytes: 4096,
                },
                is_guarded: true,
                is_new: false,
                phase: Phase::Head,
                interim: 0,
                interim_bytes: 0,
                early: Early::No,
                is_spoiled: false,
            };
            let mut heard = Vec::new();
            while heard.len() < answer.len() {
                let is_some = guarded.await_input(NextTimeout::default());
                assert!(matches!(is_some, Ok(true)), "{size}: {is_some:?}");
                heard.extend_from_slice(guarded.buffers().input());
                let all = guarded.buffers().input().len();
                guarded.buffers().input_consume(all);
            }
            assert_eq!(heard, answer.as_bytes(), "{size}");
        }
    }

    #[test]
    fn heads_end_at_the_blank_line() {
        for (text, end) in [
            ("HTTP/1.1 200 OK\r\n\r\nrest", Some(19)),
            ("HTTP/1.1 200 OK\n\nrest", Some(17)),
            ("HTTP/1.1 200 OK\r\na: b\r\n\r\n", Some(25)),
            ("HTTP/1.1 200 OK\r\na: b\r\n", None),
            ("HTTP/1.1 200 OK\r\na: b\r\n\r", None),
            ("", None),
        ] {
            assert_eq!(Head::read(text.as_bytes()).end, end, "{text:?}");
        }
    }

    #[test]
    fn interim_heads_are_those_that_another_follows() {
        for (text, is) in [
            ("HTTP/1.1 100 Continue\r\n\r\n", true),
            ("HTTP/1.1 103\r\n\r\n", true),
            ("HTTP/1.1 101 Switching Protocols\r\n\r\n", false),
            ("HTTP/1.1 200 OK\r\n\r\n", false),
            ("HTTP/1.1 1000 OK\r\n\r\n", false),
        ] {
            assert_eq!(is_interim(status(text.as_bytes())), is, "{text:?}");
        }
        let is_chunked = |head: &[u8]| Head::read(head).is_chunked;
        assert!(is_chunked(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n"
        ));
        assert!(!is_chunked(b"HTTP/1.1 200 OK\r\nX: chunked\r\n\r\n"));
        assert!(!is_chunked(
            b"HTTP/1.1 200 OK\r\n\r\nTransfer-Encoding: chunked\r\n\r\n"
        ));
    }
}
