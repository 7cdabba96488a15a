//! The guard over a connection that is a script.

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
    /// How many of the early bytes were read.
    read: usize,
    /// The most bytes that one read returns.
    piece: usize,
}

impl UreqLayer for Scripted {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }
    fn transmit_output(&mut self, _: usize, _: NextTimeout) -> Result<(), Error> {
        self.early = mem::take(&mut self.later);
        self.read = 0;
        Ok(())
    }
    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let room = self.buffers.input_append_buf();
        let unread = &self.early[self.read..];
        let count = room.len().min(unread.len()).min(self.piece);
        room[..count].copy_from_slice(&unread[..count]);
        self.read += count;
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
        read: 0,
        piece: usize::MAX,
    };
    ResponseGuard::new(inner, Arc::default())
}

/// A connection that brings its response byte by byte.
fn slow_guard(response: &str) -> ResponseGuard<Scripted> {
    let mut guard = guard("", response);
    let buffer_size = input_buffer_size(&guard.config);
    guard.inner.buffers = LazyBuffers::new(buffer_size, 64);
    guard.inner.piece = 1;
    guard
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

/// Makes a response for a length.
type LongResponse = fn(usize) -> String;

/// Responses whose parts are `n` bytes long: each brings one kind of part that is searched or parsed.
const LONG_RESPONSES: [(&str, LongResponse); 9] = [
    ("a header", |n| {
        format!("HTTP/1.1 200\r\na: {}\r\n\r\n", "b".repeat(n))
    }),
    ("headers", |n| format!("HTTP/1.1 200\r\n{}\r\n", fields(n))),
    ("empty lines", |n| "\r\n".repeat(n / 2)),
    ("informational responses", |n| {
        format!("HTTP/1.1 103\r\n{}\r\n", fields(100)).repeat(n / 120)
    }),
    ("a body", |n| {
        format!(
            "HTTP/1.1 200\r\nContent-Length: {n}\r\n\r\n{}",
            "b".repeat(n)
        )
    }),
    ("an extension", |n| {
        chunked(&format!("1;{}\r\n", "b".repeat(n)))
    }),
    ("chunks", |n| chunked(&"1\r\nb\r\n".repeat(n / 6))),
    ("a trailer", |n| {
        chunked(&format!("0\r\na: {}\r\n\r\n", "b".repeat(n)))
    }),
    ("trailers", |n| chunked(&format!("0\r\n{}\r\n", fields(n)))),
];

/// Header lines of 100 bytes, so that not too many of them are allowed ones.
fn fields(n: usize) -> String {
    format!("a: {}\r\n", "b".repeat(95)).repeat(n / 100)
}

fn chunked(body: &str) -> String {
    format!("HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n{body}")
}

#[test]
fn a_response_that_comes_byte_by_byte_is_read_in_linear_time() {
    let test = "response_guard::tests::a_response_that_comes_byte_by_byte_is_read_in_linear_time";
    ap_linear::assert_linear(test, 900, &LONG_RESPONSES, |response, n| {
        let _ = exchange(&mut slow_guard(&response(n)));
    });
}

#[test]
fn a_response_that_comes_byte_by_byte_is_read_like_any_other() {
    let trailers = "a: 1\r\n".repeat(100);
    let response = chunked(&format!("2;a\r\nhe\r\n3\r\nllo\r\n0\r\n{trailers}\r\n"));
    let response = format!("\r\nHTTP/1.1 103\r\na: b\r\n\r\n{response}");
    let mut guard = slow_guard(&response);
    assert_eq!(exchange(&mut guard).unwrap().body(), "hello");
    assert!(guard.is_open());
}

#[test]
fn a_line_of_a_chunked_body_is_judged_as_soon_as_possible_and_has_a_limit() {
    let fields = "a: 1\r\n".repeat(101);
    for body in [
        "z",
        "-",
        "1234567890123456789",
        "1\r\nbb",
        "0\r\nno colon\r\n",
        &format!("1;{}", "b".repeat(16 * 1024)),
        &format!("1;{}\r\na\r\n", "b".repeat(1024)).repeat(17),
        &format!("0\r\na: {}", "b".repeat(16 * 1024)),
        &format!("0\r\n{fields}"),
    ] {
        // Nothing follows, and a connection that waits for more would be one that ended.
        let error = exchange(&mut slow_guard(&chunked(body))).unwrap_err();
        let kind = send_error(error).kind();
        assert_eq!(kind, TransportErrorKind::Malformed, "{:.30}", body);
    }
}
