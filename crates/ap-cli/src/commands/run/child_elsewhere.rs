//! The command's process, where signals do not exist: the console sends Ctrl-C to both programs.
//!
//! Nothing here depends on the platform, so that the tests on Unix check it too.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::interrupt;
use crate::output::Printed;
use crate::stop::Stop;

/// How often it is looked if the command has ended. A wait for its end would keep the process from being ended.
const PAUSE: Duration = Duration::from_millis(10);

/// A running command.
pub(super) struct Running {
    process: Process,
    ended: Receiver<io::Result<ExitStatus>>,
}

/// The process, which one thread waits for and another one may end.
#[derive(Clone)]
struct Process(Arc<Mutex<Child>>);

/// Starts the command. When it ends, the gateway is told to stop.
pub(super) fn start(mut command: Command, stop: &Stop) -> io::Result<Running> {
    let (started, has_started) = sync_channel(1);
    let (end, ended) = sync_channel(1);
    let stop = stop.clone();
    // The thread is made first: nothing can fail after the command has started.
    let thread = std::thread::Builder::new().name("ap-run".to_owned());
    thread.spawn(move || match Process::start(&mut command) {
        Ok(process) => {
            let _ = started.send(Ok(process.clone()));
            let _ = end.send(process.wait());
            stop.now();
        }
        Err(error) => {
            let _ = started.send(Err(error));
        }
    })?;
    let process = has_started
        .recv()
        .unwrap_or_else(|_| Err(io::Error::other("the thread ended")))?;
    Ok(Running { process, ended })
}

impl Process {
    fn start(command: &mut Command) -> io::Result<Self> {
        let child = command.spawn()?;
        // The command decides what an interrupt means.
        interrupt::handle(|_| {});
        Ok(Self(Arc::new(Mutex::new(child))))
    }

    fn lock(&self) -> MutexGuard<'_, Child> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for its end.
    fn wait(&self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.lock().try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(PAUSE);
        }
    }
}

impl Running {
    /// Ends this program with the command's exit code.
    pub(super) fn end(self) -> Result<Printed, Failure> {
        let Ok(Ok(status)) = self.ended.recv() else {
            let message = "it is not known how the command ended";
            return Err(Failure::new(ExitCode::Other, message, "check what it did"));
        };
        std::process::exit(status.code().unwrap_or(1))
    }

    /// Waits for the end of the command, and ends it after this time. There is no signal that asks it to end.
    pub(super) fn end_within(self, patience: Duration) {
        if self.ended.recv_timeout(patience).is_err() {
            // It fails if the command has just ended.
            let _ = self.process.lock().kill();
            let _ = self.ended.recv_timeout(patience);
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::io::{Read as _, pipe};

    use super::*;
    use crate::commands::run::PATIENCE;

    /// Starts a script whose input and output are pipes.
    fn run(script: &str) -> (Running, io::PipeWriter, io::PipeReader) {
        let (stdin, input) = pipe().unwrap();
        let (output, stdout) = pipe().unwrap();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).stdin(stdin).stdout(stdout);
        let running = start(command, &Stop::default()).unwrap();
        (running, input, output)
    }

    fn rest(mut output: io::PipeReader) -> String {
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_command_that_does_not_end_is_ended_after_a_time() {
        let (running, _input, output) = run("trap '' INT TERM HUP; exec sleep 1000");
        let process = running.process.clone();
        running.end_within(PATIENCE / 100);
        // Its output has no writer any more, and nothing was left to end.
        assert_eq!(rest(output), "");
        assert!(!process.wait().unwrap().success());
    }

    #[test]
    fn a_command_that_ends_is_waited_for() {
        let (running, input, output) = run("read line; echo done; exit 3");
        let process = running.process.clone();
        drop(input);
        running.end_within(PATIENCE * 100);
        assert_eq!(rest(output), "done\n");
        assert_eq!(process.wait().unwrap().code(), Some(3));
    }

    #[test]
    fn the_end_of_a_command_is_told_with_its_exit_code() {
        let (running, _input, _output) = run("exit 7");
        assert_eq!(running.ended.recv().unwrap().unwrap().code(), Some(7));
        let missing = start(Command::new("/no/such/program"), &Stop::default());
        assert_eq!(missing.err().unwrap().kind(), io::ErrorKind::NotFound);
    }
}
