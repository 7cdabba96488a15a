//! Reads a file of keys, all of it or nothing.

use std::fs::Metadata;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use secrecy::zeroize::Zeroizing;

use crate::checked_file::{self, Access, unreadable};
use crate::error::Error;

/// The size of the largest keys file that is read, in bytes. Three keys of the greatest length need less.
pub const MAX_FILE_SIZE: usize = 4096;

/// How often a file that changes while it is read is read again.
const MAX_READS: usize = 5;

/// A file's text, and how long ago it was last written.
pub(crate) struct Contents {
    pub(crate) text: Zeroizing<Vec<u8>>,
    pub(crate) age: Duration,
}

/// Reads the whole file; `None` if it does not exist. `name` is its name in errors.
pub(crate) fn read(path: &Path, access: Access, name: &str) -> Result<Option<Contents>, Error> {
    for _ in 0..MAX_READS {
        let Some((file, before)) = checked_file::open(path, access, name)? else {
            return Ok(None);
        };
        if before.len() > MAX_FILE_SIZE as u64 {
            return Err(too_large(name));
        }
        // Large enough from the start: a buffer that grows leaves copies behind.
        let mut text = Zeroizing::new(Vec::with_capacity(MAX_FILE_SIZE + 1));
        (&file)
            .take(MAX_FILE_SIZE as u64 + 1)
            .read_to_end(&mut text)
            .map_err(|error| unreadable(error, name))?;
        if text.len() > MAX_FILE_SIZE {
            return Err(too_large(name));
        }
        // What a pipe had is complete at its end, and is not there a second time.
        if checked_file::is_pipe(&before) {
            let age = Duration::MAX;
            return Ok(Some(Contents { text, age }));
        }
        let after = file.metadata().map_err(|error| unreadable(error, name))?;
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

fn too_large(name: &str) -> Error {
    Error::new(
        format!("{name} is larger than {MAX_FILE_SIZE} bytes"),
        "write one key per line, at most three",
    )
}
