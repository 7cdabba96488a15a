//! The workspace on disk: its folder, its files, and cargo in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Folders that hold nothing of the project's own.
const SKIPPED: [&str; 2] = ["target", ".git"];

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent()
        .map_or_else(|| here.clone(), Path::to_path_buf)
}

/// The cargo that runs this program.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // A setting of whoever called must not change what is found.
    command
        .env_remove("CLIPPY_CONF_DIR")
        .env_remove("RUSTFLAGS");
    command
}

/// What a command printed; how it failed, if it did.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let output = command
        .output()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    if output.status.success() {
        String::from_utf8(output.stdout).map_err(|_| "cargo printed no text".to_owned())
    } else {
        Err(format!(
            "cargo failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        ))
    }
}

/// What cargo knows of the workspace and everything it depends on, with every feature on.
pub(crate) fn metadata() -> Result<Value, String> {
    let text = output(
        cargo()
            .args([
                "metadata",
                "--locked",
                "--format-version",
                "1",
                "--all-features",
            ])
            .current_dir(root()),
    )?;
    serde_json::from_str(&text).map_err(|error| format!("cargo metadata is no JSON: {error}"))
}

/// The text of a file.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path)
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

/// Every file below a folder, as paths from that folder, in order.
pub(crate) fn files(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let unreadable = |error| format!("{} cannot be read: {error}", folder.display());
        for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let path = entry.path();
            if entry.file_type().map_err(unreadable)?.is_dir() {
                if !SKIPPED.iter().any(|&skipped| entry.file_name() == skipped) {
                    folders.push(path);
                }
            } else if let Ok(inside) = path.strip_prefix(root) {
                found.push(inside.to_path_buf());
            }
        }
    }
    found.sort();
    Ok(found)
}
