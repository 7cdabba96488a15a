//! Opens a file and checks who has access to it, so that nobody else reads a secret or decides where one is sent.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

use crate::error::Error;
#[cfg(unix)]
use crate::error::display_path;
#[cfg(unix)]
use crate::file_owners::{check_owners, is_trusted};
#[cfg(unix)]
use crate::private_pipe;

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
    /// As `Private`, for a file without keys.
    Secret,
    /// As `Stored`, but others may read it: settings, which decide where a key is sent.
    Settings,
}

impl Access {
    /// Returns `true` if a pipe is as good as a file: what reads it does so once, and a file that is replaced means nothing
    /// to it.
    const fn may_be_pipe(self) -> bool {
        matches!(self, Self::Credential | Self::Secret)
    }
}

/// Who may read a file that [`open_private`] opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Only its owner: the file has a secret.
    Owner,
    /// Everyone: the file has settings, which decide where a secret is sent.
    Everyone,
}

/// Opens a file that nobody but its owner can write; `None` if it does not exist.
///
/// The owner of the file is this process's user or root, and not everyone can write to its folder. If everyone may read
/// it, the owners of all folders and links on the way to it are checked too, as for a [`Store`](crate::Store). `name` is
/// the file's name in errors.
///
/// If only the owner may read it, it may also be a pipe of this user or of root that nobody else can open, such as that
/// of `<(command)` in a shell. Then this waits until something is written to it, for two minutes at most. Anything else
/// that is not a regular file is refused without waiting for it.
///
/// Owners and modes are checked on Unix only.
///
/// ```
/// use ap_keys::{Readers, open_private};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("proxy-password");
/// assert!(open_private(&path, Readers::Owner, "the password file")?.is_none());
/// std::fs::write(&path, "user:placeholder")?;
/// # #[cfg(unix)]
/// # std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
/// assert!(open_private(&path, Readers::Owner, "the password file")?.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error`] if the file cannot be opened, or if anybody else has access to it.
pub fn open_private(path: &Path, readers: Readers, name: &str) -> Result<Option<File>, Error> {
    let access = match readers {
        Readers::Owner => Access::Secret,
        Readers::Everyone => Access::Settings,
    };
    let opened = open(path, access, name)?;
    Ok(opened.map(|(file, _)| file))
}

/// Opens a file and checks who has access to it; `None` if it does not exist. The open file is checked, so that no other
/// file can replace it between the check and the read. `name` is its name in errors.
pub(crate) fn open(
    path: &Path,
    access: Access,
    name: &str,
) -> Result<Option<(File, Metadata)>, Error> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        // Opening a FIFO would wait for a writer.
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(error, name)),
    };
    let metadata = file.metadata().map_err(|error| unreadable(error, name))?;
    let is_pipe = access.may_be_pipe() && is_pipe(&metadata);
    if !metadata.is_file() && !is_pipe {
        let hint = match access {
            Access::Secret | Access::Settings => "name a file",
            _ => "put a file with keys there",
        };
        return Err(Error::new(format!("{name} is not a regular file"), hint));
    }
    #[cfg(unix)]
    {
        // Of a group that may read a file of root, each member could take what is in a pipe.
        let access = if is_pipe { Access::Secret } else { access };
        check_access(path, &metadata, access, name)?;
        if is_pipe {
            private_pipe::wait(&file).map_err(|error| match error.kind() {
                io::ErrorKind::TimedOut => Error::new(
                    format!("nothing was written to {name} in time"),
                    "name a file, or a pipe that a program writes to",
                ),
                _ => unreadable(error, name),
            })?;
        }
    }
    #[cfg(not(unix))]
    let _ = (path, access);
    Ok(Some((file, metadata)))
}

/// Returns `true` for a pipe, with a name or without.
#[cfg(unix)]
pub(crate) fn is_pipe(metadata: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    metadata.file_type().is_fifo()
}

#[cfg(not(unix))]
pub(crate) const fn is_pipe(_: &Metadata) -> bool {
    false
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
    let (refused, what) = match access {
        Access::Credential if is_owned_by_root => (0o037, "read or write"),
        Access::Settings => (0o022, "write"),
        _ => (0o077, "read or write"),
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
        return Err(Error::new(format!("other users can {what} {name}"), hint));
    }
    if !is_trusted(metadata) {
        return Err(Error::new(
            format!("{name} belongs to another user"),
            "use a file of your own",
        ));
    }
    if matches!(access, Access::Stored | Access::Settings) {
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

pub(crate) fn unreadable(error: io::Error, name: &str) -> Error {
    Error::new(
        format!("{name} cannot be read ({})", error.kind()),
        "check its owner and mode",
    )
    .with_source(error)
}
