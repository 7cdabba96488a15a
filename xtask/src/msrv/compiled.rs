//! Compiles the published crates with the Rust version that they state, where rustup has it.

use std::collections::BTreeMap;
use std::process::Command;

use cargo_metadata::Metadata;
use cargo_metadata::semver::Version;

use super::declared::short;
use super::report::Report;
use crate::repo;

/// Variables by which a running cargo or rustup would choose another toolchain or other flags.
const UNSET: [&str; 6] = [
    "CARGO",
    "RUSTC",
    "RUSTDOC",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
    "CARGO_ENCODED_RUSTFLAGS",
];

/// Compiles what can be compiled, and says what was not.
pub(super) fn check(metadata: &Metadata) -> Result<Report, String> {
    let installed = installed();
    let mut report = Report::default();
    for (stated, crates) in published(metadata) {
        let names = crates.join(", ");
        let Some(toolchain) = installed.iter().find(|name| is_toolchain_of(name, &stated)) else {
            report.notes.push(format!(
                "NOT compiled with Rust {0}: {names}; no toolchain of it is installed \
                 (`rustup toolchain install {0} --profile minimal` installs one)",
                short(&stated)
            ));
            continue;
        };
        match compile(metadata, toolchain, &crates)? {
            None => report
                .notes
                .push(format!("compiled with {toolchain}: {names}")),
            Some(errors) => report
                .problems
                .push(format!("does not compile with {toolchain}:\n{errors}")),
        }
    }
    Ok(report)
}

/// Returns the names of the published crates, by the version that they state.
fn published(metadata: &Metadata) -> BTreeMap<Version, Vec<String>> {
    let mut crates = BTreeMap::<Version, Vec<String>>::new();
    for package in metadata.workspace_packages() {
        if let (true, Some(stated)) = (repo::is_published(package), &package.rust_version) {
            let names = crates.entry(stated.clone()).or_default();
            names.push(package.name.to_string());
        }
    }
    crates
}

/// Returns the names of the installed toolchains; none where there is no rustup.
fn installed() -> Vec<String> {
    repo::output(Command::new("rustup").args(["toolchain", "list"]))
        .map(|list| {
            let names = list.lines().filter_map(|line| line.split(' ').next());
            names.map(str::to_owned).collect()
        })
        .unwrap_or_default()
}

/// Returns `true` if a toolchain is the stated version, or a patch of it: `1.88-…` and `1.88.3-…` for 1.88.
fn is_toolchain_of(name: &str, stated: &Version) -> bool {
    let number = name.split('-').next().unwrap_or_default();
    let mut parts = number.split('.').map(str::parse::<u64>);
    let mut part = || parts.next().transpose().ok().flatten();
    part() == Some(stated.major)
        && part() == Some(stated.minor)
        && part().is_none_or(|patch| patch >= stated.patch)
}

/// Compiles crates with all features; returns what the compiler said if it failed.
fn compile(
    metadata: &Metadata,
    toolchain: &str,
    crates: &[String],
) -> Result<Option<String>, String> {
    let mut command = Command::new("rustup");
    command
        .args(["run", toolchain, "cargo", "check", "--locked", "--quiet"])
        .args(["--all-features", "--target-dir"])
        .arg(metadata.target_directory.join("msrv"))
        .args(crates.iter().flat_map(|name| ["--package", name]))
        .current_dir(repo::root());
    for name in UNSET {
        command.env_remove(name);
    }
    let output = command
        .output()
        .map_err(|error| format!("cannot start rustup: {error}"))?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok((!output.status.success()).then_some(errors))
}

#[cfg(test)]
mod tests {
    use cargo_metadata::semver::Version;
    use serde_json::json;

    use super::{is_toolchain_of, published};
    use crate::repo::sample;

    #[test]
    fn a_toolchain_is_known_by_its_version() {
        let stated = Version::new(1, 88, 0);
        for name in ["1.88-x86_64-unknown-linux-gnu", "1.88.0-x86_64", "1.88.3"] {
            assert!(is_toolchain_of(name, &stated), "{name}");
        }
        for name in ["1.8.8-x86_64", "1.89.0-x86_64", "stable-x86_64", "1", ""] {
            assert!(!is_toolchain_of(name, &stated), "{name}");
        }
        assert!(!is_toolchain_of("1.88.0", &Version::new(1, 88, 1)));
    }

    #[test]
    fn only_published_crates_are_compiled() {
        let [mut ours, mut tool] = ["ours", "tool"].map(sample::package);
        ours["rust_version"] = "1.88".into();
        tool["rust_version"] = "1.88".into();
        tool["publish"] = json!([]);
        let metadata = sample::metadata(&["ours", "tool"], &[ours, tool], &json!([]));
        let expected = [(Version::new(1, 88, 0), vec!["ours".to_owned()])];
        assert_eq!(published(&metadata), expected.into());
    }
}
