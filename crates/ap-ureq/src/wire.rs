//! A TCP connection that can send and hear at the same time. The library's own writes until everything
//! is out, and so never hears a server that answers before it has read the whole request.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
};
use ureq::{Error, Timeout};

use crate::call::{self, End};
use crate::names;

/// How long a connection that has no room to send listens before it tries again. The room that the
/// system keeps is worth far more than this at any speed.
const LISTEN: Duration = Duration::from_millis(5);

/// Opens [`Wire`]s.
#[derive(Debug)]
pub(crate) struct WireConnector;

impl<In: Transport> Connector<In> for WireConnector {
    type Out = Either<In, Wire>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        if let Some(tunnel) = chained {
            return Ok(Some(Either::A(tunnel)));
        }
        let end = End::of(details.timeout);
        let mut failure = Error::ConnectionFailed;
        let addresses = names::look_up(details, end)?;
        let count = addresses.len();
        for (number, address) in addresses.iter().enumerate() {
            let left = end.left();
            if left.is_zero() {
                return Err(Error::Timeout(end.reason));
            }
            // Half of what is left for each, so that one silent address does not cost all of it.
            let share = if number + 1 < count { left / 2 } else { left };
            match TcpStream::connect_timeout(address, share.max(Duration::from_millis(1))) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    let config = details.config;
                    return Ok(Some(Either::B(Wire {
                        stream,
                        buffers: LazyBuffers::new(
                            config.input_buffer_size(),
                            config.output_buffer_size(),
                        ),
                        unsent: Vec::new(),
                        sent: 0,
                        is_deaf: false,
                    })));
                }
                Err(error) if is_timeout(&error) => {
                    let over = end.left().is_zero();
                    failure = Error::Timeout(if over { end.reason } else { Timeout::Connect });
                }
                Err(error) => failure = Error::Io(error),
            }
        }
        Err(failure)
    }
}

#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    buffers: LazyBuffers,
    /// What there was no room for when the other side began to speak.
    unsent: Vec<u8>,
    sent: usize,
    /// The other side takes nothing more, though it has said something that is to be heard.
    is_deaf: bool,
}

impl Wire {
    /// Sends what there is room for. Whether that was all.
    fn push(&mut self) -> io::Result<bool> {
        if self.unsent.is_empty() {
            return Ok(true);
        }
        self.stream.set_nonblocking(true)?;
        let pushed = loop {
            let Some(rest) = self.unsent.get(self.sent..).filter(|rest| !rest.is_empty()) else {
                break Ok(true);
            };
            match self.stream.write(rest) {
                Ok(0) => break Err(ErrorKind::WriteZero.into()),
                Ok(n) => self.sent += n,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break Ok(false),
                Err(error) => break Err(error),
            }
        };
        self.stream.set_nonblocking(false)?;
        match pushed {
            Ok(false) => return Ok(false),
            Ok(true) => {}
            // A server that has answered may close before it has read everything.
            Err(error) => {
                if !self.hears(Duration::ZERO).unwrap_or(false) {
                    return Err(error);
                }
                self.is_deaf = true;
                call::interrupted();
            }
        }
        // The key need not lie here longer than it has to.
        self.unsent.fill(0);
        self.unsent.clear();
        self.sent = 0;
        Ok(true)
    }

    /// Whether bytes of the other side, or its end, are here or come within a time.
    fn hears(&self, wait: Duration) -> io::Result<bool> {
        match reading(&self.stream, wait, |stream| stream.peek(&mut [0])) {
            Ok(_) => Ok(true),
            Err(error) if is_timeout(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Transport for Wire {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    /// Sends until all is out, or the other side speaks: what is left then goes out with the next piece,
    /// or while an answer is awaited.
    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if self.is_deaf {
            return Ok(());
        }
        if self.unsent.is_empty() {
            let output = &self.buffers.output()[..amount];
            match at_once(&self.stream, |mut stream| stream.write(output)) {
                // As a rule there is room for all of it.
                Ok(written) if written == amount => return Ok(()),
                Ok(written) => self.unsent.extend_from_slice(&output[written..]),
                // What became of the connection shows below.
                Err(_) => self.unsent.extend_from_slice(output),
            }
        } else {
            self.unsent
                .extend_from_slice(&self.buffers.output()[..amount]);
        }
        let end = End::of(timeout);
        while !self.push()? {
            if self.hears(LISTEN)? {
                call::interrupted();
                return Ok(());
            }
            if end.left().is_zero() {
                return Err(Error::Timeout(end.reason));
            }
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let end = End::of(timeout);
        loop {
            let is_out = self.push()?;
            let left = end.left();
            let wait = if is_out { left } else { left.min(LISTEN) };
            let input = self.buffers.input_append_buf();
            match reading(&self.stream, wait, |mut stream| stream.read(input)) {
                Ok(amount) => {
                    self.buffers.input_appended(amount);
                    return Ok(amount > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => {
                    if end.left().is_zero() {
                        return Err(Error::Timeout(end.reason));
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether nothing came that nobody asked for, and everything went out.
    fn is_open(&mut self) -> bool {
        !self.is_deaf && self.unsent.is_empty() && matches!(self.hears(Duration::ZERO), Ok(false))
    }
}

/// Reads with a limit of time; none at all means what is here already.
fn reading<T>(
    stream: &TcpStream,
    wait: Duration,
    read: impl FnOnce(&TcpStream) -> io::Result<T>,
) -> io::Result<T> {
    if wait.is_zero() {
        return at_once(stream, read);
    }
    stream.set_read_timeout(Some(wait.max(Duration::from_millis(1))))?;
    read(stream)
}

/// Does what can be done without waiting.
fn at_once<T>(stream: &TcpStream, what: impl FnOnce(&TcpStream) -> io::Result<T>) -> io::Result<T> {
    stream.set_nonblocking(true)?;
    let result = what(stream);
    stream.set_nonblocking(false)?;
    result
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}
