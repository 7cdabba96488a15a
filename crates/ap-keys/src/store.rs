//! [`Store`]: a file of keys that a program keeps, changed by one process at a time and whole or not at
//! all.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use ap_core::{ApiKey, MAX_KEYS};

use crate::lines::{self, LastLine};
use crate::problem::{Problem, name};
use crate::read::{self, Access, folder_of};

/// A file of keys for this process's user alone: one key a line, oldest first, three at most.
///
/// It is read as [`File`](crate::File) reads it, save that the last line may be without its end, since
/// people write such files by hand.
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
    /// The file at a path. Nothing is read or made yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The keys in the file, oldest first; nothing, if there is no file. It needs no lock: a writer puts
    /// a whole file in the place of the old one.
    ///
    /// # Errors
    ///
    /// [`Problem`] if others than the user can read or write the file, if it cannot be read, or if it
    /// holds anything but keys.
    pub fn read(&self) -> Result<Option<Vec<ApiKey>>, Problem> {
        read(&self.path)
    }

    /// Waits until no other process changes the file, and keeps others from it as long as the value
    /// lives. Folders that are missing are made, for this user alone.
    ///
    /// The lock is a file beside it, with `.lock` after its name, which stays. If the file is a symbolic
    /// link, what it points to is changed.
    ///
    /// # Errors
    ///
    /// [`Problem`] if the folder cannot be made or written, or if everybody can write in it.
    pub fn lock(&self) -> Result<Locked, Problem> {
        let failed = |error| unwritable(error, &self.path);
        let folder = folder_of(&self.path).ok_or_else(|| failed(invalid()))?;
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(failed)?;
        #[cfg(unix)]
        read::check_folders(&self.path, &place(&self.path))?;

        // A link that leads nowhere is replaced.
        let target = self.path.canonicalize();
        let target = target.unwrap_or_else(|_| self.path.clone());
        let lock = open_lock(&beside(&target, "", ".lock").map_err(failed)?).map_err(failed)?;
        // Named in full: the standard library has got a method of this name since.
        fs4::FileExt::lock(&lock).map_err(failed)?;
        Ok(Locked {
            path: self.path.clone(),
            target,
            _lock: lock,
        })
    }

    /// Removes the file, and what it points to if it is a link. Whether there was one.
    ///
    /// # Errors
    ///
    /// As for [`lock`](Self::lock), or if the file cannot be removed.
    pub fn remove(&self) -> Result<bool, Problem> {
        match self.path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            _ => self.lock()?.remove(),
        }
    }
}

/// The right to change the file, until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct Locked {
    path: PathBuf,
    target: PathBuf,
    _lock: File,
}

impl Locked {
    /// What [`Store::read`] says, which no other process can change now.
    ///
    /// # Errors
    ///
    /// As for [`Store::read`].
    pub fn read(&self) -> Result<Option<Vec<ApiKey>>, Problem> {
        read(&self.path)
    }

    /// Puts these keys in the file, oldest first: whole or not at all, and readable for its owner alone from the
    /// first byte. They outlive a loss of power where the file system can promise that.
    ///
    /// # Errors
    ///
    /// [`Problem`] if there are none or more than three, or if the folder cannot be written; the file is
    /// then as before.
    pub fn write(&self, keys: &[ApiKey]) -> Result<(), Problem> {
        if keys.is_empty() || keys.len() > MAX_KEYS {
            return Err(Problem::new(
                format!("{}: it takes 1 to {MAX_KEYS} keys", place(&self.path)),
                "keep the newest",
            ));
        }
        self.replace(keys)
            .map_err(|error| unwritable(error, &self.path))
    }

    fn replace(&self, keys: &[ApiKey]) -> io::Result<()> {
        let folder = folder_of(&self.target).ok_or_else(invalid)?;
        let prefix = beside(&self.target, ".", "-")?;
        let prefix = prefix.file_name().ok_or_else(invalid)?;
        remove_leftovers(folder, prefix);
        // It is made exclusively, with mode 0600.
        let mut file = tempfile::Builder::new()
            .prefix(prefix)
            .rand_bytes(RANDOM)
            .suffix(LEFTOVER)
            .tempfile_in(folder)?;
        for key in keys {
            file.write_all(key.expose().as_bytes())?;
            file.write_all(b"\n")?;
        }
        file.as_file().sync_all()?;
        file.persist(&self.target)?;
        // The new file is there from here on. Not every file system can make sure of its name as well.
        #[cfg(unix)]
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
        Ok(())
    }

    /// Removes the file, and the link to it if there is one. Whether there was one.
    ///
    /// # Errors
    ///
    /// [`Problem`] if it cannot be removed.
    pub fn remove(&self) -> Result<bool, Problem> {
        let mut removed = false;
        for path in [&self.target, &self.path] {
            match std::fs::remove_file(path) {
                Ok(()) => removed = true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(Problem::new(
                        format!("{} cannot be removed ({})", place(path), error.kind()),
                        "remove it by hand",
                    )
                    .because(error));
                }
            }
        }
        Ok(removed)
    }
}

const LEFTOVER: &str = ".tmp";

/// So many letters and digits make a temporary name one of its own.
const RANDOM: usize = 6;

/// What a writer left that was killed: it held the lock, which is ours now. A file whose name begins with this
/// one's has another lock, and its writer may be at work.
fn remove_leftovers(folder: &Path, prefix: &std::ffi::OsStr) {
    let is_left = |name: &std::ffi::OsStr| {
        let name = name.as_encoded_bytes();
        name.strip_prefix(prefix.as_encoded_bytes())
            .and_then(|name| name.strip_suffix(LEFTOVER.as_bytes()))
            .is_some_and(|own| own.len() == RANDOM && own.iter().all(u8::is_ascii_alphanumeric))
    };
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_left(&entry.file_name()) {
            // If it cannot be removed, it is no more harm than it was.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn read(path: &Path) -> Result<Option<Vec<ApiKey>>, Problem> {
    let place = place(path);
    match read::whole(path, Access::Private, &place)? {
        Some(whole) => lines::parse(&whole.text, LastLine::Open, &place, &name(path)).map(Some),
        None => Ok(None),
    }
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

/// A name made of the file's own, in the same folder.
fn beside(path: &Path, before: &str, after: &str) -> io::Result<PathBuf> {
    let mut name = OsString::from(before);
    name.push(path.file_name().ok_or_else(invalid)?);
    name.push(after);
    Ok(path.with_file_name(name))
}

fn place(path: &Path) -> String {
    format!("the keys file {}", name(path))
}

fn invalid() -> io::Error {
    io::ErrorKind::InvalidInput.into()
}

fn unwritable(error: io::Error, path: &Path) -> Problem {
    Problem::new(
        format!("{} cannot be written ({})", place(path), error.kind()),
        "check the folder's owner and mode; nothing was changed",
    )
    .because(error)
}
