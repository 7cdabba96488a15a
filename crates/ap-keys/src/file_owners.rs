//! Checks who owns the folders and links on the way to a file. Their owner decides which file is read, replaced
//! or removed there.

use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, display_path};
use crate::links::MAX_LINKS;

/// Checks that every folder and link on the way to a file belongs to this process's user or to root, and that not
/// everyone can write to a folder above the file's.
///
/// The way ends where something does not exist yet. The file itself is not checked. `name` is its name in errors.
pub(crate) fn check_owners(path: &Path, name: &str) -> Result<(), Error> {
    let mut here = PathBuf::new();
    let path = std::path::absolute(path).map_err(|error| unreachable(error, name))?;
    // The next part comes last.
    let mut parts = parts_from_last(&path);
    let mut links = 0;
    while let Some(part) = parts.pop() {
        // What was followed so far has no links in it any more.
        if part == ".." {
            here.pop();
            continue;
        }
        here.push(part);
        let metadata = match here.symlink_metadata() {
            Ok(metadata) => metadata,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(());
            }
            Err(error) => return Err(unreachable(error, name)),
        };
        if metadata.is_symlink() {
            check_owner(&metadata, "link", &here, name)?;
            links += 1;
            if links > MAX_LINKS {
                return Err(Error::new(
                    format!("there are too many links on the way to {name}"),
                    "remove some of them",
                ));
            }
            let target = here.read_link().map_err(|error| unreachable(error, name))?;
            here.pop();
            parts.extend(parts_from_last(&target));
        } else if metadata.is_dir() {
            check_owner(&metadata, "folder", &here, name)?;
            // That of the file itself is checked wherever a file is read.
            if parts.len() > 1 {
                check_mode(&metadata, &here, name)?;
            }
        }
    }
    Ok(())
}

/// Returns `true` if something belongs to this process's user or to root.
pub(crate) fn is_trusted(metadata: &Metadata) -> bool {
    metadata.uid() == 0 || metadata.uid() == rustix::process::geteuid().as_raw()
}

fn check_owner(metadata: &Metadata, what: &str, path: &Path, name: &str) -> Result<(), Error> {
    if is_trusted(metadata) {
        return Ok(());
    }
    Err(Error::new(
        format!(
            "the {what} {} on the way to {name} belongs to another user (id {})",
            display_path(path),
            metadata.uid()
        ),
        "use folders and links that belong to you or to root",
    ))
}

/// Checks that not everyone can write to a folder, and so put another one in its place. A sticky folder is safe.
fn check_mode(metadata: &Metadata, path: &Path, name: &str) -> Result<(), Error> {
    if metadata.mode() & 0o1002 != 0o002 {
        return Ok(());
    }
    let path = display_path(path);
    Err(Error::new(
        format!("everyone can write to the folder {path} on the way to {name}"),
        format!("run: chmod o-w '{path}'"),
    ))
}

fn parts_from_last(path: &Path) -> Vec<OsString> {
    let parts = path.components().rev();
    parts.map(|part| part.as_os_str().to_owned()).collect()
}

fn unreachable(error: io::Error, name: &str) -> Error {
    Error::new(
        format!("the folder of {name} cannot be read ({})", error.kind()),
        "check its owner and mode",
    )
    .with_source(error)
}
