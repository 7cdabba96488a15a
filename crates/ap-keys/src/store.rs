//! [`Store`]: a keys file that a program writes, one process at a time, completely or not at all.

use std::ffi::{OsStr, OsString};
use std::fs::DirBuilder;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ap_core::{ApiKey, MAX_KEYS};

#[cfg(unix)]
use crate::checked_file::check_folders;
use crate::checked_file::{Access, folder_of};
use crate::error::{Error, display_path};
use crate::file_contents;
#[cfg(unix)]
use crate::file_owners::check_owners;
use crate::key_list::{self, FinalLineFeed};
use crate::links::links_of;
use crate::store_lock::{self, Lock, LockAttempt};

/// A keys file for this process's user only: one key per line, oldest first, up to three.
///
/// It is read as [`File`](crate::File) reads it, except that the last line needs no line feed, because people
/// also write such files by hand.
///
/// ```
/// use ap_core::ApiKey;
/// use ap_keys::Store;
///
/// let folder = tempfile::tempdir()?;
/// let store = Store::new(folder.path().join("keys"));
/// assert!(store.read()?.is_none());
///
/// let locked = store.lock()?;
/// let mut keys = locked.read()?.unwrap_or_default();
/// keys.push(ApiKey::parse("1234567890")?);
/// locked.write(&keys)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
}

impl Store {
    /// Creates a store for the file at this path. Nothing is read or written yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Returns the file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the keys in the file, oldest first, or `None` if there is no file.
    ///
    /// No lock is needed: a writer replaces the file as a whole.
    ///
    /// # Errors
    ///
    /// [`Error`] if other users can read or write the file, if it cannot be read, or if it contains anything
    /// but keys.
    pub fn read(&self) -> Result<Option<Vec<ApiKey>>, Error> {
        read(&self.path)
    }

    /// Waits until no other process changes the file, and locks it until the value is dropped.
    ///
    /// Missing folders are created, for this user only. The lock is a file in the same folder, with `.lock`
    /// added to the name; it is never removed. If the file is a symbolic link, its target is changed.
    ///
    /// # Errors
    ///
    /// [`Error`] if another process holds the lock for ten seconds, if a folder or link on the way to the file
    /// belongs to anybody but this process's user and root, if everyone can write to one of these folders, or if the
    /// folder cannot be created or written.
    pub fn lock(&self) -> Result<LockedStore, Error> {
        self.lock_within(store_lock::MAX_WAIT)
    }

    fn lock_within(&self, max_wait: Duration) -> Result<LockedStore, Error> {
        let failed = |error| unwritable(error, &self.path);
        let name = display_name(&self.path);
        let folder = folder_of(&self.path).ok_or_else(|| failed(invalid_path()))?;
        #[cfg(unix)]
        check_owners(&self.path, &name)?;
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(failed)?;
        #[cfg(unix)]
        {
            // Again, because a missing folder ends the first check.
            check_owners(&self.path, &name)?;
            check_folders(&self.path, &name)?;
        }

        // Without a target, the file does not exist yet, or is a link to nothing, which is replaced.
        let target = self.path.canonicalize();
        let target = target.unwrap_or_else(|_| self.path.clone());
        let lock = sibling(&target, "", ".lock").map_err(failed)?;
        let lock_failed = |error: io::Error| {
            let lock = display_path(&lock);
            Error::new(
                format!(
                    "the lock {lock} of {name} cannot be used ({})",
                    error.kind()
                ),
                "check what it is, its owner and mode; nothing was changed",
            )
            .with_source(error)
        };
        match store_lock::lock(&lock, max_wait).map_err(lock_failed)? {
            LockAttempt::Locked(lock) => Ok(LockedStore {
                path: self.path.clone(),
                target,
                _lock: lock,
            }),
            LockAttempt::HeldBy(holder) => Err(Error::new(
                format!("{name} is locked by {holder}"),
                "wait until that process ends, or end it; nothing was changed",
            )),
            LockAttempt::OfAnotherUser => Err(Error::new(
                format!(
                    "the lock {} of {name} belongs to another user",
                    display_path(&lock)
                ),
                "remove it, or use a folder of your own",
            )),
        }
    }

