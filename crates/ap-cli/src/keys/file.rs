//! The keys file: its path, and changes to it that an interrupt does not leave half-done.

use std::path::PathBuf;

use activeprospect::ApiKey;
use activeprospect::keys::{self, LockedStore, Store};
use etcetera::BaseStrategy as _;

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::interrupt;

/// Returns the keys file, `$XDG_CONFIG_HOME/ap/keys` or `~/.config/ap/keys`.
pub(crate) fn store() -> Result<Store, Failure> {
    path().map(Store::new)
}

fn path() -> Result<PathBuf, Failure> {
    let strategy = etcetera::base_strategy::Xdg::new().map_err(|_| {
        Failure::usage(
            "there is no home directory for the keys file",
            "set HOME or XDG_CONFIG_HOME",
        )
    })?;
    let path = strategy.config_dir().join("ap").join("keys");
    // A relative home would be a folder in the working directory, which may belong to anybody.
    if path.is_relative() {
        return Err(Failure::usage(
            "the home directory is not an absolute path",
            "set HOME or XDG_CONFIG_HOME to an absolute path",
        ));
    }
    Ok(path)
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
