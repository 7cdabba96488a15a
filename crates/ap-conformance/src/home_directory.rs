//! The home directory of a case about the environment: which files it has, and which must not appear.

use std::path::PathBuf;

use crate::case::Case;
use crate::placeholders::Placeholders;

fn path() -> Result<PathBuf, String> {
    std::env::var_os("HOME")
        .map(PathBuf::from)
        .ok_or_else(|| "the case needs a home directory, but HOME is not set".to_owned())
}

/// Writes the case's files into the home directory.
pub(crate) fn prepare(case: &Case, placeholders: &Placeholders) -> Result<(), String> {
    for (name, text) in &case.home {
        let text = placeholders.fill(text)?;
        std::fs::write(path()?.join(name), text).map_err(|error| {
            format!("the suite could not write {name} to the home directory: {error}")
        })?;
    }
    Ok(())
}

/// Fails if a file exists that must not.
pub(crate) fn judge(case: &Case) -> Result<(), String> {
    for name in &case.home_lacks {
        if path()?.join(name).exists() {
            return Err(format!("the client wrote {name} in its home directory"));
        }
    }
    Ok(())
}
