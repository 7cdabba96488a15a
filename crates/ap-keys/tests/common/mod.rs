//! What several test programs need.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use ap_client::{KeySource, KeySourceError};
use ap_core::ApiKey;
use tempfile::TempDir;

/// Every key in these tests that must not be shown begins with this.
pub(crate) const PLACEHOLDER: &str = "placeholder-key";

/// Returns a new folder, and the path of a keys file in it that does not exist yet.
#[allow(dead_code, reason = "not used by every test program")]
pub(crate) fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys");
    (folder, path)
}

/// Writes a file in place, as an editor or a shell does.
#[allow(dead_code, reason = "not used by every test program")]
pub(crate) fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[allow(dead_code, reason = "not used by every test program")]
pub(crate) fn key(text: &str) -> ApiKey {
    ApiKey::parse(text).unwrap()
}

/// Returns the texts of the keys, or that of the error, after a check that nothing else shows a key.
pub(crate) fn texts(keys: Result<Vec<ApiKey>, KeySourceError>) -> Result<Vec<String>, String> {
    let debug = format!("{keys:?}");
    assert!(!debug.contains(PLACEHOLDER), "{debug}");
    keys.map(|keys| keys.iter().map(|key| key.expose().to_owned()).collect())
        .map_err(|error| {
            let text = error.to_string();
            assert!(!text.contains(PLACEHOLDER), "{text}");
            text
        })
}

/// Asks a key source without a time limit.
#[allow(dead_code, reason = "not used by every test program")]
pub(crate) fn read(source: &impl KeySource) -> Result<Vec<String>, String> {
    texts(source.keys(None))
}
