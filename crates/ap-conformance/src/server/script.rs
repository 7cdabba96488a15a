//! What a listener does on a connection: read, send, wait, and end it in one of several ways. It has
//! to be able to speak wrongly, so it writes bytes, not messages.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::server::Shared;
use crate::server::connection::Stream;

/// One step. Texts may hold `${…}`, see [`crate::placeholders`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Step {
    /// Reads a whole request, its head and the body that it announces.
    Read,
    /// Reads a request's head and leaves the body.
    ReadHead,
    /// Sends a text as it is.
    Send(String),
    /// Sends a whole response with a length.
    Respond(Respond),
    /// Sends the documented 401.
    Refuse,
    /// Sends bytes given in hexadecimal.
    Hex(String),
    /// Sends a text so many times, or until the client hangs up.
    Repeat { text: String, times: usize },
    /// Sends a text byte by byte, so many milliseconds apart.
    Drip { text: String, every_ms: u64 },
    /// Waits so many milliseconds, or until the client hangs up.
    Pause(u64),
    /// Waits so many milliseconds and reads nothing meanwhile, so that the client's bytes pile up.
    Sleep(u64),
    /// Waits until the client hangs up.
    WaitClose,
    /// Closes the write side and leaves the other open.
    Half,
    /// Ends the connection at once, without TLS's closing alert.
    Fin,
    /// Ends the connection with a reset.
    Rst,
    /// Passes everything on to another listener, both ways.
    Tunnel(String),
    /// Says that it has come this far, to a call with `after_mark`.
    Mark,
    /// Goes back to the first step.
    Again,
    /// Does what the listener's `answers` hold for the request that came last.
    Answer,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Respond {
    pub status: u16,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    #[serde(default)]
    pub body: String,
}

