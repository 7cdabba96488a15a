//! The command's process, where signals do not exist: the console sends Ctrl-C to both programs.

use std::io;
use std::process::{Command, ExitStatus};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Stop;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::interrupt;
use crate::output::Printed;

/// How long the command may take to end, if it is told to because it has no gateway any more.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// A running command.
pub(super) struct Running {
    waiter: JoinHandle<io::Result<ExitStatus>>,
}

/// Starts the command. When it ends, the gateway is told to stop.
pub(super) fn start(mut command: Command, stop: &Stop) -> io::Result<Running> {
    let mut child = command.spawn()?;
    // The command decides what an interrupt means.
    interrupt::handle(|_| {});
    let stop = stop.clone();
    let waiter = std::thread::Builder::new().spawn(move || {
        let status = child.wait();
        stop.now();
        status
    })?;
    Ok(Running { waiter })
}

impl Running {
    /// Ends this program with the command's exit code.
    pub(super) fn end(self) -> Result<Printed, Failure> {
        let Ok(Ok(status)) = self.waiter.join() else {
            let message = "it is not known how the command ended";
            return Err(Failure::new(ExitCode::Other, message, "check what it did"));
        };
        std::process::exit(status.code().unwrap_or(1))
    }

    /// Waits for the end of the command. There is no signal that asks it to end.
    pub(super) fn end_within(self, _: Duration) {
        let _ = self.waiter.join();
    }
}
