//! Programs in other languages: the vendor's own Node clients, Python and its packages, and what is said if something is
//! not installed.

use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// If this variable is set, missing Node clients are a failure.
const NEED_NODE: &str = "ACTIVEPROSPECT_TESTS_NEED_NODE";
/// If this variable is set, a missing Python and a missing package of it are failures.
const NEED_PYTHON: &str = "ACTIVEPROSPECT_TESTS_NEED_PYTHON";
/// The clients, and lodash, which the first one uses without a dependency on it.
const PACKAGES: [&str; 3] = [
    "trustedform-api-client@1.0.8",
    "suppressionlist@0.1.2",
    "lodash@4",
];

/// Installs the vendor's own Node clients into a temporary folder, or prints which test is skipped and why.
///
/// # Panics
///
/// If they cannot be installed and `ACTIVEPROSPECT_TESTS_NEED_NODE` is set.
#[must_use]
pub fn node_clients() -> Option<TempDir> {
    available(install(), NEED_NODE)
}

/// Returns the path of Python, or prints which test is skipped.
///
/// # Panics
///
/// If there is none and `ACTIVEPROSPECT_TESTS_NEED_PYTHON` is set.
#[must_use]
pub fn python() -> Option<&'static str> {
    let mut paths = ["/usr/bin/python3", "/usr/local/bin/python3"].into_iter();
    let found = paths.find(|path| Path::new(path).exists());
    available(
        found.ok_or_else(|| "there is no python3".to_owned()),
        NEED_PYTHON,
    )
}

/// Installs a package of Python's into a temporary folder, or prints which test is skipped and why. Python finds the
/// package if it runs in this folder.
///
/// # Panics
///
/// If it cannot be installed and `ACTIVEPROSPECT_TESTS_NEED_PYTHON` is set.
#[must_use]
pub fn python_package(python: &str, package: &str) -> Option<TempDir> {
    let install = || {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut pip = Command::new(python);
        pip.args(["-m", "pip", "install", "--quiet", "--target"])
            .arg(folder.path())
            .arg(package);
        run_program(&mut pip, "pip")?;
        Ok(folder)
    };
    available(install(), NEED_PYTHON)
}

/// Returns what a test needs, or prints which test is skipped and why. Panics if `variable` is set.
fn available<T>(needed: Result<T, String>, variable: &str) -> Option<T> {
    match needed {
        Ok(needed) => Some(needed),
        Err(reason) => {
            assert!(
                std::env::var_os(variable).is_none(),
                "{reason}; {variable} is set"
            );
            skipped(&reason);
            None
        }
    }
}

/// Prints which test is skipped and why.
pub fn skipped(reason: &str) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("a test");
    // Written past the test runner, which hides the output of passing tests.
    let _ = writeln!(std::io::stderr(), "skipped: {name}: {reason}");
}

fn install() -> Result<TempDir, String> {
    run_program(Command::new("node").arg("--version"), "node")?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    std::fs::write(folder.path().join("package.json"), r#"{"private":true}"#)
        .map_err(|error| error.to_string())?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund"])
        // Without a network, its own pauses add up to minutes.
        .args([
            "--fetch-retry-mintimeout=500",
            "--fetch-retry-maxtimeout=5000",
        ])
        .arg("--prefer-offline")
        .args(PACKAGES)
        .current_dir(folder.path());
    run_program(&mut npm, "npm")?;
    Ok(folder)
}

/// Runs a program to its end. `name` is for the error.
///
/// # Errors
///
/// If there is no such program, or if it fails.
pub fn run_program(command: &mut Command, name: &str) -> Result<Output, String> {
    let output = command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!("there is no `{name}` in PATH"),
        _ => format!("`{name}` does not run: {error}"),
    })?;
    match output.status.success() {
        true => Ok(output),
        false => {
            let text = String::from_utf8_lossy(&output.stderr);
            let first = text.lines().find(|line| !line.trim().is_empty());
            Err(format!("`{name}` failed: {}", first.unwrap_or_default()))
        }
    }
}
