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

type Handler = Box<dyn Fn(Received) + Send>;

/// A signal, and who sent it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    pub(crate) signal: i32,
    /// The process that sent it. `None` if the kernel did, as it does for keys and the size of a terminal.
    #[cfg(unix)]
    pub(crate) sender: Option<i32>,
}

/// Adds signals to those that are handled.
#[cfg(unix)]
static HANDLED: Mutex<Option<signal_hook::iterator::Handle>> = Mutex::new(None);

/// What the user should know after an interrupt.
static HINT: Mutex<Option<&'static str>> = Mutex::new(None);

/// Handles SIGINT, SIGTERM, SIGHUP and SIGQUIT from now on, except for those that the parent process made ignored.
#[cfg(unix)]
pub(crate) fn install() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    use signal_hook::iterator::SignalsInfo;
    use signal_hook::iterator::exfiltrator::WithOrigin;

    let handled = not_ignored(&[SIGINT, SIGTERM, SIGHUP, SIGQUIT]);
    // Without a handler, the signals end the program in their usual way, so a failure here is harmless.
    if let Ok(mut signals) = SignalsInfo::<WithOrigin>::new(handled) {
        *HANDLED.lock().unwrap_or_else(PoisonError::into_inner) = Some(signals.handle());
        std::thread::spawn(move || {
            for origin in signals.forever() {
                received(Received {
                    signal: origin.signal,
                    sender: origin.process.map(|process| process.pid),
                });
            }
        });
    }
}

/// Handles these signals too from now on, except for those that the parent process made ignored.
#[cfg(unix)]
pub(crate) fn also_handle(signals: &[i32]) {
    if let Some(handled) = &*HANDLED.lock().unwrap_or_else(PoisonError::into_inner) {
        for signal in not_ignored(signals) {
            // Without a handler, the signal does what it usually does.
            let _ = handled.add_signal(signal);
        }
    }
}

#[cfg(unix)]
fn not_ignored(signals: &[i32]) -> impl Iterator<Item = i32> {
    let signals = signals.iter().copied();
    signals.filter(|signal| !crate::inherited::is_ignored(*signal))
}

/// Handles interrupts from now on.
#[cfg(not(unix))]
pub(crate) fn install() {
    // Without a handler, an interrupt ends the program in its usual way, so a failure here is harmless.
    let _ = ctrlc::set_handler(|| received(Received { signal: INTERRUPT }));
}

/// Makes signals call this function from now on, instead of ending the program.
pub(crate) fn handle(handler: impl Fn(Received) + Send + 'static) {
    *HANDLER.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(handler));
}

fn received(received: Received) {
    match &*HANDLER.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(handler) => handler(received),
        None => end_by(received.signal),
    }
}

/// Stops this process until it is continued, as a shell's job control does.
#[cfg(unix)]
pub(crate) fn pause() {
    let _ = signal_hook::low_level::raise(signal_hook::consts::SIGSTOP);
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
