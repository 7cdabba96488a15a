//! Where keys come from: the environment, a command, the keys file, a hidden prompt.

pub(crate) mod file;
pub(crate) mod in_arguments;
pub(crate) mod prompt;

use std::io::{self, IsTerminal as _};

use activeprospect::ApiKey;
use activeprospect::keys::{FromEnvironment, KEY_VARIABLES};

use crate::failure::Failure;

/// If a person may be asked for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    Allowed,
    /// Standard input is used for something else.
    Never,
}

/// Returns the account's keys, oldest first, from the first source that has any.
pub(crate) fn find(prompt: Prompt) -> Result<Vec<ApiKey>, Failure> {
    if let Some(keys) = from_environment()? {
        return Ok(keys);
    }
    if let Some(keys) = file::store()?.read()? {
        return Ok(keys);
    }
    if prompt == Prompt::Allowed && io::stdin().is_terminal() {
        let key = prompt::ask("API key")?;
        return Ok(vec![key.with_label("from the prompt")]);
    }
    Err(Failure::no_key())
}

/// Returns the keys in variables, or those that a command prints, if either is configured. They come before
/// those of the keys file, and this program cannot change them.
pub(crate) fn from_environment() -> Result<Option<Vec<ApiKey>>, Failure> {
    let Some(source) = FromEnvironment::find()? else {
        return Ok(None);
    };
    Ok(Some(source.read(None)?))
}

/// Returns the names of the key variables that are set and not empty.
pub(crate) fn variables_in_use() -> impl Iterator<Item = &'static str> {
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    KEY_VARIABLES.into_iter().filter(is_set)
}
