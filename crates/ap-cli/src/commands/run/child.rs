//! The command's process: it gets this program's signals, and this program ends as it did.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rustix::io::Errno;
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, getpgrp, kill_process, setrlimit, waitid,
};
use rustix::termios::tcgetpgrp;

use super::Stop;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::interrupt;
use crate::output::Printed;

/// A running command.
pub(super) struct Running {
    waiter: JoinHandle<io::Result<ExitStatus>>,
}

/// The process, as long as its number is its own.
type Process = Arc<Mutex<Option<Pid>>>;

/// Starts the command. When it ends, the gateway is told to stop.
pub(super) fn start(mut command: Command, stop: &Stop) -> io::Result<Running> {
    let process = Process::default();
    // A signal that comes meanwhile waits for the lock, and then goes to the command.
    let mut running = process.lock().unwrap_or_else(PoisonError::into_inner);
    forward_signals(&process);
    let mut child = command.spawn()?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    *running = pid;
    drop(running);
    let stop = stop.clone();
    let waiter = std::thread::Builder::new()
        .name("ap-run".to_owned())
        .spawn(move || {
            if let Some(pid) = pid {
                // It stays a zombie until the lock is held, so no signal reaches another process of its number.
                let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
                while matches!(waitid(WaitId::Pid(pid), options), Err(Errno::INTR)) {}
            }
            let mut process = process.lock().unwrap_or_else(PoisonError::into_inner);
            let status = child.wait();
            *process = None;
            stop.now();
            status
        })?;
    Ok(Running { waiter })
}

/// Sends this program's signals on to the command.
fn forward_signals(process: &Process) {
    let process = Arc::clone(process);
    interrupt::handle(move |number| {
        if number == interrupt::INTERRUPT && is_in_foreground() {
            return;
        }
        let process = process.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(pid), Some(signal)) = (*process, Signal::from_named_raw(number)) {
            // If it has just ended, there is nobody to tell.
            let _ = kill_process(pid, signal);
        }
    });
}

/// Returns `true` if Ctrl-C on the terminal has reached the command already, as it reaches all of the group in the
/// foreground.
fn is_in_foreground() -> bool {
    let terminal = std::fs::File::open("/dev/tty");
    terminal.is_ok_and(|terminal| tcgetpgrp(terminal) == Ok(getpgrp()))
}

impl Running {
    /// Ends this program as the command ended: with its exit code, or by its signal.
    pub(super) fn end(self) -> Result<Printed, Failure> {
        let status = self.waiter.join();
        let Ok(Ok(status)) = status else {
            let message = "it is not known how the command ended";
            return Err(Failure::new(ExitCode::Other, message, "check what it did"));
        };
        if let Some(signal) = status.signal() {
            // This process contains the account's key, and the command has left its own core file, if any.
            let none = Rlimit {
                current: Some(0),
                maximum: Some(0),
            };
            let _ = setrlimit(Resource::Core, none);
            interrupt::end_silently_by(signal);
        }
        std::process::exit(status.code().unwrap_or(1))
    }
}
