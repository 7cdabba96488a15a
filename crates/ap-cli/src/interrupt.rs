//! Signals: one sentence, a terminal that echoes again, no half-written file, and an end by that very signal, so
//! that a shell or a supervisor sees which one it was.

#[cfg(unix)]
use std::fs::File;
#[cfg(unix)]
use std::io::Write as _;
#[cfg(unix)]
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[cfg(unix)]
use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};

use crate::output;

/// The number of the interrupt that Ctrl-C sends.
pub(crate) const INTERRUPT: i32 = 2;

/// The terminal of a prompt, and its modes before the prompt.
#[cfg(unix)]
static TERMINAL: Mutex<Option<(Arc<File>, Termios)>> = Mutex::new(None);

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

/// A terminal has a bar on the line of its cursor.
static HAS_BAR: AtomicBool = AtomicBool::new(false);

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
#[cfg(not(unix))]
pub(crate) fn exit() -> ! {
    end_by(INTERRUPT)
}

/// Ends the program by a signal, after any file that is being changed is complete.
pub(crate) fn end_by(signal: i32) -> ! {
    let _complete = defer();
    // Until the program has ended, no prompt can hide again what is typed.
    #[cfg(unix)]
    let _terminal = restore_terminal();
    if HAS_BAR.load(Ordering::SeqCst) {
        output::eprintln("");
    }
    output::eprintln("ap: interrupted");
    if let Some(hint) = *HINT.lock().unwrap_or_else(PoisonError::into_inner) {
        output::eprintln(&format!("     {hint}"));
    }
    end_silently_by(signal)
}

/// Ends the program by a signal, and says nothing.
pub(crate) fn end_silently_by(signal: i32) -> ! {
    // No signal ends the first process of a container by default.
    #[cfg(unix)]
    if std::process::id() != 1 {
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
    // What a shell shows for that signal.
    std::process::exit(128 + signal)
}

/// Sets what an interrupt tells the user from now on.
pub(crate) fn set_hint(hint: &'static str) {
    *HINT.lock().unwrap_or_else(PoisonError::into_inner) = Some(hint);
}

/// Sets if a terminal has a bar on the line of its cursor, below which an interrupt writes.
pub(crate) fn set_bar(has_bar: bool) {
    HAS_BAR.store(has_bar, Ordering::SeqCst);
}

/// Makes an interrupt wait until the guard is dropped.
pub(crate) fn defer() -> MutexGuard<'static, ()> {
    CHANGING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a terminal hide what is typed until the guard is dropped, or until a signal ends the program.
///
/// Lines are still edited and signals still sent by keys, apart from the one that suspends the program: a shell would
/// show what is typed after the program continues.
#[cfg(unix)]
pub(crate) fn hide_typing(terminal: &Arc<File>) -> std::io::Result<HiddenTyping> {
    // Locked until the modes are set, so that a signal finds either nothing to restore or all of it.
    let mut saved = TERMINAL.lock().unwrap_or_else(PoisonError::into_inner);
    let modes = termios::tcgetattr(terminal)?;
    let mut hidden = modes.clone();
    hidden.local_modes -= LocalModes::ECHO | LocalModes::ECHONL;
    hidden.local_modes |= LocalModes::ICANON | LocalModes::ISIG;
    hidden.special_codes[SpecialCodeIndex::VSUSP] = NO_KEY;
    *saved = Some((Arc::clone(terminal), modes));
    termios::tcsetattr(terminal, OptionalActions::Now, &hidden)?;
    Ok(HiddenTyping)
}

/// The code that switches off a key of a terminal.
#[cfg(unix)]
const NO_KEY: u8 = if cfg!(any(target_os = "linux", target_os = "android")) {
    0
} else {
    0xFF
};

/// While this lives, a terminal hides what is typed.
#[cfg(unix)]
pub(crate) struct HiddenTyping;

#[cfg(unix)]
impl Drop for HiddenTyping {
    fn drop(&mut self) {
        drop(restore_terminal());
    }
}

/// Makes the terminal of a prompt, if there is one, show again what is typed. While the guard lives, no other prompt
/// begins.
#[cfg(unix)]
fn restore_terminal() -> MutexGuard<'static, Option<(Arc<File>, Termios)>> {
    let mut saved = TERMINAL.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((terminal, modes)) = saved.take() {
        // A terminal that has gone needs no modes.
        let _ = termios::tcsetattr(&terminal, OptionalActions::Now, &modes);
        // The line break after the hidden text was not shown either.
        let _ = (&*terminal).write_all(b"\n");
    }
    saved
}
