//! Reads a file of keys: checks who has access to it, and returns all of it or nothing.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use secrecy::zeroize::Zeroizing;

use crate::error::Error;
#[cfg(unix)]
use crate::error::display_path;
#[cfg(unix)]
use crate::file_owners::{check_owners, is_trusted};

/// The size of the largest keys file that is read, in bytes. Three keys of the greatest length need less.
pub const MAX_FILE_SIZE: usize = 4096;

/// How often a file that changes while it is read is read again.
const MAX_READS: usize = 5;

/// Who may have access to the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Only its owner, who is this process's user or root.
    Private,
    /// As `Private`, for a file that a program of this user writes. The folders and links on the way to it belong to
    /// this user or to root, too.
    Stored,
    /// As `Private`, but a group may read a file of root: a credential that a service manager hands to a service.
    Credential,
    /// Others may read it, as orchestrators mount secrets. Nobody else may write it.
    Mounted,
}

/// A file's text, and how long ago it was last written.
pub(crate) struct Contents {
    pub(crate) text: Zeroizing<Vec<u8>>,
    pub(crate) age: Duration,
}

/// Reads the whole file; `None` if it does not exist. `name` is its name in errors.
pub(crate) fn read(path: &Path, access: Access, name: &str) -> Result<Option<Contents>, Error> {
    for _ in 0..MAX_READS {
        let Some(file) = open(path, name)? else {
            return Ok(None);
        };
        let before = metadata(&file, name)?;
        check(path, &before, access, name)?;
        // Large enough from the start: a buffer that grows leaves copies behind.
        let mut text = Zeroizing::new(Vec::with_capacity(MAX_FILE_SIZE + 1));
        (&file)
            .take(MAX_FILE_SIZE as u64 + 1)
            .read_to_end(&mut text)
            .map_err(|error| unreadable(error, name))?;
        if text.len() > MAX_FILE_SIZE {
            return Err(too_large(name));
        }
        let after = metadata(&file, name)?;
        if version(&before) == version(&after) && after.len() == text.len() as u64 {
            let age = age(&after);
            return Ok(Some(Contents { text, age }));
        }
    }
    Err(Error::new(
        format!("{name} changes while it is read"),
        "replace it by a rename",
    ))
}

fn open(path: &Path, name: &str) -> Result<Option<File>, Error> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        // Opening a FIFO would wait for a writer.
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    match options.open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(unreadable(error, name)),
    }
}

fn metadata(file: &File, name: &str) -> Result<Metadata, Error> {
    file.metadata().map_err(|error| unreadable(error, name))
}

/// Returns how long ago the file was written; zero if the clocks do not agree.
fn age(metadata: &Metadata) -> Duration {
    let written = metadata.modified().unwrap_or_else(|_| SystemTime::now());
    written.elapsed().unwrap_or_default()
}

/// Returns what changes whenever the file is written.
#[cfg(unix)]
fn version(metadata: &Metadata) -> impl PartialEq + use<> {
    use std::os::unix::fs::MetadataExt as _;
    let modified = (metadata.mtime(), metadata.mtime_nsec());
    (
        metadata.dev(),
        metadata.ino(),
        metadata.size(),
        modified,
        (metadata.ctime(), metadata.ctime_nsec()),
    )
}

#[cfg(not(unix))]
fn version(metadata: &Metadata) -> impl PartialEq + use<> {
    (metadata.len(), metadata.modified().ok())
}

/// Checks the open file, so that no other file can replace it between the check and the read.
fn check(path: &Path, metadata: &Metadata, access: Access, name: &str) -> Result<(), Error> {
    if !metadata.is_file() {
        return Err(Error::new(
            format!("{name} is not a regular file"),
            "put a file with keys there",
        ));
    }
    if metadata.len() > MAX_FILE_SIZE as u64 {
        return Err(too_large(name));
    }
    #[cfg(unix)]
    check_access(path, metadata, access, name)?;
    #[cfg(not(unix))]
    let _ = (path, access);
    Ok(())
}

#[cfg(unix)]
fn check_access(path: &Path, metadata: &Metadata, access: Access, name: &str) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt as _;
    if access == Access::Mounted {
        if metadata.mode() & 0o022 != 0 {
            return Err(Error::new(
                format!("other users can write {name}"),
                "mount it so that they cannot, for example with mode 0440",
            ));
        }
        return Ok(());
    }
    let is_owned_by_root = metadata.uid() == 0;
    let refused = match access {
        Access::Credential if is_owned_by_root => 0o037,
        _ => 0o077,
    };
    if metadata.mode() & refused != 0 {
        let mut hint = format!("run: chmod 600 '{}'", display_path(path));
        if is_owned_by_root && access == Access::Private {
            hint.push_str("; for a mounted secret, use `File::mounted` instead of `File::new`");
        } else if is_owned_by_root && access == Access::Credential {
            hint.push_str(
                "; mount a secret with mode 0440 or 0400, in Kubernetes by `defaultMode`",
            );
        }
        return Err(Error::new(
            format!("other users can read or write {name}"),
            hint,
        ));
    }
    if !is_trusted(metadata) {
        return Err(Error::new(
            format!("{name} belongs to another user"),
            "use a file of your own",
        ));
    }
    if access == Access::Stored {
        check_owners(path, name)?;
    }
    check_folders(path, name)
}

/// Checks that not everyone can write to the file's folder, and so replace the file. A sticky folder is safe.
///
/// Access of a group is allowed: on many systems, each user has a group of their own that their folders are in.
#[cfg(unix)]
pub(crate) fn check_folders(path: &Path, name: &str) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt as _;
    let target = path.canonicalize().ok();
    for folder in [Some(path), target.as_deref()]
        .into_iter()
        .flatten()
        .filter_map(folder_of)
    {
        let is_open_to_all = folder
            .metadata()
            .is_ok_and(|metadata| metadata.mode() & 0o1002 == 0o002);
        if is_open_to_all {
            return Err(Error::new(
                format!("everyone can write to the folder of {name}, and so replace the file"),
                format!("run: chmod o-w '{}'", display_path(folder)),
            ));
        }
    }
    Ok(())
}

/// Returns the folder of a file.
pub(crate) fn folder_of(path: &Path) -> Option<&Path> {
    let folder = path.parent()?;
    Some(if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    })
}

fn unreadable(error: io::Error, name: &str) -> Error {
    Error::new(
        format!("{name} cannot be read ({})", error.kind()),
        "check its owner and mode",
    )
    .with_source(error)
}

fn too_large(name: &str) -> Error {
    Error::new(
        format!("{name} is larger than {MAX_FILE_SIZE} bytes"),
        "write one key per line, at most three",
    )
}