    /// Removes the file, the link that leads to it if there is one, and what a writer that was killed has left beside them.
    /// Returns `true` if anything was removed.
    ///
    /// # Errors
    ///
    /// [`Error`] as for [`lock`](Self::lock), or if a file cannot be removed.
    pub fn remove(&self) -> Result<bool, Error> {
        let is_missing = matches!(self.path.symlink_metadata(),
            Err(error) if error.kind() == io::ErrorKind::NotFound);
        // Nothing is created for a file that is not there.
        if is_missing && leftovers(&self.path).is_ok_and(|found| found.is_empty()) {
            return Ok(false);
        }
        self.lock()?.remove()
    }
}

/// A [`Store`] that no other process can change. The lock ends when this is dropped, or with the process.
///
/// ```
/// use ap_core::ApiKey;
/// use ap_keys::Store;
///
/// let folder = tempfile::tempdir()?;
/// let store = Store::new(folder.path().join("keys"));
/// let locked = store.lock()?;
/// locked.write(&[ApiKey::parse("1234567890")?, ApiKey::parse("0987654321")?])?;
/// assert_eq!(locked.read()?.unwrap().len(), 2);
/// assert!(locked.remove()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LockedStore {
    path: PathBuf,
    target: PathBuf,
    _lock: Lock,
}

impl LockedStore {
    /// Returns the keys in the file, oldest first, or `None` if there is no file.
    ///
    /// # Errors
    ///
    /// [`Error`] as for [`Store::read`].
    pub fn read(&self) -> Result<Option<Vec<ApiKey>>, Error> {
        read(&self.path)
    }

    /// Writes these keys to the file, oldest first. Equal keys count as one.
    ///
    /// The file is replaced completely or not at all, and only its owner can read it from its first byte on. The
    /// keys survive a loss of power where the file system can promise that.
    ///
    /// # Errors
    ///
    /// [`Error`] if there is no key or more than three, or if the folder cannot be written. The file is then
    /// unchanged.
    pub fn write(&self, keys: &[ApiKey]) -> Result<(), Error> {
        let keys = key_list::without_duplicates(keys.iter().cloned());
        if keys.is_empty() || keys.len() > MAX_KEYS {
            return Err(Error::new(
                format!(
                    "{} must have 1 to {MAX_KEYS} keys, not {}",
                    display_name(&self.path),
                    keys.len()
                ),
                "keep only the newest",
            ));
        }
        self.replace(&keys)
            .map_err(|error| unwritable(error, &self.path))
    }

    fn replace(&self, keys: &[ApiKey]) -> io::Result<()> {
        let folder = folder_of(&self.target).ok_or_else(invalid_path)?;
        for leftover in leftovers(&self.target).unwrap_or_default() {
            // If this fails, the next writer tries again.
            let _ = std::fs::remove_file(leftover);
        }
        // Created exclusively, with mode 0600.
        let mut file = tempfile::Builder::new()
            .prefix(&temporary_prefix(&self.target)?)
            .rand_bytes(RANDOM_LEN)
            .suffix(TEMPORARY_SUFFIX)
            .tempfile_in(folder)?;
        for key in keys {
            file.write_all(key.expose().as_bytes())?;
            file.write_all(b"\n")?;
        }
        file.as_file().sync_all()?;
        file.persist(&self.target)?;
        // The file is replaced now. Some file systems cannot sync a folder, so an error is ignored.
        #[cfg(unix)]
        let _ = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
        Ok(())
    }

