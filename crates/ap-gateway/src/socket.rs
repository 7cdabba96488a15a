//! [`Socket`]: a Unix socket that only its owner can use.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// A listening socket. Its file is removed when this is dropped, if it is still the same one.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) listener: UnixListener,
    _file: File,
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    /// Device and number of the file.
    identity: (u64, u64),
}

impl Socket {
    /// Makes the socket in a folder that nobody else can enter, gives it its mode there, and moves it into place: so it is
    /// never there with another mode. It never replaces a file, not even one that another program makes meanwhile.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let folder = tempfile::Builder::new()
            .prefix(".ap-")
            .rand_bytes(8)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent.unwrap_or_else(|| Path::new(".")))?;
        remove_unused(path, &folder.path().join("old"))?;
        let made = folder.path().join("new");
        let listener = UnixListener::bind(&made)?;
        fs::set_permissions(&made, Permissions::from_mode(0o600))?;
        let identity = identity(&made)?;
        fs::hard_link(&made, path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => in_use(),
            _ => error,
        })?;
        let file = File {
            path: path.to_owned(),
            identity,
        };
        folder.close()?;
        Ok(Self {
            listener,
            _file: file,
        })
    }

    /// Splits the listener from the file, which is removed when the second one is dropped.
    pub(crate) fn into_parts(self) -> (UnixListener, impl Sized + Send) {
        (self.listener, self._file)
    }
}

/// Removes a socket that nobody listens on. It is moved to a place of ours first: if another program made its own socket
/// in that moment, that one is put back.
fn remove_unused(path: &Path, moved: &Path) -> io::Result<()> {
    let kind = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !kind.is_socket() {
        let message = "there is a file that is not a socket";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    if !is_unused(path)? {
        return Err(in_use());
    }
    match fs::rename(path, moved) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) if is_unused(moved)? => Ok(()),
        Ok(()) => {
            // Fails if a third one is there now. Then that one serves.
            let _ = fs::hard_link(moved, path);
            Err(in_use())
        }
    }
}

/// Returns `true` if nobody listens on a socket.
fn is_unused(path: &Path) -> io::Result<bool> {
    match UnixStream::connect(path) {
        Ok(_) => Ok(false),
        Err(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Ok(true),
            // So many connections wait that there is no room for one more.
            io::ErrorKind::WouldBlock => Ok(false),
            _ => Err(error),
        },
    }
}

fn in_use() -> io::Error {
    io::Error::new(io::ErrorKind::AddrInUse, "another program listens there")
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

impl Drop for File {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
