//! Keys that a person types at a hidden prompt, or that are piped in.

use std::io::{self, IsTerminal as _, Read as _};

use activeprospect::ApiKey;
use activeprospect::ap_core::key::MAX_KEY_LEN;

use crate::failure::Failure;
use crate::{inherited, interrupt};

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
    let saved = interrupt::save_terminal();
    let typed = rpassword::prompt_password(format!("{what} (hidden): "));
    let typed = match typed {
        // The terminal reports Ctrl-C here before the signal handler runs.
        Err(error) if error.kind() == io::ErrorKind::Interrupted => interrupt::exit(),
        typed => typed,
    };
    drop(saved);
    let typed = typed.map_err(|error| {
        Failure::usage(
            format!("the prompt failed ({})", error.kind()),
            "pipe the key in instead",
        )
    })?;
    ApiKey::parse(typed).map_err(|error| Failure::usage(error.to_string(), "copy the key again"))
}
