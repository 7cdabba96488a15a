//! `cargo xtask sans-io`: the core does no I/O, proved in two ways.
//!
//! Its dependency tree is a checked-in list (a crate that opens sockets would come in by it), and the
//! core itself names nothing of the standard library that touches the world (`crates/ap-core/clippy.toml`).

mod names;
mod self_test;
mod tree;

use std::process::ExitCode;

use crate::{repo, verdict};

/// The core's feature sets, each with a list of its own in `xtask/sans-io/`.
const FEATURES: [&str; 2] = ["default", "tracing"];

/// Runs the command.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => check(false),
        ["--bless"] => check(true),
        ["--self-test"] => self_test::run(),
        _ => Err("sans-io takes --bless, --self-test or nothing".to_owned()),
    }
}

fn check(bless: bool) -> Result<ExitCode, String> {
    let root = repo::root();
    let mut faults = Vec::new();
    for features in FEATURES {
        let list = root.join("xtask/sans-io").join(format!("{features}.txt"));
        let found = tree::names(&root, features)?;
        if bless {
            std::fs::write(&list, format!("{}\n", found.join("\n")))
                .map_err(|error| format!("{} cannot be written: {error}", list.display()))?;
            println!("sans-io: wrote {}", list.display());
            continue;
        }
        let changes = tree::changes(&repo::read(&list)?, &found);
        if !changes.is_empty() {
            faults.push(format!(
                "with {features} features, the core's dependencies are not those of {}:\n{}\n\
                 If each is free of I/O, accept them with `cargo xtask sans-io --bless`, and say why \
                 in docs/dependencies.md.",
                list.display(),
                changes.join("\n"),
            ));
        }
    }
    for features in FEATURES {
        faults.extend(names::faults(repo::cargo(), &root, features)?);
    }
    Ok(verdict("sans-io", &faults))
}
