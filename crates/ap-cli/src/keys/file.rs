//! The keys file: where it is, and what its problems come to.

use std::path::PathBuf;

use ap_core::ApiKey;
use ap_keys::{Locked, Problem, Store};
use etcetera::BaseStrategy as _;

use crate::exit::{Failure, OTHER};
use crate::interrupt;

/// `$XDG_CONFIG_HOME/ap/keys`, else `~/.config/ap/keys`.
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
pub(crate) fn read(store: &Store) -> Result<Option<Vec<ApiKey>>, Failure> {
    store.read().map_err(|problem| Failure::of_source(&problem))
}

/// Changes the file while no other process does, and no interrupt ends this one. What the file holds is
/// handed over, and what comes back is written, if it is anything.
pub(crate) fn change<T>(
    store: &Store,
    change: impl FnOnce(&Locked) -> Result<T, Failure>,
) -> Result<T, Failure> {
    // An interrupt while waiting for the lock finds nothing half-way.
    let locked = store.lock().map_err(|problem| unwritten(&problem))?;
    let _whole = interrupt::hold();
    change(&locked)
}

/// Puts these keys in the file, in the place of all that it holds.
pub(crate) fn write(locked: &Locked, keys: &[ApiKey]) -> Result<(), Failure> {
    locked.write(keys).map_err(|problem| unwritten(&problem))
}

/// Removes the file. Whether there was one.
pub(crate) fn forget(store: &Store) -> Result<bool, Failure> {
    store.remove().map_err(|problem| unwritten(&problem))
}

fn unwritten(problem: &Problem) -> Failure {
    Failure::new(OTHER, problem.happened(), problem.to_do())
}
