//! Signals: one sentence, a terminal that echoes again, no half-written file, and an end by that very signal, so
//! that a shell or a supervisor sees which one it was.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::output;

#[cfg(unix)]
type TerminalModes = rustix::termios::Termios;
#[cfg(not(unix))]
type TerminalModes = ();

/// The number of the interrupt that Ctrl-C sends.
pub(crate) const INTERRUPT: i32 = 2;

/// The terminal's modes before a prompt.
static TERMINAL: Mutex<Option<TerminalModes>> = Mutex::new(None);

/// Held while a file is being changed.
static CHANGING: Mutex<()> = Mutex::new(());

/// What signals do instead of ending the program, if anything.
static HANDLER: Mutex<Option<Handler>> = Mutex::new(None);

type Handler = Box<dyn Fn(i32) + Send>;

/// What the user should know after an interrupt.
static HINT: Mutex<Option<&'static str>> = Mutex::new(None);

/// Handles SIGINT, SIGTERM and SIGHUP from now on, except for those that the parent process made ignored.
#[cfg(unix)]
pub(crate) fn install() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let handled = [SIGINT, SIGTERM, SIGHUP];
    let handled = handled
        .into_iter()
        .filter(|signal| !crate::inherited::is_ignored(*signal));
    // Without a handler, the signals end the program in their usual way, so a failure here is harmless.
    if let Ok(mut signals) = Signals::new(handled) {
        std::thread::spawn(move || {
            signals.forever().for_each(received);
        });
    }
}

/// Handles interrupts from now on.
#[cfg(not(unix))]
pub(crate) fn install() {
    // Without a handler, an interrupt ends the program in its usual way, so a failure here is harmless.
    let _ = ctrlc::set_handler(|| received(INTERRUPT));
}

/// Makes signals call this function from now on, instead of ending the program.
pub(crate) fn handle(handler: impl Fn(i32) + Send + 'static) {
    *HANDLER.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(handler));
}

fn received(signal: i32) {
    match &*HANDLER.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(handler) => handler(signal),
        None => end_by(signal),
    }
}

/// Ends the program as an interrupt does.
pub(crate) fn exit() -> ! {
    end_by(INTERRUPT)
}

/// Ends the program by a signal, after any file that is being changed is complete.
pub(crate) fn end_by(signal: i32) -> ! {
    let _complete = defer();
    restore_terminal();
    output::eprintln("ap: interrupted");
    if let Some(hint) = *HINT.lock().unwrap_or_else(PoisonError::into_inner) {
        output::eprintln(&format!("     {hint}"));
    }
    end_silently_by(signal)
}

/// Ends the program by a signal, and says nothing.
pub(crate) fn end_silently_by(signal: i32) -> ! {
    #[cfg(unix)]
    let _ = signal_hook::low_level::emulate_default_handler(signal);
    // What a shell shows for that signal.
    std::process::exit(128 + signal)
}

/// Sets what an interrupt tells the user from now on.
pub(crate) fn set_hint(hint: &'static str) {
    *HINT.lock().unwrap_or_else(PoisonError::into_inner) = Some(hint);
}

/// Makes an interrupt wait until the guard is dropped.
pub(crate) fn defer() -> MutexGuard<'static, ()> {
    CHANGING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes an interrupt restore the terminal's present modes until the guard is dropped, so that an interrupted
/// prompt does not leave a terminal without echo.
///
/// The modes are not changed here: the prompt's library restores the modes that it found, possibly after an
/// interrupt has restored them, and both must restore the same.
pub(crate) fn save_terminal() -> SavedTerminal {
    #[cfg(unix)]
    {
        let modes = rustix::termios::tcgetattr(std::io::stdin()).ok();
        *TERMINAL.lock().unwrap_or_else(PoisonError::into_inner) = modes;
    }
    SavedTerminal
}

/// While this lives, an interrupt restores the terminal.
pub(crate) struct SavedTerminal;

impl Drop for SavedTerminal {
    fn drop(&mut self) {
        *TERMINAL.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn restore_terminal() {
    let modes = TERMINAL
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    #[cfg(unix)]
    if let Some(modes) = modes {
        let now = rustix::termios::OptionalActions::Now;
        // The program ends, so there is nothing to do about a failure.
        let _ = rustix::termios::tcsetattr(std::io::stdin(), now, &modes);
    }
    #[cfg(not(unix))]
    drop(modes);
}
