//! The keys file: one key a line, oldest first, for its owner alone.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use ap_core::{ApiKey, MAX_KEYS};
use etcetera::BaseStrategy as _;

use crate::exit::{Failure, OTHER};
use crate::{interrupt, output};

/// The largest keys file that is read, in bytes. Three keys of the longest kind take less.
const FILE_LIMIT: u64 = 4096;

/// `$XDG_CONFIG_HOME/ap/keys`, else `~/.config/ap/keys`.
pub(crate) fn path() -> Result<PathBuf, Failure> {
    let strategy = etcetera::base_strategy::Xdg::new().map_err(|_| {
        Failure::usage(
            "there is no home directory for the keys file",
            "set HOME or XDG_CONFIG_HOME",
        )
    })?;
    let path = strategy.config_dir().join("ap").join("keys");
    // A relative home would be a folder of the working directory, which is anybody's.
    if path.is_relative() {
        return Err(Failure::usage(
            "the home directory is not an absolute path",
            "set HOME or XDG_CONFIG_HOME to one",
        ));
    }
    Ok(path)
}

/// The keys in the file, oldest first; nothing, if there is no file.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<ApiKey>>, Failure> {
    let Some(text) = bytes(path)? else {
        return Ok(None);
    };
    let mut keys: Vec<ApiKey> = Vec::new();
    let lines: Vec<&[u8]> = text
        .strip_suffix(b"\n")
        .unwrap_or(&text)
        .split(|&b| b == b'\n')
        .collect();
    for (number, line) in lines.iter().enumerate() {
        let wrong = |why: &str| {
            refused(
                path,
                &format!("line {}: {why}", number + 1),
                "run `ap auth login`, or mend the line",
            )
        };
        if line.ends_with(b"\r") {
            return Err(wrong(
                "it ends in a carriage return, as files of Windows do (CRLF)",
            ));
        }
        let key = ApiKey::parse(line).map_err(|error| wrong(&error.to_string()))?;
        let label = if lines.len() == 1 {
            output::name(path)
        } else {
            format!("line {} of {}", number + 1, output::name(path))
        };
        if keys.iter().all(|other| other.expose() != key.expose()) {
            keys.push(key.labelled(&label));
        }
    }
    if keys.len() > MAX_KEYS {
        return Err(refused(
            path,
            &format!("there are more than {MAX_KEYS} keys"),
            "keep the newest",
        ));
    }
    Ok(Some(keys))
}

/// The file's bytes, if only its owner can read it. Everything is checked on the opened file, so that
/// nothing can be put in its place between the look and the reading.
fn bytes(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    let unreadable = |error: &io::Error| {
        refused(
            path,
            &format!("it cannot be read ({})", error.kind()),
            "check its owner and mode",
        )
    };
    let mut options = std::fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        // A FIFO would wait for a writer.
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = match options.open(path) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(&error)),
        Ok(file) => file,
    };
    let metadata = file.metadata().map_err(|error| unreadable(&error))?;
    if !metadata.is_file() {
        return Err(refused(
            path,
            "it is not a regular file",
            "move it away, then run `ap auth login`",
        ));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        if metadata.mode() & 0o077 != 0 {
            let fix = format!("run: chmod 600 '{}'", output::name(path));
            return Err(refused(path, "others than you can read or write it", &fix));
        }
        let me = rustix::process::geteuid().as_raw();
        if metadata.uid() != me && metadata.uid() != 0 {
            return Err(refused(
                path,
                "it belongs to another user",
                "run `ap auth login` as yourself",
            ));
        }
    }
    if metadata.len() > FILE_LIMIT {
        return Err(refused(
            path,
            "it is too large for a keys file",
            "one key a line, three at most",
        ));
    }
    let mut text = Vec::new();
    file.take(FILE_LIMIT)
        .read_to_end(&mut text)
        .map_err(|error| unreadable(&error))?;
    Ok(Some(text))
}

fn refused(path: &Path, why: &str, to_do: &str) -> Failure {
    Failure::usage(
        format!("the keys file {}: {why}", output::name(path)),
        to_do,
    )
}

/// Puts a key in the file: whole or not at all, and readable for its owner alone from the first byte.
pub(crate) fn store(path: &Path, key: &ApiKey) -> Result<(), Failure> {
    let failed = |error: &io::Error| {
        Failure::new(
            OTHER,
            format!(
                "the keys file {} cannot be written ({})",
                output::name(path),
                error.kind()
            ),
            "check the folder's owner and mode; nothing was changed",
        )
    };
    let _whole = interrupt::hold();
    let write = || -> io::Result<()> {
        let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
        // tempfile creates it exclusively, with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(key.expose().as_bytes())?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        #[cfg(unix)]
        std::fs::File::open(folder)?.sync_all()?;
        Ok(())
    };
    write().map_err(|error| failed(&error))
}

/// Removes the file. Whether there was one.
pub(crate) fn forget(path: &Path) -> Result<bool, Failure> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::new(
            OTHER,
            format!(
                "the keys file {} cannot be removed ({})",
                output::name(path),
                error.kind()
            ),
            "remove it by hand",
        )),
    }
}
