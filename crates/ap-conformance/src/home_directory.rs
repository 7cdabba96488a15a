//! The home directory of a case about the environment: files that lie there, and files that must not.

use std::path::PathBuf;

use crate::case::Case;
use crate::placeholders::Template;

fn path() -> Result<PathBuf, String> {
    std::env::var_os("HOME")
        .map(PathBuf::from)
        .ok_or_else(|| "the case needs a home directory, and HOME is not set".to_owned())
}

/// Puts the case's files into the home directory.
pub(crate) fn furnish(case: &Case, template: &Template) -> Result<(), String> {
    for (name, text) in &case.home {
        let text = template.fill(text)?;
        std::fs::write(path()?.join(name), text).map_err(|error| {
            format!("the suite could not write {name} of a home directory: {error}")
        })?;
    }
    Ok(())
}

/// Whether a file is there that must not be.
pub(crate) fn judge(case: &Case) -> Result<(), String> {
    for name in &case.home_lacks {
        if path()?.join(name).exists() {
            return Err(format!("the client wrote {name} in its home directory"));
        }
    }
    Ok(())
}
