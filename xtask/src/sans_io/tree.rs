//! The crates that the core depends on: names alone, so that a new version changes nothing here.
//!
//! Crates that are linked into the core or run while it is built count (`normal` and `build` edges), on every
//! platform, with macros and what they depend on: a user takes on all of this code. What only our own tests need
//! (`dev` edges) does not count.

use std::collections::BTreeSet;
use std::path::Path;

use crate::repo;

/// Crates that must never be in the list, each with the reason.
const REFUSED: [(&str, &str); 12] = [
    ("async-channel", "it is a channel"),
    ("async-trait", "the core has no async traits"),
    ("crossbeam-channel", "it is a channel"),
    ("crossbeam-utils", "it parks threads"),
    ("event-listener", "it waits"),
    ("flume", "it is a channel"),
    ("futures-channel", "it is a channel"),
    ("mio", "it does I/O"),
    ("parking_lot", "its locks wait"),
    ("reqwest", "it is a client"),
    ("tokio", "it is a runtime"),
    ("ureq", "it is a client"),
];

/// Returns the names of every crate below `ap-core`, with all of its features, sorted.
pub(super) fn dependencies(root: &Path) -> Result<Vec<String>, String> {
    let tree = repo::output(
        repo::cargo()
            .args(["tree", "--package", "ap-core", "--edges", "normal,build"])
            .args(["--target", "all", "--prefix", "none", "--format", "{p}"])
            .arg("--all-features")
            .current_dir(root),
    )?;
    Ok(names(&tree))
}

fn names(tree: &str) -> Vec<String> {
    let names: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| !name.is_empty() && *name != "ap-core")
        .collect();
    names.into_iter().map(str::to_owned).collect()
}

/// Returns a line for each refused crate among the dependencies.
pub(super) fn refused(dependencies: &[String]) -> Vec<String> {
    REFUSED
        .iter()
        .filter(|(name, _)| dependencies.iter().any(|dependency| dependency == name))
        .map(|(name, reason)| format!("the core must not depend on {name}: {reason}"))
        .collect()
}

/// Returns how two lists differ, one line for each name.
pub(super) fn changes(expected: &str, found: &[String]) -> Vec<String> {
    let expected: BTreeSet<&str> = expected.lines().collect();
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    expected
        .symmetric_difference(&found)
        .map(|name| {
            let sign = if found.contains(name) { '+' } else { '-' };
            format!("  {sign} {name}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{REFUSED, changes, names, refused};

    #[test]
    fn names_are_read_without_versions_and_duplicates() {
        let tree = "ap-core v0.1.0 (/x)\nhttp v1.5.0\nitoa v1.0.19\nserde_derive v1.0 (proc-macro)\nhttp v1.5.0 (*)\n";
        assert_eq!(names(tree), ["http", "itoa", "serde_derive"]);
    }

    #[test]
    fn added_and_removed_names_are_shown() {
        let found = ["http".to_owned(), "mio".to_owned()];
        assert_eq!(changes("bytes\nhttp\n", &found), ["  - bytes", "  + mio"]);
        assert!(changes("http\nmio\n", &found).is_empty());
    }

    #[test]
    fn refused_crates_are_named_even_if_they_are_listed() {
        let found = ["async-trait".to_owned(), "http".to_owned()];
        assert_eq!(
            refused(&found),
            ["the core must not depend on async-trait: the core has no async traits"]
        );
        assert_eq!(refused(&REFUSED.map(|(name, _)| name.to_owned())).len(), 12);
    }
}
