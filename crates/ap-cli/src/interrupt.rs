//! Ctrl-C: one sentence, exit code 130, and a terminal that echoes again.

use std::sync::{Mutex, PoisonError};

use crate::exit::INTERRUPTED;

#[cfg(unix)]
type Saved = rustix::termios::Termios;
#[cfg(not(unix))]
type Saved = ();

static SAVED: Mutex<Option<Saved>> = Mutex::new(None);

/// Answers the signals from now on.
pub(crate) fn install() {
    // Without a handler the signals end the program as they always do, so a failure here is no harm.
    let _ = ctrlc::set_handler(|| {
        restore();
        eprintln!("ap: interrupted");
        std::process::exit(INTERRUPTED);
    });
}

/// Remembers how the terminal is, so that an interrupted prompt does not leave it without echo.
pub(crate) fn keep_echo() -> EchoKept {
    #[cfg(unix)]
    {
        let saved = rustix::termios::tcgetattr(std::io::stdin()).ok();
        *SAVED.lock().unwrap_or_else(PoisonError::into_inner) = saved;
    }
    EchoKept
}

/// While this lives, an interrupt puts the terminal back.
pub(crate) struct EchoKept;

impl Drop for EchoKept {
    fn drop(&mut self) {
        *SAVED.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn restore() {
    let saved = SAVED.lock().unwrap_or_else(PoisonError::into_inner).take();
    #[cfg(unix)]
    if let Some(saved) = saved {
        let now = rustix::termios::OptionalActions::Now;
        // There is nobody left to tell.
        let _ = rustix::termios::tcsetattr(std::io::stdin(), now, &saved);
    }
    #[cfg(not(unix))]
    drop(saved);
}
