//! [`Store`]: a keys file that a program writes, one process at a time, completely or not at all.

use std::ffi::{OsStr, OsString};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use ap_core::{ApiKey, MAX_KEYS};

use crate::error::{Error, display_path};
#[cfg(unix)]
use crate::file_contents::check_folders;
use crate::file_contents::{self, Access, folder_of};
use crate::key_list::{self, FinalLineFeed};

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
    /// [`Error`] if the folder cannot be created or written, or if everyone can write to it.
    pub fn lock(&self) -> Result<LockedStore, Error> {
        let failed = |error| unwritable(error, &self.path);
        let folder = folder_of(&self.path).ok_or_else(|| failed(invalid_path()))?;
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(failed)?;
        #[cfg(unix)]
        check_folders(&self.path, &display_name(&self.path))?;

        // A link without a target is replaced.
        let target = self.path.canonicalize();
        let target = target.unwrap_or_else(|_| self.path.clone());
        let lock = open_lock(&sibling(&target, "", ".lock").map_err(failed)?).map_err(failed)?;
        // The full path, because newer standard libraries have a method of the same name.
        fs4::FileExt::lock(&lock).map_err(failed)?;
        Ok(LockedStore {
            path: self.path.clone(),
            target,
            _lock: lock,
        })
    }

    /// Removes the file, and its target if it is a link. Returns `true` if there was one.
    ///
    /// # Errors
    ///
    /// [`Error`] as for [`lock`](Self::lock), or if the file cannot be removed.
    pub fn remove(&self) -> Result<bool, Error> {
        match self.path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            _ => self.lock()?.remove(),
        }
    }
}

/// A [`Store`] that no other process can change. The lock ends when this is dropped, or with the process.
#[derive(Debug)]
pub struct LockedStore {
    path: PathBuf,
    target: PathBuf,
    _lock: File,
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
        let prefix = sibling(&self.target, ".", "-")?;
        let prefix = prefix.file_name().ok_or_else(invalid_path)?;
        remove_leftovers(folder, prefix);
        // Created exclusively, with mode 0600.
        let mut file = tempfile::Builder::new()
            .prefix(prefix)
            .rand_bytes(RANDOM_LEN)
            .suffix(TEMPORARY_SUFFIX)
            .tempfile_in(folder)?;
        for key in keys {
            file.write_all(key.expose().as_bytes())?;
            file.write_all(b"\n")?;
        }
        file.as_file().sync_all()?;
        file.persist(&self.target)?;
        // The file is replaced now. Some file systems cannot sync a folder, so an error changes nothing.
        #[cfg(unix)]
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
        Ok(())
    }

    /// Removes the file, and the link to it if there is one. Returns `true` if there was one.
    ///
    /// # Errors
    ///
    /// [`Error`] if the file cannot be removed.
    pub fn remove(&self) -> Result<bool, Error> {
        let mut is_removed = false;
        for path in [&self.target, &self.path] {
            match std::fs::remove_file(path) {
                Ok(()) => is_removed = true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(Error::new(
                        format!(
                            "{} cannot be removed ({})",
                            display_name(path),
                            error.kind()
                        ),
                        "remove it yourself",
                    )
                    .with_source(error));
                }
            }
        }
        Ok(is_removed)
    }
}

const TEMPORARY_SUFFIX: &str = ".tmp";

/// The number of random letters and digits in the name of a temporary file.
const RANDOM_LEN: usize = 6;

/// Removes the temporary files of writers that were killed: they had the lock, which is ours now.
///
/// A file with a longer name of its own, such as `keys-old`, has another lock, and its writer may be running.
fn remove_leftovers(folder: &Path, prefix: &OsStr) {
    let is_leftover = |name: &OsStr| {
        let name = name.as_encoded_bytes();
        name.strip_prefix(prefix.as_encoded_bytes())
            .and_then(|name| name.strip_suffix(TEMPORARY_SUFFIX.as_bytes()))
            .is_some_and(|random| {
                random.len() == RANDOM_LEN && random.iter().all(u8::is_ascii_alphanumeric)
            })
    };
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_leftover(&entry.file_name()) {
            // If this fails, the next writer tries again.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn read(path: &Path) -> Result<Option<Vec<ApiKey>>, Error> {
    let name = display_name(path);
    let Some(contents) = file_contents::read(path, Access::Stored, &name)? else {
        return Ok(None);
    };
    let label = display_path(path);
    key_list::parse(&contents.text, FinalLineFeed::Optional, &name, &label).map(Some)
}

fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    options.open(path)
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
