//! What the core names: clippy with the list of `crates/ap-core/clippy.toml`.
//!
//! The lints are forbidden, not denied, so that no `allow` in the core can switch them off. `unsafe`
//! is forbidden too, or foreign functions would be a way round the list.

use std::path::Path;
use std::process::Command;

const LINTS: [&str; 6] = [
    "clippy::disallowed_types",
    "clippy::disallowed_methods",
    "clippy::print_stdout",
    "clippy::print_stderr",
    "clippy::dbg_macro",
    "unsafe_code",
];

/// What clippy finds in the core's library with a feature set: nothing, or its whole report. `cargo`
/// may bring settings of its own.
pub(crate) fn faults(
    mut cargo: Command,
    root: &Path,
    features: &str,
) -> Result<Option<String>, String> {
    cargo
        .args(["clippy", "--quiet", "--package", "ap-core", "--lib"])
        .args(["--features", features, "--"])
        .args(LINTS.iter().flat_map(|lint| ["-F", lint]))
        .current_dir(root);
    let output = cargo
        .output()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    let report = String::from_utf8_lossy(&output.stderr);
    Ok((!output.status.success())
        .then(|| format!("with {features} features, the core names what it must not:\n{report}")))
}
