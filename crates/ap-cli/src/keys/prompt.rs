//! Keys that a person types at a hidden prompt, or that are piped in.

#[cfg(unix)]
use std::fs::File;
#[cfg(unix)]
use std::io::Write as _;
use std::io::{self, IsTerminal as _, Read as _};
#[cfg(unix)]
use std::sync::Arc;

use activeprospect::ApiKey;
use activeprospect::ap_core::key::MAX_KEY_LEN;

use crate::failure::Failure;
use crate::{inherited, interrupt};

/// The length of the longest line that a terminal returns.
#[cfg(unix)]
const LINE_LIMIT: usize = 4096;

/// How many bytes of standard input are read. Longer than any key with its line break, so that a text that is
/// too long is noticed.
const INPUT_LIMIT: u64 = 2 * MAX_KEY_LEN as u64;

/// Returns a key from a hidden prompt if standard input is a terminal, otherwise from standard input.
pub(crate) fn ask_or_read(what: &str) -> Result<ApiKey, Failure> {
    if io::stdin().is_terminal() {
        return ask(what);
    }
    if inherited::is_stdin_closed() {
        return Err(Failure::usage(
            "standard input is closed",
            "pipe one key into it",
        ));
    }
    let mut text = Vec::new();
    io::stdin()
        .lock()
        .take(INPUT_LIMIT)
        .read_to_end(&mut text)
        .map_err(|error| {
            Failure::usage(
                format!("standard input cannot be read ({})", error.kind()),
                "pipe one key into it",
            )
        })?;
    let line = text.strip_suffix(b"\n").unwrap_or(&text);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    ApiKey::parse(line)
        .map_err(|error| Failure::usage(error.to_string(), "pipe one key, on one line"))
}

/// Returns a key from a hidden prompt.
pub(crate) fn ask(what: &str) -> Result<ApiKey, Failure> {
    let typed = read_hidden(&format!("{what} (hidden): ")).map_err(|error| {
        Failure::usage(
            format!("the prompt failed ({})", error.kind()),
            "pipe the key in instead",
        )
    })?;
    ApiKey::parse(typed).map_err(|error| Failure::usage(error.to_string(), "copy the key again"))
}

/// Returns the line that is typed at a prompt. The terminal hides it before the prompt can be seen.
#[cfg(unix)]
fn read_hidden(prompt: &str) -> io::Result<Vec<u8>> {
    let terminal = File::options().read(true).write(true).open("/dev/tty")?;
    let terminal = Arc::new(terminal);
    let _hidden = interrupt::hide_typing(&terminal)?;
    (&*terminal).write_all(prompt.as_bytes())?;
    // Never longer, so that no copy of the key is left where it grew.
    let mut line = Vec::with_capacity(LINE_LIMIT);
    let mut part = [0; LINE_LIMIT];
    // A terminal returns at most one line at once.
    while line.last() != Some(&b'\n') {
        let count = match (&*terminal).read(&mut part) {
            Ok(0) if line.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        line.extend_from_slice(&part[..count]);
    }
    line.pop_if(|last| *last == b'\n');
    Ok(line)
}

/// Returns the line that is typed at a prompt.
#[cfg(not(unix))]
fn read_hidden(prompt: &str) -> io::Result<Vec<u8>> {
    match rpassword::prompt_password(prompt) {
        // The terminal reports Ctrl-C here before the signal handler runs.
        Err(error) if error.kind() == io::ErrorKind::Interrupted => interrupt::exit(),
        typed => typed.map(String::into_bytes),
    }
}
