//! `cargo xtask sans-io`: the core does no I/O, reads no clock and never waits. Three checks:
//!
//! - [`tree`]: the crates that it depends on are those of a list in the tree, and none of them is refused;
//! - [`names`]: it names nothing of the standard library that does I/O, reads a clock or waits
//!   (`crates/ap-core/clippy.toml`);
//! - [`lock`]: one `RwLock` is allowed, in `keyring/mod.rs`.
//!
//! All are made with every feature of the core.

mod lock;
mod names;
mod self_test;
mod tree;

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use crate::output::verdict;
use crate::repo;

/// The crates that the core depends on, one name a line.
const LIST: &str = "xtask/sans-io/dependencies.txt";

/// The core's folder in the workspace.
const CORE: &str = "crates/ap-core";

/// The command's arguments.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Write the list of dependencies again, as they are now
    #[arg(long)]
    bless: bool,

    /// Prove that the check finds what it looks for
    #[arg(long, conflicts_with = "bless")]
    self_test: bool,
}

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    let root = repo::root();
    if options.self_test {
        return self_test::run(&root, CORE);
    }
    let dependencies = tree::dependencies(&root)?;
    if options.bless {
        let path = root.join(LIST);
        std::fs::write(&path, format!("{}\n", dependencies.join("\n")))
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        println!("sans-io: wrote {LIST}");
    }
    let mut problems = tree::refused(&dependencies);
    problems.extend(unlisted(&root, &dependencies)?);
    problems.extend(lock::problems(&root.join(CORE).join("src"))?);
    problems.extend(names::problems(repo::cargo(), &root)?);
    Ok(verdict("sans-io", &problems))
}

/// Returns how the dependencies differ from the list, if they do.
fn unlisted(root: &Path, dependencies: &[String]) -> Result<Option<String>, String> {
    let changes = tree::changes(&repo::read(&root.join(LIST))?, dependencies);
    Ok((!changes.is_empty()).then(|| {
        format!(
            "the core's dependencies differ from {LIST}:\n{}\nIf each new one is free of I/O, accept the list \
             with `cargo xtask sans-io --bless`, and say in docs/dependencies.md what each is for.",
            changes.join("\n")
        )
    }))
}
