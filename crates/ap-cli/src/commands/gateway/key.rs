//! Where the gateway's own key comes from: a variable, or a file that is made at the first start.

use std::path::Path;

use activeprospect::ApiKey;
use activeprospect::KeySource as _;
use activeprospect::keys::{File, Store};
use ap_gateway::LocalKey;

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::keys::account::Account;
use crate::{keys, output};

/// The variable that contains the gateway's own key.
const VARIABLE: &str = "ACTIVEPROSPECT_GATEWAY_KEY";
const FILE_NAME: &str = "gateway-key";

/// The gateway's key, and where a person finds it.
pub(super) struct Found {
    pub(super) key: LocalKey,
    pub(super) place: String,
}

/// Returns the gateway's key. It never comes from an argument, and is never printed.
pub(super) fn find(file: Option<&Path>, account: &Account) -> Result<Found, Failure> {
    let variable = std::env::var_os(VARIABLE).filter(|value| !value.is_empty());
    if let (Some(value), None) = (variable, file) {
        let key = LocalKey::parse(value.as_encoded_bytes())
            .map_err(|error| Failure::usage(format!("{VARIABLE}: {error}"), "set another key"))?;
        let place = VARIABLE.to_owned();
        return Ok(Found { key, place });
    }
    let store = match file {
        Some(file) => Store::new(file),
        None => Store::new(account.store()?.path().with_file_name(FILE_NAME)),
    };
    let place = output::display_path(store.path());
    if let Some(key) = read(&store, &place)? {
        return Ok(Found { key, place });
    }
    keys::file::change(&store, |locked| {
        // Another process may have made it meanwhile.
        if let Some(key) = read(&store, &place)? {
            return Ok(key);
        }
        let key = generate()?;
        let stored = ApiKey::parse(key.expose());
        let stored =
            stored.map_err(|error| Failure::new(ExitCode::Other, error.to_string(), ""))?;
        keys::file::write(locked, &[stored])?;
        output::eprintln(&format!("ap: made the gateway's key in {place}"));
        Ok(key)
    })
    .map(|key| Found { key, place })
}

/// Makes a new key.
pub(crate) fn generate() -> Result<LocalKey, Failure> {
    LocalKey::generate().map_err(|error| {
        let message = format!("no key could be made for the gateway: {error}");
        Failure::new(ExitCode::Other, message, "try again")
    })
}

fn read(store: &Store, place: &str) -> Result<Option<LocalKey>, Failure> {
    let unusable = |why: String| {
        let hint =
            "remove the file, so that a new key is made, or name another one with --key-file";
        Failure::usage(format!("the file {place} cannot be used: {why}"), hint)
    };
    if matches!(store.path().try_exists(), Ok(false)) {
        return Ok(None);
    }
    // A service manager may have put it there.
    let keys = File::credential(store.path()).keys(None);
    let keys = keys.map_err(|error| unusable(error.to_string()))?;
    match keys.as_slice() {
        [key] => LocalKey::parse(key.expose())
            .map(Some)
            .map_err(|error| unusable(error.to_string())),
        _ => Err(unusable("it contains more than one key".to_owned())),
    }
}
