//! Ctrl-C: one sentence, exit code 130, a terminal that echoes again, and no file half-way.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::exit::INTERRUPTED;
use crate::output;

#[cfg(unix)]
type Saved = rustix::termios::Termios;
#[cfg(not(unix))]
type Saved = ();

static SAVED: Mutex<Option<Saved>> = Mutex::new(None);

/// Held while files are in an in-between state.
static BUSY: Mutex<()> = Mutex::new(());

/// Answers the signals from now on.
pub(crate) fn install() {
    // Without a handler the signals end the program as they always do, so a failure here is no harm.
    let _ = ctrlc::set_handler(|| exit());
}

/// Ends the program as an interrupt does, once whatever is being written is whole.
pub(crate) fn exit() -> ! {
    let _whole = hold();
    restore();
    output::say("ap: interrupted");
    std::process::exit(i32::from(INTERRUPTED))
}

/// While the guard lives, an interrupt waits.
pub(crate) fn hold() -> MutexGuard<'static, ()> {
    BUSY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Switches the terminal's echo off until the guard is dropped or an interrupt comes. The prompt's library
/// does so only after it has shown the prompt, and a key is pasted faster than that.
pub(crate) fn without_echo() -> WithoutEcho {
    #[cfg(unix)]
    if let Ok(saved) = rustix::termios::tcgetattr(std::io::stdin()) {
        let mut silent = saved.clone();
        silent.local_modes.remove(rustix::termios::LocalModes::ECHO);
        *SAVED.lock().unwrap_or_else(PoisonError::into_inner) = Some(saved);
        // If it fails, the library's own try comes next.
        let _ = set(&silent);
    }
    WithoutEcho
}

/// The terminal is put back when this goes.
pub(crate) struct WithoutEcho;

impl Drop for WithoutEcho {
    fn drop(&mut self) {
        restore();
    }
}

#[cfg(unix)]
fn set(modes: &Saved) -> rustix::io::Result<()> {
    let now = rustix::termios::OptionalActions::Now;
    rustix::termios::tcsetattr(std::io::stdin(), now, modes)
}

fn restore() {
    let saved = SAVED.lock().unwrap_or_else(PoisonError::into_inner).take();
    #[cfg(unix)]
    if let Some(saved) = saved {
        // There is nobody left to tell.
        let _ = set(&saved);
    }
    #[cfg(not(unix))]
    drop(saved);
}
