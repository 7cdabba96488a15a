//! Clippy with the list of `crates/ap-core/clippy.toml`: what the core must not name.
//!
//! The lints are forbidden, not denied, so that no `allow` in the core can switch them off. `unsafe` is forbidden
//! too, because foreign functions would bypass the list.

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

/// Runs clippy on the core's library and returns its report if it found something. `cargo` may have settings of
/// its own.
pub(super) fn problems(mut cargo: Command, root: &Path) -> Result<Option<String>, String> {
    cargo
        .args(["clippy", "--quiet", "--package", "ap-core", "--lib"])
        .args(["--all-features", "--"])
        .args(LINTS.iter().flat_map(|lint| ["-F", lint]))
        .current_dir(root);
    let output = cargo
        .output()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    let report = String::from_utf8_lossy(&output.stderr);
    Ok((!output.status.success())
        .then(|| format!("the core names something that it must not:\n{report}")))
}
