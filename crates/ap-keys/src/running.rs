//! [`Running`]: a program that is asked for its output, under one time limit.

use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use secrecy::zeroize::Zeroizing;

use crate::pipe::{Chunk, MAX_CHUNK_SIZE, Pipe};

/// How long other processes may still print after the program has succeeded. Some programs leave one behind
/// that never closes the output, such as an agent.
const GRACE: Duration = Duration::from_secs(1);

/// The longest pause between two looks at the program: the standard library cannot wait with a limit.
const MAX_PAUSE: Duration = Duration::from_millis(20);

/// Why there is no output.
#[derive(Debug)]
pub(crate) enum Failure {
    TooSlow,
    TooMuch,
    Status(ExitStatus),
    Io(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What of the output is wanted. The rest is read and dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    All,
    FirstLine,
}

/// A running program. Dropping it kills the program, unless that has ended.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    has_own_group: bool,
    has_ended: bool,
}

impl Running {
    /// Starts a program, on Unix in a process group of its own unless it stays in the foreground.
    pub(crate) fn start(command: &mut Command, is_in_foreground: bool) -> io::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let has_own_group = cfg!(unix) && !is_in_foreground;
        #[cfg(unix)]
        if has_own_group {
            std::os::unix::process::CommandExt::process_group(command, 0);
        }
        Ok(Self {
            child: command.spawn()?,
            has_own_group,
            has_ended: false,
        })
    }

    /// Returns what the program prints, if it succeeds in time.
    ///
    /// The output ends when no process has it open any more, at the latest [`GRACE`] after the program has
    /// succeeded.
    pub(crate) fn output(
        mut self,
        limit: Duration,
        max_size: usize,
        wanted: Wanted,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let started = Instant::now();
        let stdout = self.child.stdout.take();
        let mut pipe =
            Pipe::new(stdout.ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe))?)?;
        // Large enough from the start: a buffer that grows leaves copies behind.
        let mut output = Zeroizing::new(Vec::with_capacity(max_size + MAX_CHUNK_SIZE));
        let mut limit = limit;
        let mut is_complete = false;
        // Nothing is left to read that was printed before the program ended.
        let mut is_drained = false;
        let mut pause = Duration::ZERO;
        loop {
            pause = (pause * 2).clamp(Duration::from_millis(1), MAX_PAUSE);
            let wait = pause.min(limit.saturating_sub(started.elapsed()));
            if is_complete {
                std::thread::sleep(wait);
            } else {
                match pipe.read(wait)? {
                    Chunk::Nothing => is_drained = self.has_ended,
                    Chunk::End => is_complete = true,
                    Chunk::Bytes(bytes) => {
                        append(&mut output, &bytes, wanted);
                        pause = Duration::ZERO;
                    }
                }
            }
            if output.len() > max_size {
                return Err(Failure::TooMuch);
            }
            if !self.has_ended
                && let Some(status) = self.child.try_wait()?
            {
                self.has_ended = true;
                if !status.success() {
                    return Err(Failure::Status(status));
                }
                limit = limit.min(started.elapsed() + GRACE);
            }
            let is_over = started.elapsed() >= limit;
            let is_first_line_there = wanted == Wanted::FirstLine && output.ends_with(b"\n");
            match self.has_ended {
                true if is_complete || is_over && (is_drained || is_first_line_there) => {
                    return Ok(output);
                }
                false if is_over => return Err(Failure::TooSlow),
                _ => {}
            }
        }
    }
}

pub(crate) fn append(output: &mut Vec<u8>, bytes: &[u8], wanted: Wanted) {
    if wanted == Wanted::All {
        output.extend_from_slice(bytes);
    } else if !output.ends_with(b"\n") {
        let line = bytes.split_inclusive(|&byte| byte == b'\n').next();
        output.extend_from_slice(line.unwrap_or_default());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        #[cfg(unix)]
        if self.has_own_group {
            // Nobody has waited for the program, so its process id is not reused yet.
            if let Some(group) = i32::try_from(self.child.id())
                .ok()
                .and_then(rustix::process::Pid::from_raw)
            {
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn all_that_was_printed_is_read_although_the_time_is_over() {
        // A process that keeps the output open, so that its end does not show.
        let mut command = Command::new("sh");
        command.args(["-c", "printf '%02000d' 0; sleep 5 &"]);
        let mut running = Running::start(&mut command, false).unwrap();
        running.child.wait().unwrap();
        let output = running.output(Duration::ZERO, 4096, Wanted::All).unwrap();
        assert_eq!(output.len(), 2000);
    }
}
