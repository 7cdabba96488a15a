//! [`Socket`]: a Unix socket that only its owner can use.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _,
};
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
    /// never there with another mode.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        check_free(path)?;
        let mut name = OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(format!(".{}", std::process::id()));
        let folder = path.with_file_name(name);
        DirBuilder::new().mode(0o700).create(&folder)?;
        let made = Self::move_into_place(&folder.join("s"), path);
        let _ = fs::remove_file(folder.join("s"));
        let removed = fs::remove_dir(&folder);
        let socket = made?;
        removed.map(|()| socket)
    }

    fn move_into_place(made: &Path, path: &Path) -> io::Result<Self> {
        let listener = UnixListener::bind(made)?;
        fs::set_permissions(made, Permissions::from_mode(0o600))?;
        let identity = identity(made)?;
        fs::rename(made, path)?;
        Ok(Self {
            listener,
            _file: File {
                path: path.to_owned(),
                identity,
            },
        })
    }

    /// Splits the listener from the file, which is removed when the second one is dropped.
    pub(crate) fn into_parts(self) -> (UnixListener, impl Sized + Send) {
        (self.listener, self._file)
    }
}

/// Refuses a path where something is that is not a socket, or that somebody listens on.
fn check_free(path: &Path) -> io::Result<()> {
    let kind = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !kind.is_socket() {
        let message = "there is a file that is not a socket";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "another program listens there",
        )),
    }
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
