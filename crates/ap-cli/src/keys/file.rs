//! The keys files: their paths, and changes to it that an interrupt does not leave half-done.

use std::ffi::OsString;
use std::path::PathBuf;

use activeprospect::ApiKey;
use activeprospect::keys::{self, LockedStore, Store};

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::interrupt;

use super::profile::ProfileName;

/// The folder of the profiles in this program's folder.
const PROFILES: &str = "profiles";

/// How many profiles are looked for.
const MAX_PROFILES: usize = 1000;

/// Returns a keys file: `keys` in this program's folder, or in the folder of a profile there.
pub(crate) fn store(profile: Option<&ProfileName>) -> Result<Store, Failure> {
    let folder = folder()?;
    let folder = match profile {
        Some(profile) => folder.join(PROFILES).join(profile.as_str()),
        None => folder,
    };
    Ok(Store::new(folder.join("keys")))
}

/// Returns the profiles that have a folder.
pub(crate) fn profiles() -> Vec<ProfileName> {
    let folders = folder()
        .ok()
        .and_then(|folder| folder.join(PROFILES).read_dir().ok());
    let names = folders.into_iter().flatten().take(MAX_PROFILES);
    let names =
        names.filter_map(|entry| ProfileName::parse(entry.ok()?.file_name().to_str()?).ok());
    names.collect()
}

/// Returns this program's folder, `$XDG_CONFIG_HOME/ap` or `~/.config/ap`.
pub(crate) fn folder() -> Result<PathBuf, Failure> {
    folder_in(std::env::var_os("XDG_CONFIG_HOME"), std::env::home_dir)
}

fn folder_in(
    config_home: Option<OsString>,
    home: impl FnOnce() -> Option<PathBuf>,
) -> Result<PathBuf, Failure> {
    // The XDG specification has relative paths ignored. With an absolute one, no home directory is needed.
    let config = config_home.map(PathBuf::from);
    let config = match config.filter(|path| path.is_absolute()) {
        Some(config) => config,
        None => home()
            .ok_or_else(|| {
                Failure::usage(
                    "there is no home directory for the keys file",
                    "set HOME or XDG_CONFIG_HOME",
                )
            })?
            .join(".config"),
    };
    // A relative home would be a folder in the working directory, which may belong to anybody.
    if config.is_relative() {
        return Err(Failure::usage(
            "the home directory is not an absolute path",
            "set HOME or XDG_CONFIG_HOME to an absolute path",
        ));
    }
    Ok(config.join("ap"))
}

/// Locks the file, and calls a function that changes it. No other process changes it meanwhile, and an interrupt
/// waits until the function returns.
pub(crate) fn change<T>(
    store: &Store,
    change: impl FnOnce(&LockedStore) -> Result<T, Failure>,
) -> Result<T, Failure> {
    // An interrupt before the lock finds nothing half-done.
    let locked = store.lock().map_err(not_written)?;
    let _guard = interrupt::defer();
    change(&locked)
}

/// Replaces everything in the file by these keys.
pub(crate) fn write(locked: &LockedStore, keys: &[ApiKey]) -> Result<(), Failure> {
    locked.write(keys).map_err(not_written)
}

/// Removes the file. Returns `true` if there was one.
pub(crate) fn remove(store: &Store) -> Result<bool, Failure> {
    store.remove().map_err(not_written)
}

/// A file that cannot be written is a failure of this machine, not of usage.
fn not_written(error: keys::Error) -> Failure {
    Failure::new(ExitCode::Other, error.message(), error.hint())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn an_absolute_configuration_folder_needs_no_home_directory() {
        let path = |config: Option<&str>, home: Option<&str>| {
            let path = folder_in(config.map(OsString::from), || home.map(PathBuf::from));
            path.map(|path| path.display().to_string())
                .map_err(|failure| failure.message)
        };
        let no_home = || Err("there is no home directory for the keys file".to_owned());
        let relative = || Err("the home directory is not an absolute path".to_owned());
        for (config, home, expected) in [
            (Some("/config"), None, Ok("/config/ap".to_owned())),
            (Some("/config"), Some("."), Ok("/config/ap".to_owned())),
            (Some("config"), Some("/h"), Ok("/h/.config/ap".to_owned())),
            (Some(""), Some("/h"), Ok("/h/.config/ap".to_owned())),
            (None, Some("/h"), Ok("/h/.config/ap".to_owned())),
            (None, Some("."), relative()),
            (Some("config"), None, no_home()),
            (None, None, no_home()),
        ] {
            assert_eq!(path(config, home), expected, "{config:?} {home:?}");
        }
    }
}
