//! Where keys come from: the environment, the keys file, a hidden prompt.

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use ap_core::{ApiKey, KeyRing, MAX_KEYS};
use etcetera::BaseStrategy as _;

use crate::exit::Failure;
use crate::interrupt;

pub(crate) const VARIABLE: &str = "ACTIVEPROSPECT_API_KEY";

/// The largest keys file that is read, in bytes. Three keys of the longest kind take less.
const FILE_LIMIT: u64 = 4096;

/// Whether a person may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    Allowed,
    /// Standard input is for something else, or there must be no question.
    Never,
}

/// The account's keys, from the first source that has any.
pub(crate) fn resolve(prompt: Prompt) -> Result<KeyRing, Failure> {
    if let Some(key) = from_environment()? {
        return Ok(KeyRing::of_one(key));
    }
    let path = file_path()?;
    if let Some(keys) = from_file(&path)? {
        return KeyRing::new(keys)
            .map_err(|error| refused(&path, &error.to_string(), "keep the newest"));
    }
    if prompt == Prompt::Allowed && io::stdin().is_terminal() && io::stderr().is_terminal() {
        return Ok(KeyRing::of_one(ask()?.labelled("from the prompt")));
    }
    Err(Failure::no_key())
}

pub(crate) fn from_environment() -> Result<Option<ApiKey>, Failure> {
    let Some(value) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let key = ApiKey::parse(value.as_encoded_bytes())
        .map_err(|error| Failure::usage(format!("{VARIABLE}: {error}"), "set it again"))?;
    Ok(Some(key.labelled(VARIABLE)))
}

/// `$XDG_CONFIG_HOME/ap/keys`, else `~/.config/ap/keys`.
pub(crate) fn file_path() -> Result<PathBuf, Failure> {
    let strategy = etcetera::base_strategy::Xdg::new().map_err(|_| {
        Failure::usage(
            "there is no home directory for the keys file",
            "set HOME or XDG_CONFIG_HOME",
        )
    })?;
    Ok(strategy.config_dir().join("ap").join("keys"))
}

/// The keys in the file, oldest first; nothing, if there is no file.
pub(crate) fn from_file(path: &Path) -> Result<Option<Vec<ApiKey>>, Failure> {
    let Some(text) = read(path)? else {
        return Ok(None);
    };
    let mut keys: Vec<ApiKey> = Vec::new();
    let lines: Vec<&[u8]> = text
        .strip_suffix(b"\n")
        .unwrap_or(&text)
        .split(|&b| b == b'\n')
        .collect();
    for (number, line) in lines.iter().enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let key = ApiKey::parse(line).map_err(|error| {
            refused(
                path,
                &format!("line {}: {error}", number + 1),
                "run `ap auth login`",
            )
        })?;
        let label = if lines.len() == 1 {
            path.display().to_string()
        } else {
            format!("line {} of {}", number + 1, path.display())
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
fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
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
            let fix = format!("run: chmod 600 '{}'", path.display());
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
    Failure::usage(format!("the keys file {}: {why}", path.display()), to_do)
}

/// Puts a key in the file: whole or not at all, and readable for its owner alone from the first byte.
pub(crate) fn store(path: &Path, key: &ApiKey) -> Result<(), Failure> {
    let failed = |error: &io::Error| {
        Failure::new(
            crate::exit::OTHER,
            format!(
                "the keys file {} cannot be written ({})",
                path.display(),
                error.kind()
            ),
            "check the folder's owner and mode; nothing was changed",
        )
    };
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
            crate::exit::OTHER,
            format!(
                "the keys file {} cannot be removed ({})",
                path.display(),
                error.kind()
            ),
            "remove it by hand",
        )),
    }
}

/// A key from a hidden prompt on the terminal, or from standard input when that is a pipe.
pub(crate) fn ask_or_read() -> Result<ApiKey, Failure> {
    if io::stdin().is_terminal() {
        return ask();
    }
    let mut text = Vec::new();
    io::stdin()
        .lock()
        .take(FILE_LIMIT)
        .read_to_end(&mut text)
        .map_err(|error| {
            Failure::usage(
                format!("standard input cannot be read ({})", error.kind()),
                "pipe one key into it",
            )
        })?;
    let line = text.strip_suffix(b"\n").unwrap_or(&text);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    ApiKey::parse(line)
        .map_err(|error| Failure::usage(error.to_string(), "pipe one key, on one line"))
}

fn ask() -> Result<ApiKey, Failure> {
    let echo = interrupt::keep_echo();
    let typed = rpassword::prompt_password("API key (hidden): ");
    drop(echo);
    let typed = typed.map_err(|error| {
        Failure::usage(
            format!("the prompt failed ({})", error.kind()),
            "pipe the key in instead",
        )
    })?;
    ApiKey::parse(typed).map_err(|error| Failure::usage(error.to_string(), "copy the key again"))
}
