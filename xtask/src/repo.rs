//! The workspace on disk: its folder, its files, and cargo in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{CargoOpt, Metadata, MetadataCommand, Package};

/// Folders without files of the project's own.
const SKIPPED: [&str; 2] = ["target", ".git"];

/// Variables of the caller's environment that would change what cargo finds.
const UNSET: [&str; 2] = ["CLIPPY_CONF_DIR", "RUSTFLAGS"];

/// Returns the folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent()
        .map_or_else(|| here.clone(), Path::to_path_buf)
}

/// Returns the cargo that runs this program, to be given arguments.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for name in UNSET {
        command.env_remove(name);
    }
    command
}

/// Runs a command and returns what it printed; the error contains what it printed to standard error.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("cannot start {name}: {error}"))?;
    if output.status.success() {
        String::from_utf8(output.stdout)
            .map_err(|_| format!("{name} printed bytes that are not UTF-8"))
    } else {
        Err(format!(
            "{name} failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        ))
    }
}

/// Returns what cargo knows about the workspace and its dependencies, with every feature on.
pub(crate) fn metadata() -> Result<Metadata, String> {
    let mut command = MetadataCommand::new();
    for name in UNSET {
        command.env_remove(name);
    }
    command
        .current_dir(root())
        .features(CargoOpt::AllFeatures)
        .other_options(["--locked".to_owned()])
        .exec()
        .map_err(|error| format!("cargo metadata failed: {error}"))
}

/// Returns `true` if a package may be published.
pub(crate) fn is_published(package: &Package) -> bool {
    // `publish = false` in a manifest is an empty list here.
    package
        .publish
        .as_ref()
        .is_none_or(|registries| !registries.is_empty())
}

/// Reads a file as text.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// Returns every file below a folder, as sorted paths relative to that folder.
pub(crate) fn files(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let unreadable = |error| format!("cannot read {}: {error}", folder.display());
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

/// Small metadata for tests.
#[cfg(test)]
pub(crate) mod sample {
    use cargo_metadata::Metadata;
    use serde_json::{Value, json};

    /// A package without dependencies; its id is its name.
    pub(crate) fn package(name: &str) -> Value {
        json!({
            "id": name, "name": name, "version": "1.0.0", "dependencies": [],
            "targets": [], "features": {}, "manifest_path": format!("/{name}/Cargo.toml"),
        })
    }

    /// A dependency as a manifest declares it.
    pub(crate) fn dependency(name: &str, requirement: &str, path: Option<&str>) -> Value {
        json!({
            "name": name, "req": requirement, "path": path, "kind": null, "optional": false,
            "uses_default_features": true, "features": [],
        })
    }

    /// A workspace of some of the packages.
    pub(crate) fn metadata(members: &[&str], packages: &[Value], nodes: &Value) -> Metadata {
        let text = json!({
            "version": 1, "workspace_root": "/", "target_directory": "/target",
            "workspace_members": members, "packages": packages,
            "resolve": {"nodes": nodes, "root": null},
        });
        serde_json::from_value(text).unwrap()
    }
}