    /// Removes the file, the link that leads to it if there is one, and what a writer that was killed has left beside them.
    /// Returns `true` if anything was removed.
    ///
    /// # Errors
    ///
    /// [`Error`] about the first file that cannot be removed. The others are removed all the same.
    pub fn remove(&self) -> Result<bool, Error> {
        let failed = |path: &Path, error: io::Error| {
            let name = display_name(path);
            let message = format!("{name} cannot be removed ({})", error.kind());
            Error::new(message, "remove it yourself").with_source(error)
        };
        let mut is_removed = false;
        let mut errors = Vec::new();
        let mut paths = Vec::new();
        // A link may lead to a file that is gone, while something is left beside it.
        let mut places = links_of(&self.path);
        places.extend([self.target.clone(), self.path.clone()]);
        for place in places {
            match leftovers(&place) {
                Ok(found) => paths.extend(found),
                Err(error) => errors.push(failed(&place, error)),
            }
        }
        paths.extend([self.target.clone(), self.path.clone()]);
        for path in paths {
            match std::fs::remove_file(&path) {
                Ok(()) => is_removed = true,
                // Without a link, the two paths are one.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => errors.push(failed(&path, error)),
            }
        }
        errors.into_iter().next().map_or(Ok(is_removed), Err)
    }
}

const TEMPORARY_SUFFIX: &str = ".tmp";

/// The number of random letters and digits in the name of a temporary file.
const RANDOM_LEN: usize = 6;

/// Returns how the names of a file's temporary files begin.
fn temporary_prefix(path: &Path) -> io::Result<OsString> {
    let prefix = sibling(path, ".", "-")?;
    Ok(prefix.file_name().ok_or_else(invalid_path)?.to_owned())
}

/// Returns the temporary files of writers that were killed, if nobody writes now.
///
/// A file with a longer name of its own, such as `keys-old`, has another lock, and its writer may be running.
fn leftovers(path: &Path) -> io::Result<Vec<PathBuf>> {
    let prefix = temporary_prefix(path)?;
    let is_leftover = |name: &OsStr| {
        let name = name.as_encoded_bytes();
        name.strip_prefix(prefix.as_encoded_bytes())
            .and_then(|name| name.strip_suffix(TEMPORARY_SUFFIX.as_bytes()))
            .is_some_and(|random| {
                random.len() == RANDOM_LEN && random.iter().all(u8::is_ascii_alphanumeric)
            })
    };
    let entries = match folder_of(path).ok_or_else(invalid_path)?.read_dir() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if is_leftover(&entry.file_name()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn read(path: &Path) -> Result<Option<Vec<ApiKey>>, Error> {
    let name = display_name(path);
    let Some(contents) = file_contents::read(path, Access::Stored, &name)? else {
        return Ok(None);
    };
    let label = display_path(path);
    key_list::parse(&contents.text, FinalLineFeed::Optional, &name, &label).map(Some)
}

/// Returns a path in the same folder, with text added to the file's name.
fn sibling(path: &Path, before: &str, after: &str) -> io::Result<PathBuf> {
    let mut name = OsString::from(before);
    name.push(path.file_name().ok_or_else(invalid_path)?);
    name.push(after);
    Ok(path.with_file_name(name))
}

fn display_name(path: &Path) -> String {
    format!("the keys file {}", display_path(path))
}

fn invalid_path() -> io::Error {
    io::ErrorKind::InvalidInput.into()
}

fn unwritable(error: io::Error, path: &Path) -> Error {
    Error::new(
        format!(
            "{} cannot be written ({})",
            display_name(path),
            error.kind()
        ),
        "check the owner and mode of its folder; nothing was changed",
    )
    .with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The command `ap` waits for as long as `lock` does, in a test of its own.
    #[test]
    fn a_lock_that_is_not_released_is_an_error_that_names_its_holder() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().join("keys"));
        let locked = store.lock().unwrap();
        let error = store.lock_within(Duration::from_millis(50)).unwrap_err();
        assert!(error.message().contains("is locked by "), "{error}");
        if cfg!(target_os = "linux") {
            let holder = format!("process {} (", std::process::id());
            assert!(error.message().contains(&holder), "{error}");
        }
        drop(locked);
        store.lock().unwrap();
    }
}
