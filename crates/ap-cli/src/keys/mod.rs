//! Where keys come from: the environment, a command, the keys file, a hidden prompt.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal as _, Read as _};
use std::time::Duration;

use ap_core::{ApiKey, MAX_KEY_LEN};
use ap_keys::{Command, Environment, KEY_VARIABLE, NEXT_KEY_VARIABLE};

use crate::exit::Failure;
use crate::{interrupt, keys_file};

/// A command that prints the keys, as a shell would split it.
pub(crate) const COMMAND_VARIABLE: &str = "ACTIVEPROSPECT_KEY_COMMAND";

/// Every variable that comes before the keys file.
pub(crate) const VARIABLES: [&str; 3] = [KEY_VARIABLE, NEXT_KEY_VARIABLE, COMMAND_VARIABLE];

/// More than any key with its line end, so that what is too long is seen to be.
const INPUT_LIMIT: u64 = 2 * MAX_KEY_LEN as u64;

/// A password manager may ask a person, who needs time.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(120);

/// Whether a person may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    Allowed,
    /// Standard input is for something else.
    Never,
}

/// The account's keys, oldest first, from the first source that has any.
pub(crate) fn resolve(prompt: Prompt) -> Result<Vec<ApiKey>, Failure> {
    if let Some(keys) = from_outside()? {
        return Ok(keys);
    }
    if let Some(keys) = keys_file::read(&keys_file::store()?)? {
        return Ok(keys);
    }
    if prompt == Prompt::Allowed && io::stdin().is_terminal() {
        return Ok(vec![ask("API key")?.labelled("from the prompt")]);
    }
    Err(Failure::no_key())
}

/// The keys that come before those of the file, if there are any: this program reads them and cannot
/// change them.
pub(crate) fn from_outside() -> Result<Option<Vec<ApiKey>>, Failure> {
    let keys = from_environment()?;
    if !keys.is_empty() {
        return Ok(Some(keys));
    }
    match set(COMMAND_VARIABLE) {
        Some(line) => from_command(&line).map(Some),
        None => Ok(None),
    }
}

pub(crate) fn from_environment() -> Result<Vec<ApiKey>, Failure> {
    let keys = Environment::new().read();
    keys.map_err(|problem| Failure::of_source(&problem))
}

/// The value of a variable, unless it is empty.
pub(crate) fn set(variable: impl AsRef<OsStr>) -> Option<OsString> {
    std::env::var_os(variable).filter(|value| !value.is_empty())
}

fn from_command(line: &OsStr) -> Result<Vec<ApiKey>, Failure> {
    let words = line.to_str().and_then(shlex::split);
    let Some((program, arguments)) = words.as_deref().and_then(<[String]>::split_first) else {
        return Err(Failure::usage(
            format!("{COMMAND_VARIABLE} is not a command: a quote is open, or there is no word"),
            "write it as for a shell, such as: pass show activeprospect",
        ));
    };
    Command::new(program)
        .args(arguments)
        // Else a command that calls this program would never end.
        .without_variable(COMMAND_VARIABLE)
        .timeout(COMMAND_TIMEOUT)
        .in_foreground()
        .read(None)
        .map_err(|problem| Failure::of_source(&problem))
}

/// A key from a hidden prompt on the terminal, or from standard input when that is something else.
pub(crate) fn ask_or_read(what: &str) -> Result<ApiKey, Failure> {
    if io::stdin().is_terminal() {
        return ask(what);
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

fn ask(what: &str) -> Result<ApiKey, Failure> {
    let echo = interrupt::keep_echo();
    let typed = rpassword::prompt_password(format!("{what} (hidden): "));
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