impl Respond {
    pub(crate) fn text(&self) -> String {
        let mut text = format!("HTTP/1.1 {} Answer\r\n", self.status);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !matches!(self.status, 204 | 304) {
            text.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        text + "\r\n" + &self.body
    }
}

/// The documented refusal, byte for byte but for the date.
pub(crate) const DOCUMENTED_401: &str = "HTTP/1.1 401 Unauthorized\r\n\
    Date: Tue, 28 Jul 2015 03:29:16 GMT\r\n\
    Content-Type: application/json; charset=utf-8\r\n\
    Content-Length: 33\r\n\
    Connection: keep-alive\r\n\
    Vary: Accept, Accept-Encoding\r\n\
    ETag: W/\"21-48c58abe\"\r\n\r\n\
    {\"error\":\"authentication failed\"}";

/// What a listener does when a case says nothing: it answers every request with `{}`.
pub(crate) fn default_script() -> Vec<Step> {
    vec![Step::Read, ok(), Step::Again]
}

/// The answer to a request with a key that is taken.
pub(crate) fn ok() -> Step {
    Step::Respond(Respond {
        status: 200,
        headers: Vec::new(),
        body: "{}".to_owned(),
    })
}

/// What a listener with `answers` does on every connection.
pub(crate) fn answering() -> Vec<Step> {
    vec![Step::Read, Step::Answer, Step::Again]
}

/// How long a listener waits for a client that neither sends nor hangs up.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many bytes a flood may have, so that nothing here is endless.
const FLOOD_LIMIT: usize = 512 * 1024 * 1024;

/// Runs a script on a connection. That the client hangs up is no fault, whenever it comes.
pub(crate) fn run(
    mut stream: Stream,
    steps: &[Step],
    shared: &Shared,
    connection: usize,
) -> io::Result<()> {
    let mut reader = Reader {
        shared,
        connection,
        pending: Vec::new(),
    };
    let mut rest: VecDeque<Step> = steps.iter().cloned().collect();
    while let Some(step) = rest.pop_front() {
        match &step {
            Step::Read | Step::ReadHead => {
                if !reader.request(&mut stream, matches!(step, Step::Read))? {
                    return Ok(());
                }
            }
            Step::Send(text) => stream.send(text.as_bytes())?,
            Step::Respond(respond) => stream.send(respond.text().as_bytes())?,
            Step::Refuse => stream.send(DOCUMENTED_401.as_bytes())?,
            Step::Hex(text) => stream.send(&unhex(text))?,
            Step::Repeat { text, times } => {
                // Sent in large pieces: the flood must not be slower than the client.
                let per_piece = (64 * 1024 / text.len().max(1)).clamp(1, (*times).max(1));
                let piece = text.repeat(per_piece);
                let mut sent = 0;
                while sent < *times && sent * text.len() < FLOOD_LIMIT {
                    let times_now = per_piece.min(times - sent);
                    stream.send(&piece.as_bytes()[..times_now * text.len()])?;
                    shared.sent(connection, times_now * text.len());
                    sent += times_now;
                }
            }
            Step::Drip { text, every_ms } => {
                for byte in text.bytes() {
                    stream.send(&[byte])?;
                    if reader.wait(&mut stream, Duration::from_millis(*every_ms))? {
                        return Ok(());
                    }
                }
            }
            Step::Pause(ms) => {
                if reader.wait(&mut stream, Duration::from_millis(*ms))? {
                    return Ok(());
                }
            }
            Step::Sleep(ms) => {
                let end = Instant::now() + Duration::from_millis(*ms);
                while Instant::now() < end && !shared.is_over() {
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
            Step::WaitClose => {
                reader.wait(&mut stream, PATIENCE)?;
                return Ok(());
            }
            Step::Half => stream.half_close()?,
            Step::Fin => return stream.fin(),
            Step::Rst => {
                shared.forget(connection);
                return stream.reset();
            }
            Step::Tunnel(to) => return stream.tunnel(shared.address(to)?, shared, connection),
            Step::Mark => shared.mark(),
            Step::Again => rest = steps.iter().cloned().collect(),
            Step::Answer => {
                for step in shared.answer(connection).into_iter().rev() {
                    rest.push_front(step);
                }
            }
        }
    }
    stream.close()?;
    // Reads to the end, so that bytes that come late are seen, and no reset overtakes the answer.
    reader.wait(&mut stream, PATIENCE).map(drop)
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// Reads requests and tells the listener's record of every byte.
struct Reader<'a> {
    shared: &'a Shared,
    connection: usize,
    pending: Vec<u8>,
}

impl Reader<'_> {
    /// Whether a request came; not, if the client hung up instead.
    fn request(&mut self, stream: &mut Stream, with_body: bool) -> io::Result<bool> {
        loop {
            if let Some(length) = complete(&self.pending, with_body) {
                let request = self.pending.drain(..length).collect();
                self.shared.request(self.connection, request);
                return Ok(true);
            }
            if !self.fill(stream, PATIENCE)? {
                return Ok(false);
            }
        }
    }

    /// Waits, recording what comes. Whether the client hung up.
    fn wait(&mut self, stream: &mut Stream, time: Duration) -> io::Result<bool> {
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || self.shared.is_over() {
                return Ok(false);
            }
            match self.fill(stream, left) {
                Ok(true) => {}
                Ok(false) => return Ok(true),
                Err(error) if is_timeout(&error) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether bytes came; not, if the client hung up.
    fn fill(&mut self, stream: &mut Stream, time: Duration) -> io::Result<bool> {
        let mut buffer = [0; 16 * 1024];
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            // In short pieces, so that a case that is over ends its listeners soon.
            stream.set_read_timeout(left.min(Duration::from_millis(50)))?;
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(self.ended()),
                Ok(n) => {
                    self.shared.received(self.connection, &buffer[..n]);
                    self.pending.extend_from_slice(&buffer[..n]);
                    return Ok(true);
                }
                Err(error) if is_timeout(&error) => {
                    if self.shared.is_over() {
                        return Ok(false);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Ok(self.ended()),
            }
        }
    }

    /// Notes that the client hung up: no more bytes come.
    fn ended(&self) -> bool {
        self.shared.hung_up(self.connection);
        false
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

/// How long the request at the start of these bytes is, once it is all there.
fn complete(bytes: &[u8], with_body: bool) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    if !with_body {
        return Some(head);
    }
    let text = String::from_utf8_lossy(&bytes[..head]);
    let header = |wanted: &str| {
        text.lines()
            .filter_map(|line| line.split_once(':'))
            .find_map(|(name, value)| {
                name.trim()
                    .eq_ignore_ascii_case(wanted)
                    .then(|| value.trim().to_ascii_lowercase())
            })
    };
    if header("transfer-encoding").is_some_and(|value| value.contains("chunked")) {
        let end = bytes[head..]
            .windows(5)
            .position(|window| window == b"0\r\n\r\n")?;
        return Some(head + end + 5);
    }
    let length = header("content-length")
        .and_then(|value| value.parse().ok())
        .unwrap_or(0);
    (bytes.len() >= head + length).then_some(head + length)
}
