//! A child process that answers one line of JSON to each line that it reads.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::POLL_INTERVAL;

/// The longest line that is read from a program, in bytes.
const MAX_LINE: u64 = 256 * 1024 * 1024;

/// How many lines are read before they are needed.
const LINES_AHEAD: usize = 10_000;

/// Why a program gave no answer that can be used.
pub(super) struct NoAnswer {
    pub message: String,
    /// It answered nothing in the time that it had.
    pub is_timeout: bool,
}

impl From<String> for NoAnswer {
    fn from(message: String) -> Self {
        Self {
            message,
            is_timeout: false,
        }
    }
}

/// A running program. It is ended when this is dropped.
pub(super) struct Process {
    child: Child,
    input: Sender<String>,
    output: Receiver<String>,
    errors: Receiver<String>,
}

impl Process {
    /// Starts a command through the shell.
    pub(super) fn start(command: &str) -> Result<Self, String> {
        let (shell, flag) = if cfg!(windows) {
            ("cmd", "/C")
        } else {
            ("sh", "-c")
        };
        let mut child = Command::new(shell)
            .args([flag, command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("the program could not be started: {error}"))?;
        let (Some(input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err("the program has no standard streams".to_owned());
        };
        Ok(Self {
            child,
            input: write_lines(input),
            output: read_lines(output),
            errors: read_lines(errors),
        })
    }

    /// Sends a message, and waits for the answer. `op` names the message in errors.
    pub(super) fn exchange<T: for<'de> Deserialize<'de>>(
        &mut self,
        op: &str,
        message: &str,
        timeout: Duration,
    ) -> Result<T, NoAnswer> {
        // If the program does not read it, it does not answer either.
        let _ = self.input.send(format!("{message}\n"));
        match self.output.recv_timeout(timeout) {
            Ok(line) => serde_json::from_str(&line).map_err(|error| {
                // Without the line itself, which may contain a key.
                format!("the program answered `{op}` with a line that is not the protocol's JSON: {error}").into()
            }),
            Err(RecvTimeoutError::Timeout) => {
                let millis = timeout.as_millis();
                Err(NoAnswer {
                    message: format!("the program did not answer `{op}` within {millis} ms"),
                    is_timeout: true,
                })
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.why_output_ended(op).into()),
        }
    }

    fn why_output_ended(&mut self, op: &str) -> String {
        let end = Instant::now() + Duration::from_secs(1);
        while Instant::now() < end {
            if let Ok(Some(status)) = self.child.try_wait() {
                return format!("the program ended before it answered `{op}` ({status})");
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        format!("the program closed its standard output before it answered `{op}`")
    }

    /// Returns what the program wrote to standard error since the last call.
    pub(super) fn standard_error(&self) -> String {
        self.errors.try_iter().collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes lines on a thread of its own, so that a program that reads nothing blocks only that thread.
fn write_lines(mut stream: ChildStdin) -> Sender<String> {
    let (send, receive) = mpsc::channel::<String>();
    std::thread::spawn(move || {
        for line in receive {
            if stream
                .write_all(line.as_bytes())
                .and_then(|()| stream.flush())
                .is_err()
            {
                return;
            }
        }
    });
    send
}

/// Reads lines on a thread of its own, so that a program that writes nothing blocks only that thread.
///
/// A limit on the lines read ahead makes a program that writes too much wait.
fn read_lines(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = mpsc::sync_channel(LINES_AHEAD);
    std::thread::spawn(move || {
        let mut reader = BufReader::new(std::io::Read::take(stream, MAX_LINE));
        let mut line = Vec::new();
        while matches!(reader.read_until(b'\n', &mut line), Ok(1..)) {
            if send
                .send(String::from_utf8_lossy(&line).into_owned())
                .is_err()
            {
                return;
            }
            line.clear();
            reader.get_mut().set_limit(MAX_LINE);
        }
    });
    receive
}
