//! Opens a file of keys, checks what was opened, and reads it whole or not at all.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use secrecy::zeroize::Zeroizing;

use crate::Problem;
#[cfg(unix)]
use crate::problem::name;

/// The largest file of keys that is read, in bytes. Three keys of the longest kind take less.
pub const FILE_LIMIT: usize = 4096;

/// How often a file that changes under the reader is read again.
const READS: usize = 5;

/// Who may have access to the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Its owner alone, who is this process's user or root.
    Private,
    /// Others may read it, as orchestrators mount secrets; none may write it.
    Mounted,
}

/// A file's text, and how long ago it was last written.
pub(crate) struct Whole {
    pub(crate) text: Zeroizing<Vec<u8>>,
    pub(crate) age: Duration,
}

/// The whole file; nothing, if there is none. `place` names it.
pub(crate) fn whole(path: &Path, access: Access, place: &str) -> Result<Option<Whole>, Problem> {
    for _ in 0..READS {
        let Some(file) = open(path, place)? else {
            return Ok(None);
        };
        let before = metadata(&file, place)?;
        check(path, &before, access, place)?;
        // Room for all of it from the start: growing would leave copies behind.
        let mut text = Zeroizing::new(Vec::with_capacity(FILE_LIMIT + 1));
        (&file)
            .take(FILE_LIMIT as u64 + 1)
            .read_to_end(&mut text)
            .map_err(|error| unreadable(error, place))?;
        if text.len() > FILE_LIMIT {
            return Err(too_large(place));
        }
        let after = metadata(&file, place)?;
        if stamp(&before) == stamp(&after) && after.len() == text.len() as u64 {
            let age = age(&after);
            return Ok(Some(Whole { text, age }));
        }
    }
    Err(Problem::new(
        format!("{place}: it changes while it is read"),
        "replace it whole, by a rename",
    ))
}

fn open(path: &Path, place: &str) -> Result<Option<File>, Problem> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        // A FIFO would wait for a writer.
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
        Err(error) => Err(unreadable(error, place)),
    }
}

fn metadata(file: &File, place: &str) -> Result<Metadata, Problem> {
    file.metadata().map_err(|error| unreadable(error, place))
}

/// No time at all, if the clocks do not agree.
fn age(metadata: &Metadata) -> Duration {
    let written = metadata.modified().unwrap_or_else(|_| SystemTime::now());
    written.elapsed().unwrap_or_default()
}

/// What changes with every writing.
#[cfg(unix)]
fn stamp(metadata: &Metadata) -> impl PartialEq + use<> {
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
fn stamp(metadata: &Metadata) -> impl PartialEq + use<> {
    (metadata.len(), metadata.modified().ok())
}

/// Everything is checked on the opened file, so that nothing can be put in its place between the look
/// and the reading.
fn check(path: &Path, metadata: &Metadata, access: Access, place: &str) -> Result<(), Problem> {
    if !metadata.is_file() {
        return Err(Problem::new(
            format!("{place}: it is not a regular file"),
            "put a file of keys there",
        ));
    }
    if metadata.len() > FILE_LIMIT as u64 {
        return Err(too_large(place));
    }
    #[cfg(unix)]
    check_access(path, metadata, access, place)?;
    #[cfg(not(unix))]
    let _ = (path, access);
    Ok(())
}

#[cfg(unix)]
fn check_access(
    path: &Path,
    metadata: &Metadata,
    access: Access,
    place: &str,
) -> Result<(), Problem> {
    use std::os::unix::fs::MetadataExt as _;
    match access {
        Access::Private => {
            if metadata.mode() & 0o077 != 0 {
                return Err(Problem::new(
                    format!("{place}: others than you can read or write it"),
                    format!("run: chmod 600 '{}'", name(path)),
                ));
            }
            let me = rustix::process::geteuid().as_raw();
            if metadata.uid() != me && metadata.uid() != 0 {
                return Err(Problem::new(
                    format!("{place}: it belongs to another user"),
                    "make a file of your own",
                ));
            }
            check_folders(path, place)
        }
        Access::Mounted if metadata.mode() & 0o022 != 0 => Err(Problem::new(
            format!("{place}: others than its owner can write it"),
            "mount it so that nobody can, such as with mode 0440",
        )),
        Access::Mounted => Ok(()),
    }
}

/// Whoever can write in a folder can put another file in a file's place, unless the folder is sticky.
/// A group is not looked at: many systems give each user one of their own, and folders of theirs to it.
#[cfg(unix)]
pub(crate) fn check_folders(path: &Path, place: &str) -> Result<(), Problem> {
    use std::os::unix::fs::MetadataExt as _;
    let target = path.canonicalize().ok();
    for folder in [Some(path), target.as_deref()]
        .into_iter()
        .flatten()
        .filter_map(folder_of)
    {
        let is_open = folder
            .metadata()
            .is_ok_and(|metadata| metadata.mode() & 0o1002 == 0o002);
        if is_open {
            return Err(Problem::new(
                format!("{place}: everybody can write in its folder, and replace it"),
                format!("run: chmod o-w '{}'", name(folder)),
            ));
        }
    }
    Ok(())
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> Option<&Path> {
    let folder = path.parent()?;
    Some(if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    })
}

fn unreadable(error: io::Error, place: &str) -> Problem {
    Problem::new(
        format!("{place}: it cannot be read ({})", error.kind()),
        "check its owner and mode",
    )
    .because(error)
}

fn too_large(place: &str) -> Problem {
    Problem::new(
        format!("{place}: it is too large for a file of keys"),
        "one key a line, three at most",
    )
}
