//! Where keys come from: the environment, a command, the keys file of a profile, a hidden prompt.

pub(crate) mod account;
pub(crate) mod file;
pub(crate) mod in_arguments;
pub(crate) mod profile;
pub(crate) mod prompt;

/// If a person may be asked for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    Allowed,
    /// Standard input is used for something else.
    Never,
}
