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

/// What there is to know for whoever interrupts.
static LAST_WORDS: Mutex<Option<&'static str>> = Mutex::new(None);

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
    if let Some(words) = *LAST_WORDS.lock().unwrap_or_else(PoisonError::into_inner) {
        output::say(&format!("     {words}"));
    }
    std::process::exit(i32::from(INTERRUPTED))
}

/// From now on an interrupt says this too.
pub(crate) fn end_with(words: &'static str) {
    *LAST_WORDS.lock().unwrap_or_else(PoisonError::into_inner) = Some(words);
}

/// While the guard lives, an interrupt waits.
pub(crate) fn hold() -> MutexGuard<'static, ()> {
    BUSY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Remembers how the terminal is, so that an interrupted prompt does not leave it without echo. The modes
/// are left alone: the prompt's library puts back what it finds, maybe after an interrupt has done so, and
/// both must put back the same.
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
