//! A child process that answers one line of JSON to each line that it reads.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;

use super::POLL_INTERVAL;
use super::error_output::ErrorOutput;

/// The longest line that is read from a program, in bytes.
const MAX_LINE: u64 = 256 * 1024 * 1024;

/// How many lines are read before they are needed. A program writes one for each message.
const LINES_AHEAD: usize = 2;

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
    errors: ErrorOutput,
    /// How many messages were sent.
    number: u64,
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
            errors: ErrorOutput::read(errors),
            number: 0,
        })
    }

    /// Sends a message with the next number, and waits for the answer. `op` names the message in errors.
    pub(super) fn exchange<T: for<'de> Deserialize<'de>>(
        &mut self,
        op: &str,
        mut message: Value,
        timeout: Duration,
    ) -> Result<T, NoAnswer> {
        // Before the first message, it is too early to tell an answer from other output.
        if self.number > 0 && self.output.try_recv().is_ok() {
            return Err(format!(
                "the program wrote a line that nothing asked for, before `{op}`; answer each message with one line"
            )
            .into());
        }
        self.number += 1;
        message["id"] = self.number.into();
        // If the program does not read it, it does not answer either.
        let _ = self.input.send(format!("{message}\n"));
        match self.output.recv_timeout(timeout) {
            Ok(line) => self.read(op, &line),
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

    /// Reads the answer to the last message. Its number may be left out.
    fn read<T: for<'de> Deserialize<'de>>(&self, op: &str, line: &str) -> Result<T, NoAnswer> {
        // Without anything of the line itself, which may contain a key.
        let invalid = |error: &serde_json::Error| {
            let problem = problem(error);
            format!(
                "the program answered `{op}` with a line that is not the protocol's JSON: {problem}"
            )
        };
        let mut answer: Value = serde_json::from_str(line).map_err(|error| invalid(&error))?;
        let id = answer
            .as_object_mut()
            .and_then(|answer| answer.remove("id"));
        let number = self.number;
        match id {
            Some(id) if id != number => {
                let seen = id.as_u64();
                let seen = seen.map_or_else(|| "no number".to_owned(), |id| id.to_string());
                Err(format!(
                    "the program answered `{op}`, message {number}, with the number of another: {seen}"
                )
                .into())
            }
            _ => Ok(serde_json::from_value(answer).map_err(|error| invalid(&error))?),
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
    ///
    /// # Errors
    ///
    /// Says that it was too much.
    pub(super) fn standard_error(&self) -> Result<String, String> {
        self.errors.take()
    }
}

/// Says what is wrong with a line, without the value that is wrong.
fn problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    // Serde quotes the value, and then says what it expected.
    match text.rsplit_once(", expected ") {
        _ if !error.is_data() || text.starts_with("missing field") => text,
        Some((_, expected)) => format!("a member is not what it must be: expected {expected}"),
        None => "a member is not what it must be".to_owned(),
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
