//! Runs a script: the steps of a listener on one connection.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::conversation::What;
use super::state::ListenerState;
use super::tunnel::tunnel;
use crate::case::{DOCUMENTED_401, Step, unhex};
use crate::raw_request::complete_length;

/// How long a listener waits for a client that neither sends nor closes the connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most bytes of a flood, so that no script runs forever.
const FLOOD_LIMIT: usize = 512 * 1024 * 1024;

/// Runs a script on a connection. The client may close it at any time; that is not an error.
pub(crate) fn run(
    mut connection: Connection,
    steps: &[Step],
    state: &ListenerState,
    number: usize,
) -> io::Result<()> {
    let mut reader = Reader {
        state,
        number,
        pending: Vec::new(),
    };
    let send = |connection: &mut Connection, bytes: &[u8]| {
        let sent = connection.send(bytes);
        if sent.is_ok() {
            state.add_sent_bytes(number, bytes);
        }
        sent
    };
    let ended = |how| state.add_event(number, What::Ended(how));
    let mut rest: VecDeque<Step> = steps.iter().cloned().collect();
    while let Some(step) = rest.pop_front() {
        match &step {
            Step::Read | Step::ReadHead => {
                if !reader.request(&mut connection, matches!(step, Step::Read))? {
                    return Ok(());
                }
            }
            Step::Send(text) => send(&mut connection, text.as_bytes())?,
            Step::Respond(respond) => send(&mut connection, respond.text().as_bytes())?,
            Step::Refuse => send(&mut connection, DOCUMENTED_401.as_bytes())?,
            Step::Hex(text) => send(&mut connection, &unhex(text))?,
            Step::Repeat { text, times } => {
                // In large pieces, because the flood must not be slower than the client.
                let per_piece = (64 * 1024 / text.len().max(1)).clamp(1, (*times).max(1));
                let piece = text.repeat(per_piece);
                let mut sent = 0;
                while sent < *times && sent * text.len() < FLOOD_LIMIT {
                    let times_now = per_piece.min(times - sent);
                    send(&mut connection, &piece.as_bytes()[..times_now * text.len()])?;
                    state.add_sent(times_now * text.len());
                    sent += times_now;
                }
            }
            Step::Drip { text, every_ms } => {
                for byte in text.bytes() {
                    send(&mut connection, &[byte])?;
                    if reader.wait(&mut connection, Duration::from_millis(*every_ms))? {
                        return Ok(());
                    }
                }
            }
            Step::Pause(ms) => {
                if reader.wait(&mut connection, Duration::from_millis(*ms))? {
                    // What would have come on this connection is over: no call waits for it.
                    let is_mark = |step: &&Step| matches!(step, Step::Mark);
                    rest.iter().filter(is_mark).for_each(|_| state.add_mark());
                    return Ok(());
                }
            }
            Step::Sleep(ms) => {
                let end = Instant::now() + Duration::from_millis(*ms);
                while Instant::now() < end && !state.is_over() {
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
            Step::WaitClose => {
                reader.wait(&mut connection, PATIENCE)?;
                return Ok(());
            }
            Step::Half => {
                ended("closed its side");
                connection.half_close()?;
            }
            Step::Fin => {
                ended("closed the connection");
                return connection.fin();
            }
            Step::Rst => {
                ended("reset the connection");
                state.drop_handle(number);
                return connection.reset();
            }
            Step::Tunnel(to) => return tunnel(connection, state.address(to)?, state, number),
            Step::Mark => state.add_mark(),
            Step::Again => rest = steps.iter().cloned().collect(),
            Step::Answer => {
                for step in state.answer(number).into_iter().rev() {
                    rest.push_front(step);
                }
            }
        }
    }
    ended("closed its side");
    connection.close()?;
    // Reading to the end records late bytes, and prevents a reset that would overtake the answer.
    reader.wait(&mut connection, PATIENCE).map(drop)
}

/// Reads requests, and records every byte.
struct Reader<'a> {
    state: &'a ListenerState,
    number: usize,
    pending: Vec<u8>,
}

impl Reader<'_> {
    /// Reads a request. Returns `false` if the client closed the connection instead.
    fn request(&mut self, connection: &mut Connection, with_body: bool) -> io::Result<bool> {
        loop {
            if let Some(length) = complete_length(&self.pending, with_body) {
                let request = self.pending.drain(..length).collect();
                self.state.add_request(self.number, request);
                return Ok(true);
            }
            if !self.fill(connection, PATIENCE)? {
                return Ok(false);
            }
        }
    }

    /// Waits, and records what arrives. Returns `true` if the client closed the connection.
    fn wait(&mut self, connection: &mut Connection, time: Duration) -> io::Result<bool> {
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || self.state.is_over() {
                return Ok(false);
            }
            match self.fill(connection, left) {
                Ok(true) => {}
                Ok(false) => return Ok(true),
                Err(error) if is_timeout(&error) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads some bytes. Returns `false` if the client closed the connection.
    fn fill(&mut self, connection: &mut Connection, time: Duration) -> io::Result<bool> {
        let mut buffer = [0; 16 * 1024];
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            // Short waits let a case that is over end its listeners soon.
            connection.set_read_timeout(left.min(Duration::from_millis(50)))?;
            match connection.read(&mut buffer) {
                Ok(0) => return Ok(self.closed()),
                Ok(n) => {
                    self.state.add_received(self.number, &buffer[..n]);
                    self.pending.extend_from_slice(&buffer[..n]);
                    return Ok(true);
                }
                Err(error) if is_timeout(&error) => {
                    if self.state.is_over() {
                        return Ok(false);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Ok(self.closed()),
            }
        }
    }

    /// Records that the client closed the connection.
    fn closed(&self) -> bool {
        self.state.add_hang_up(self.number);
        false
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}
