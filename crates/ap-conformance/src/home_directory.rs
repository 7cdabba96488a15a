//! The home directory of a case about the environment: which files it has, and which must have nothing in them.

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

/// Fails if something was written to a file that must have nothing. That the file is there and empty shows nothing.
pub(crate) fn judge(case: &Case) -> Result<(), String> {
    for name in &case.home_lacks {
        let length = std::fs::metadata(path()?.join(name)).map_or(0, |file| file.len());
        if length > 0 {
            return Err(format!(
                "the client wrote {length} bytes to {name} in its home directory"
            ));
        }
    }
    Ok(())
}
