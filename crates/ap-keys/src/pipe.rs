//! [`Pipe`]: reads what a program prints, for a limited time at once.

use std::io::{self, Read as _};
use std::process::ChildStdout;
use std::time::Duration;

use secrecy::zeroize::Zeroizing;

/// The most bytes that are read at once.
pub(crate) const MAX_CHUNK_SIZE: usize = 512;

/// What was read.
pub(crate) enum Chunk {
    /// Nothing was printed in this time.
    Nothing,
    /// No process has the output open any more.
    End,
    Bytes(Zeroizing<Vec<u8>>),
}

/// Reads once. This blocks until there is something.
fn read_chunk(stdout: &mut ChildStdout) -> io::Result<Chunk> {
    let mut bytes = Zeroizing::new(vec![0; MAX_CHUNK_SIZE]);
    Ok(match stdout.read(&mut bytes)? {
        0 => Chunk::End,
        length => {
            bytes.truncate(length);
            Chunk::Bytes(bytes)
        }
    })
}

/// The output of a program. Nothing is left behind when it is dropped, even if others have the other end open.
#[cfg(unix)]
pub(crate) struct Pipe(ChildStdout);

#[cfg(unix)]
impl Pipe {
    #[allow(clippy::unnecessary_wraps, reason = "it can fail on other systems")]
    pub(crate) fn new(stdout: ChildStdout) -> io::Result<Self> {
        Ok(Self(stdout))
    }

    /// Reads once, and waits no longer than this for something to read.
    pub(crate) fn read(&mut self, wait: Duration) -> io::Result<Chunk> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let wait = Timespec::try_from(wait).map_err(|_| io::ErrorKind::InvalidInput)?;
        let is_readable = match poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&wait)) {
            Ok(count) => count > 0,
            Err(rustix::io::Errno::INTR) => false,
            Err(error) => return Err(error.into()),
        };
        if is_readable {
            read_chunk(&mut self.0)
        } else {
            Ok(Chunk::Nothing)
        }
    }
}

/// The output of a program, read on a thread, because there is no time limit for a pipe.
///
/// If another process keeps the output open, the thread ends only when that process does.
#[cfg(not(unix))]
pub(crate) struct Pipe(std::sync::mpsc::Receiver<io::Result<Chunk>>);

#[cfg(not(unix))]
impl Pipe {
    pub(crate) fn new(mut stdout: ChildStdout) -> io::Result<Self> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        let read = move || {
            loop {
                let chunk = read_chunk(&mut stdout);
                let is_last = !matches!(chunk, Ok(Chunk::Bytes(_)));
                // An error means that nobody waits any more.
                if sender.send(chunk).is_err() || is_last {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("ap-keys".to_owned());
        thread.spawn(read)?;
        Ok(Self(receiver))
    }

    /// Reads once, and waits no longer than this for something to read.
    pub(crate) fn read(&mut self, wait: Duration) -> io::Result<Chunk> {
        use std::sync::mpsc::RecvTimeoutError;
        match self.0.recv_timeout(wait) {
            Ok(chunk) => chunk,
            Err(RecvTimeoutError::Timeout) => Ok(Chunk::Nothing),
            Err(RecvTimeoutError::Disconnected) => Ok(Chunk::End),
        }
    }
}
