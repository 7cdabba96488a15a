//! What the core depends on: names alone, so that an update of a version changes nothing here.
//!
//! Counted is what is linked into it or runs while it is built (`normal` and `build` edges), on every
//! platform, macros and their own dependencies included: all of it is code that a user takes on.
//! What only our own tests need (`dev` edges) is not.

use std::collections::BTreeSet;
use std::path::Path;

use crate::repo;

/// The names of every crate below `ap-core` with a feature set, in order.
pub(crate) fn names(root: &Path, features: &str) -> Result<Vec<String>, String> {
    let tree = repo::output(
        repo::cargo()
            .args(["tree", "--package", "ap-core", "--edges", "normal,build"])
            .args(["--target", "all", "--prefix", "none", "--format", "{p}"])
            .args(["--features", features])
            .current_dir(root),
    )?;
    Ok(read(&tree))
}

fn read(tree: &str) -> Vec<String> {
    let names: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|n| !n.is_empty())
        .collect();
    names
        .into_iter()
        .filter(|&name| name != "ap-core")
        .map(str::to_owned)
        .collect()
}

/// How two lists differ, a line a name.
pub(crate) fn changes(expected: &str, found: &[String]) -> Vec<String> {
    let expected: BTreeSet<&str> = expected.lines().collect();
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    expected
        .symmetric_difference(&found)
        .map(|name| {
            if found.contains(name) {
                format!("  + {name}")
            } else {
                format!("  - {name}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{changes, read};

    #[test]
    fn names_alone_are_kept() {
        let tree = "ap-core v0.1.0 (/x)\nhttp v1.5.0\nitoa v1.0.19\nserde_derive v1.0 (proc-macro)\nhttp v1.5.0 (*)\n";
        assert_eq!(read(tree), ["http", "itoa", "serde_derive"]);
    }

    #[test]
    fn both_directions_are_shown() {
        let found = ["http".to_owned(), "mio".to_owned()];
        assert_eq!(changes("bytes\nhttp\n", &found), ["  - bytes", "  + mio"]);
        assert!(changes("http\nmio\n", &found).is_empty());
    }
}
