//! [`HeadScanner`]: finds request heads whose framing is ambiguous, in the bytes of a connection.
//!
//! hyper repairs an ambiguous framing (two lengths, a length next to a transfer coding, bare line
//! feeds), as it may. An emulator that tests clients should refuse it instead, and so should a gateway. When
//! hyper passes on a request, it has already removed what was ambiguous, so the bytes are scanned before.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memchr::memchr;

use crate::target_encoder::TargetEncoder;

/// How the head of a request says where its body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Servers could disagree about the end of the request, so it is refused.
    Ambiguous,
    /// A valid request; the next one starts right after it.
    KnownEnd,
    /// A valid request. Its end was not looked for, so the connection closes after it.
    UnknownEnd,
}

/// The framing of the requests that were read but not answered yet, oldest first.
#[derive(Debug, Clone, Default)]
pub struct PendingRequests(Arc<Mutex<VecDeque<Framing>>>);

impl PendingRequests {
    fn push(&self, framing: Framing) {
        self.lock().push_back(framing);
    }

    /// Removes and returns the oldest one. A request that the scanner did not see counts as ambiguous.
    #[must_use]
    pub fn pop(&self) -> Framing {
        self.lock().pop_front().unwrap_or(Framing::Ambiguous)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Framing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A longer line cannot be parsed as one of the two headers that matter, so its rest is not kept.
const MAX_KEPT_LINE: usize = 256;

/// Scans the bytes of a connection as they arrive, and notes the framing of each request.
#[derive(Debug)]
pub struct HeadScanner {
    requests: PendingRequests,
    position: Position,
    /// The start of the current line, at most [`MAX_KEPT_LINE`] bytes, if its end has not arrived.
    line: Vec<u8>,
    /// How much of it has arrived, and if the last byte of that was a carriage return.
    line_length: usize,
    is_after_return: bool,
    head: Head,
    /// The next byte is in the first line of a head, after its method.
    is_in_target: bool,
    targets: Option<TargetEncoder>,
}

/// Where in the stream of requests the next byte is.
#[derive(Debug, Clone, Copy)]
enum Position {
    Head,
    /// In a body, with the number of bytes that are left of it.
    Body(u64),
    /// After a head that does not say where the next one starts. The connection closes after it.
    Unknown,
}

/// What the scanner knows of the current head.
#[derive(Debug, Default)]
struct Head {
    has_lines: bool,
    has_bare_line_feed: bool,
    /// The number of `Transfer-Encoding` lines.
    codings: u32,
    /// One of them is not just `chunked`, so that somebody else may have to decode more.
    has_other_coding: bool,
    /// The number of `Content-Length` lines. A line that is too long to parse counts as two.
    lengths: u32,
    length: u64,
}

impl HeadScanner {
    /// Creates a scanner at the start of a connection.
    #[must_use]
    pub fn new(requests: PendingRequests) -> Self {
        Self {
            requests,
            position: Position::Head,
            line: Vec::new(),
            line_length: 0,
            is_after_return: false,
            head: Head::default(),
            is_in_target: false,
            targets: None,
        }
    }

    /// Lets [`scan`](Self::scan) percent-encode what a URL may not contain in the targets of requests, apart from
    /// control characters, spaces and backslashes, and from what servers accept anyway.
    #[must_use]
    pub fn encoding_targets(self) -> Self {
        Self {
            targets: Some(TargetEncoder::default()),
            ..self
        }
    }

    /// Scans the next bytes. Returns what is to be read instead of them, if targets are encoded and something in
    /// them has to be: where that begins, and all bytes from there on. The ends of lines, and so the
    /// [framing](Framing), are the same in both.
    pub fn scan(&mut self, bytes: &[u8]) -> Option<(usize, Vec<u8>)> {
        self.scan_lines(bytes);
        self.targets.as_mut()?.encode(bytes)
    }

    fn scan_lines(&mut self, all: &[u8]) {
        let mut bytes = all;
        while !bytes.is_empty() {
            match self.position {
                Position::Unknown => return,
                Position::Body(remaining) => {
                    let here = usize::try_from(remaining)
                        .unwrap_or(usize::MAX)
                        .min(bytes.len());
                    bytes = bytes.get(here..).unwrap_or_default();
                    self.position = match remaining - here as u64 {
                        0 => Position::Head,
                        remaining => Position::Body(remaining),
                    };
                }
                Position::Head => {
                    let start = all.len() - bytes.len();
                    let end = memchr(b'\n', bytes);
                    let (part, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
                    if !self.head.has_lines {
                        self.scan_target(part, start);
                    }
                    if end.is_none() {
                        return self.keep(part);
                    }
                    bytes = rest.get(1..).unwrap_or_default();
                    self.is_in_target = false;
                    self.end_line(part);
                }
            }
        }
    }

    /// Notes what is to be encoded in a part of the first line of a head. The part begins at `start`.
    fn scan_target(&mut self, part: &[u8], start: usize) {
        let Some(targets) = &mut self.targets else {
            return;
        };
        let space = if self.is_in_target {
            Some(0)
        } else {
            // A method is so short that a plain loop is the fastest search.
            part.iter().position(|byte| *byte == b' ')
        };
        if let Some(space) = space {
            self.is_in_target = true;
            targets.add(part.get(space..).unwrap_or_default(), start + space);
        }
    }

    /// Keeps a part of a line whose end has not arrived.
    fn keep(&mut self, part: &[u8]) {
        let room = MAX_KEPT_LINE.saturating_sub(self.line.len());
        self.line
            .extend_from_slice(part.get(..room).unwrap_or(part));
        self.line_length += part.len();
        if let Some(last) = part.last() {
            self.is_after_return = *last == b'\r';
        }
    }

    /// Scans the end of a line, up to its line feed.
    fn end_line(&mut self, part: &[u8]) {
        if self.line_length == 0 {
            // Most lines arrive as a whole, and are not copied.
            return self.scan_line(part, part.len(), part.ends_with(b"\r"));
        }
        self.keep(part);
        let line = std::mem::take(&mut self.line);
        let length = std::mem::take(&mut self.line_length);
        self.scan_line(&line, length, self.is_after_return);
    }

    /// Scans a whole line, of which at least the start is here.
    fn scan_line(&mut self, line: &[u8], length: usize, is_after_return: bool) {
        self.head.has_bare_line_feed |= !is_after_return;
        if !matches!(line, b"" | b"\r") {
            self.head.add_line(line, length > MAX_KEPT_LINE);
        } else if self.head.has_lines {
            self.end_head();
        }
    }

    /// It is no part of the loop over the lines, which is faster without it.
    #[inline(never)]
    fn end_head(&mut self) {
        let head = std::mem::take(&mut self.head);
        let framing = head.framing();
        self.position = match (framing, head.length) {
            (Framing::Ambiguous | Framing::UnknownEnd, _) => Position::Unknown,
            (Framing::KnownEnd, 0) => Position::Head,
            (Framing::KnownEnd, length) => Position::Body(length),
        };
        self.requests.push(framing);
    }
}

impl Head {
    fn add_line(&mut self, line: &[u8], is_truncated: bool) {
        self.has_lines = true;
        // Most lines are known by their first letter not to matter.
        if let Some(b'T' | b't' | b'C' | b'c') = line.first() {
            self.add_header(line, is_truncated);
        }
    }

    /// Apart like [`HeadScanner::end_head`].
    #[inline(never)]
    fn add_header(&mut self, line: &[u8], is_truncated: bool) {
        let line = line.get(..MAX_KEPT_LINE).unwrap_or(line);
        if let Some(value) = value_of(b"transfer-encoding", line) {
            self.codings += 1;
            self.has_other_coding |= !value.trim_ascii().eq_ignore_ascii_case(b"chunked");
        } else if let Some(value) = value_of(b"content-length", line) {
            self.lengths += if is_truncated { 2 } else { 1 };
            let value = std::str::from_utf8(value.trim_ascii()).unwrap_or_default();
            // hyper refuses a value that is not a number, so the result does not matter then.
            self.length = value.parse().unwrap_or_default();
        }
    }

    const fn framing(&self) -> Framing {
        if self.has_bare_line_feed
            || self.lengths > 1
            || self.codings > 1
            || self.has_other_coding
            || (self.codings > 0 && self.lengths > 0)
        {
            Framing::Ambiguous
        } else if self.codings > 0 {
            Framing::UnknownEnd
        } else {
            Framing::KnownEnd
        }
    }
}

/// Returns the value of a line, if it is a header of this name.
fn value_of<'a>(name: &[u8], line: &'a [u8]) -> Option<&'a [u8]> {
    let (start, rest) = line.split_at_checked(name.len())?;
    let value = rest.strip_prefix(b":")?;
    start.eq_ignore_ascii_case(name).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::{Framing, HeadScanner, PendingRequests};

    /// The framing of every request in `bytes`, which arrive `step` at a time.
    fn framings(bytes: &str, step: usize) -> String {
        let requests = PendingRequests::default();
        let mut scanner = HeadScanner::new(requests.clone());
        for part in bytes.as_bytes().chunks(step) {
            assert_eq!(scanner.scan(part), None);
        }
        let count = requests.lock().len();
        let names = (0..count).map(|_| match requests.pop() {
            Framing::Ambiguous => "ambiguous",
            Framing::KnownEnd => "known",
            Framing::UnknownEnd => "unknown",
        });
        names.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_head_gets_its_framing_however_the_bytes_arrive() {
        // `|` stands for the end of a line. After a head without a known end, nothing is scanned.
        let table = [
            ("GET / HTTP/1.1|Host: a|", ""),
            ("GET / HTTP/1.1|Host: a||", "known"),
            ("||GET / HTTP/1.1||GET / HTTP/1.1||", "known known"),
            (
                "POST / HTTP/1.1|Content-Length: 4||||GET / HTTP/1.1||",
                "known known",
            ),
            ("POST / HTTP/1.1|content-length:\t9||GET / ||||", "known"),
            (
                "POST / HTTP/1.1|Transfer-Encoding: chunked||GET /||",
                "unknown",
            ),
            (
                "POST / HTTP/1.1|Content-Length: 1|Content-Length: 1||x",
                "ambiguous",
            ),
            (
                "POST / HTTP/1.1|Content-Length: 1|Transfer-Encoding: a||",
                "ambiguous",
            ),
            ("POST / HTTP/1.1|Transfer-Encoding:Chunked ||", "unknown"),
            (
                "POST / HTTP/1.1|Transfer-Encoding: gzip, chunked||",
                "ambiguous",
            ),
            (
                "POST / HTTP/1.1|Transfer-Encoding: chunked|Transfer-Encoding: chunked||",
                "ambiguous",
            ),
            ("POST / HTTP/1.1|Transfer-Encoding:||", "ambiguous"),
            (
                "POST / HTTP/1.1|CONTENT-LENGTH:1|cONTENT-lENGTH:1||",
                "ambiguous",
            ),
            (
                "POST / HTTP/1.1|TRANSFER-ENCODING: gzip||GET /||",
                "ambiguous",
            ),
            // Names that are nearly those.
            (
                "GET / HTTP/1.1|Content-Length-2: 9|Content-Type: 9|Content: 9|TE: a|Transfer: b||GET /||",
                "known known",
            ),
            (
                "GET / HTTP/1.1|X-Content-Length: 9| Content-Length: 9|Trailer: a||GET /||",
                "known known",
            ),
            ("GET / HTTP/1.1\nHost: a||GET / HTTP/1.1||", "ambiguous"),
            ("GET / HTTP/1.1||GET / HTTP/1.1|\n", "known ambiguous"),
        ];
        for (text, expected) in table {
            let bytes = text.replace('|', "\r\n");
            for step in [1, 2, 7, 1000] {
                assert_eq!(framings(&bytes, step), expected, "{text:?} by {step}");
            }
        }
        let long = format!(
            "POST / HTTP/1.1\r\nContent-Length:{}1\r\n\r\n",
            " ".repeat(300)
        );
        for step in [100, 1000] {
            assert_eq!(framings(&long, step), "ambiguous");
        }
    }
    /// What is read instead of `bytes`, which arrive `step` at a time, and how many requests they are.
    fn encoded(bytes: &[u8], step: usize) -> (Vec<u8>, usize) {
        let requests = PendingRequests::default();
        let mut scanner = HeadScanner::new(requests.clone()).encoding_targets();
        let mut read = Vec::new();
        for part in bytes.chunks(step) {
            match scanner.scan(part) {
                Some((start, rest)) => {
                    read.extend_from_slice(&part[..start]);
                    read.extend_from_slice(&rest);
                }
                None => read.extend_from_slice(part),
            }
        }
        let count = requests.lock().len();
        (read, count)
    }

    #[test]
    fn what_a_url_may_not_contain_is_encoded_in_targets_and_nowhere_else() {
        // `|` stands for the end of a line, `~` for a byte that is not ASCII.
        for (text, expected, count) in [
            ("GET /a?b HTTP/1.1|X: ~||", "GET /a?b HTTP/1.1|X: ~||", 1),
            (
                "||GET /~a#b?<\"~> HTTP/1.1|X: ~#||GET /` HTTP/1.1||",
                "||GET /%E9a%23b?%3C%22%E9%3E HTTP/1.1|X: ~#||GET /%60 HTTP/1.1||",
                2,
            ),
            (
                "POST /~ HTTP/1.1|Content-Length: 9||G /~ ~||GET /~ HTTP/1.1||",
                "POST /%E9 HTTP/1.1|Content-Length: 9||G /~ ~||GET /%E9 HTTP/1.1||",
                2,
            ),
            // Nothing is changed after a head that does not say where the next one starts, in a method, and in
            // what servers refuse or accept as it is.
            (
                "POST /~ HTTP/1.1|Transfer-Encoding: chunked||GET /~ HTTP/1.1||",
                "POST /%E9 HTTP/1.1|Transfer-Encoding: chunked||GET /~ HTTP/1.1||",
                1,
            ),
            ("G~T / HTTP/1.1||", "G~T / HTTP/1.1||", 1),
            (
                "GET /\\\t^{} [%zz] HTTP/1.1||",
                "GET /\\\t^{} [%zz] HTTP/1.1||",
                1,
            ),
        ] {
            let bytes = |text: &str| {
                let text = text.replace('|', "\r\n").into_bytes();
                let byte = |byte| if byte == b'~' { 0xE9 } else { byte };
                text.into_iter().map(byte).collect::<Vec<_>>()
            };
            for step in [1, 2, 7, 1000] {
                let (read, found) = encoded(&bytes(text), step);
                assert_eq!(
                    (read.escape_ascii().to_string(), found),
                    (bytes(expected).escape_ascii().to_string(), count),
                    "{text:?} by {step}"
                );
            }
        }
    }
}
