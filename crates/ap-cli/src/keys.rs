//! Where keys come from: the environment, the keys file, a hidden prompt.

use std::io::{self, IsTerminal as _, Read as _};

use ap_core::{ApiKey, MAX_KEY_LEN};

use crate::exit::Failure;
use crate::{interrupt, keys_file};

pub(crate) const VARIABLE: &str = "ACTIVEPROSPECT_API_KEY";

/// More than any key with its line end, so that what is too long is seen to be.
const INPUT_LIMIT: u64 = 2 * MAX_KEY_LEN as u64;

/// Whether a person may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    Allowed,
    /// Standard input is for something else.
    Never,
}

/// The account's keys, oldest first, from the first source that has any.
pub(crate) fn resolve(prompt: Prompt) -> Result<Vec<ApiKey>, Failure> {
    if let Some(key) = from_environment()? {
        return Ok(vec![key]);
    }
    if let Some(keys) = keys_file::read(&keys_file::path()?)? {
        return Ok(keys);
    }
    if prompt == Prompt::Allowed && io::stdin().is_terminal() {
        return Ok(vec![ask()?.labelled("from the prompt")]);
    }
    Err(Failure::no_key())
}

pub(crate) fn from_environment() -> Result<Option<ApiKey>, Failure> {
    let Some(value) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let key = ApiKey::parse(value.as_encoded_bytes())
        .map_err(|error| Failure::usage(format!("{VARIABLE}: {error}"), "set it again"))?;
    Ok(Some(key.labelled(VARIABLE)))
}

/// A key from a hidden prompt on the terminal, or from standard input when that is something else.
pub(crate) fn ask_or_read() -> Result<ApiKey, Failure> {
    if io::stdin().is_terminal() {
        return ask();
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

fn ask() -> Result<ApiKey, Failure> {
    let echo = interrupt::keep_echo();
    let typed = rpassword::prompt_password("API key (hidden): ");
    let typed = match typed {
        // The terminal says this before the signal is heard.
        Err(error) if error.kind() == io::ErrorKind::Interrupted => interrupt::exit(),
        typed => typed,
    };
    drop(echo);
    let typed = typed.map_err(|error| {
        Failure::usage(
            format!("the prompt failed ({})", error.kind()),
            "pipe the key in instead",
        )
    })?;
    ApiKey::parse(typed).map_err(|error| Failure::usage(error.to_string(), "copy the key again"))
}
