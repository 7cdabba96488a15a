//! The command's process: it gets this program's signals, and this program ends as it did.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, getpgid, getpgrp, getpid, getsid, kill_process, waitid,
};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGWINCH};

use crate::core_dump;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::interrupt::{self, Received};
use crate::output::Printed;
use crate::stop::Stop;

/// The signals that go to the command besides those that end programs: all others that supervisors send to servers.
const ALSO_SENT_ON: [i32; 6] = [SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT, SIGTTIN, SIGTTOU];

/// A running command.
pub(super) struct Running {
    process: Process,
    ended: Receiver<io::Result<ExitStatus>>,
}

/// The process, as long as its number is its own.
#[derive(Clone, Default)]
struct Process(Arc<Mutex<Option<Pid>>>);

/// Starts the command. When it ends, the gateway is told to stop.
pub(super) fn start(mut command: Command, stop: &Stop) -> io::Result<Running> {
    let process = Process::default();
    let (started, has_started) = sync_channel(1);
    let (end, ended) = sync_channel(1);
    let (of_thread, stop) = (process.clone(), stop.clone());
    // The thread is made first: nothing can fail after the command has started.
    let thread = std::thread::Builder::new().name("ap-run".to_owned());
    thread.spawn(move || match of_thread.start(&mut command) {
        Ok(child) => {
            let _ = started.send(Ok(()));
            let _ = end.send(of_thread.wait(child));
            stop.now();
        }
        Err(error) => {
            let _ = started.send(Err(error));
        }
    })?;
    has_started
        .recv()
        .unwrap_or_else(|_| Err(io::Error::other("the thread ended")))?;
    Ok(Running { process, ended })
}

impl Process {
    fn lock(&self) -> MutexGuard<'_, Option<Pid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the command. From now on it gets the signals of this program.
    fn start(&self, command: &mut Command) -> io::Result<Child> {
        // A signal that comes meanwhile waits for the lock, and then goes to the command.
        let mut process = self.lock();
        let of_handler = self.clone();
        interrupt::handle(move |received| of_handler.send_on(received));
        interrupt::also_handle(&ALSO_SENT_ON);
        let child = core_dump::with_inherited_limit(|| command.spawn())?;
        *process = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Ok(child)
    }

    /// Waits for its end.
    fn wait(&self, mut child: Child) -> io::Result<ExitStatus> {
        let pid = *self.lock();
        if let Some(pid) = pid {
            // It stays a zombie until the lock is held, so no signal reaches another process of its number.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(waitid(WaitId::Pid(pid), options), Err(Errno::INTR)) {}
        }
        let mut process = self.lock();
        *process = None;
        child.wait()
    }

    /// Sends it a signal that this program got, unless it got the same one.
    fn send_on(&self, received: Received) {
        let process = self.lock();
        let Some(pid) = *process else { return };
        if !has_reached(received, pid) {
            send(pid, Signal::from_named_raw(received.signal));
        } else if matches!(received.signal, SIGTTIN | SIGTTOU) {
            // A job of the background used the terminal: all of it stops.
            drop(process);
            interrupt::pause();
        }
    }

    fn send(&self, signal: Signal) {
        if let Some(pid) = *self.lock() {
            send(pid, Some(signal));
        }
    }
}

fn send(pid: Pid, signal: Option<Signal>) {
    if let Some(signal) = signal {
        // If it has just ended, there is nobody to tell.
        let _ = kill_process(pid, signal);
    }
}

/// Returns `true` if the command knows of a signal already: it sent it, or the kernel sent it to the whole group, as it
/// does for a key of the terminal. A process that signals the whole group cannot be distinguished from one that
/// signals this program alone.
fn has_reached(received: Received, command: Pid) -> bool {
    match received.sender {
        Some(sender) => sender == command.as_raw_pid(),
        None => {
            // A terminal that hangs up tells the first process of the session alone.
            let is_told_alone = received.signal == SIGHUP && getsid(None) == Ok(getpid());
            !is_told_alone && getpgid(Some(command)) == Ok(getpgrp())
        }
    }
}

impl Running {
    /// Ends this program as the command ended: with its exit code, or by its signal.
    pub(super) fn end(self) -> Result<Printed, Failure> {
        let Ok(Ok(status)) = self.ended.recv() else {
            let message = "it is not known how the command ended";
            return Err(Failure::new(ExitCode::Other, message, "check what it did"));
        };
        if let Some(signal) = status.signal() {
            interrupt::end_silently_by(signal);
        }
        std::process::exit(status.code().unwrap_or(1))
    }

    /// Ends the command, and waits until it has ended.
    pub(super) fn end_within(self, patience: Duration) {
        self.process.send(Signal::TERM);
        if self.ended.recv_timeout(patience).is_err() {
            self.process.send(Signal::KILL);
            let _ = self.ended.recv();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, pipe};

    use super::*;
    use crate::commands::run::PATIENCE;

    #[test]
    fn a_command_without_a_gateway_ends_even_if_it_does_not_want_to() {
        for (script, patience) in [
            ("echo ready; exec sleep 1000", PATIENCE * 100),
            ("trap '' TERM; echo ready; exec sleep 1000", PATIENCE / 100),
        ] {
            let (mut reader, writer) = pipe().unwrap();
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]).stdout(writer);
            let running = start(command, &Stop::default()).unwrap();
            reader.read_exact(&mut [0; "ready\n".len()]).unwrap();
            running.end_within(patience);
            // Nobody has the other end any more.
            assert_eq!(reader.read(&mut [0]).unwrap(), 0, "{script}");
        }
    }
}
