//! Every dependency of the workspace is in a table of `docs/dependencies.md` and is used, and no row is left over.

use std::collections::BTreeSet;

use cargo_metadata::Metadata;

/// The document that says what each dependency is for.
pub(super) const DOCUMENT: &str = "docs/dependencies.md";

/// Returns how the workspace's manifest, the document and what the members use differ.
pub(super) fn problems(manifest: &str, document: &str, metadata: &Metadata) -> Vec<String> {
    let declared = declared(manifest);
    let documented = documented(document);
    let used = used(metadata);
    let missing = declared
        .difference(&documented)
        .map(|name| format!("{DOCUMENT}: {name} has no row: say what it is for"));
    let left_over = documented
        .difference(&declared)
        .map(|name| format!("{DOCUMENT}: {name} is not a dependency any more"));
    let unused = declared
        .difference(&used)
        .map(|name| format!("Cargo.toml: no member uses {name}: remove it"));
    missing.chain(left_over).chain(unused).collect()
}

/// Returns the keys of `[workspace.dependencies]` that are not our own crates.
fn declared(manifest: &str) -> BTreeSet<&str> {
    manifest
        .lines()
        .skip_while(|line| line.trim() != "[workspace.dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.contains("path = "))
        .filter_map(|line| Some(line.split_once(" = ")?.0))
        .filter(|name| !name.starts_with('#'))
        .collect()
}

/// Returns the dependencies that any member declares.
fn used(metadata: &Metadata) -> BTreeSet<&str> {
    let packages = metadata.workspace_packages().into_iter();
    packages
        .flat_map(|package| &package.dependencies)
        .map(|dependency| dependency.name.as_str())
        .collect()
}

/// Returns the names in backticks that begin a row of a table.
fn documented(document: &str) -> BTreeSet<&str> {
    document
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::repo::sample;

    const MANIFEST: &str = "[workspace.dependencies]\nours = { path = \"x\", version = \"1\" }\n\n# http = no\nhttp = \"1.5\"\nmio = { version = \"1\" }\n\n[workspace.lints.rust]\nbad = \"warn\"\n";

    fn problems(document: &str, used: &[&str]) -> Vec<String> {
        let mut package = sample::package("a");
        package["dependencies"] = used
            .iter()
            .map(|name| sample::dependency(name, "1", None))
            .collect::<Value>();
        let metadata = sample::metadata(&["a"], &[package], &json!([]));
        super::problems(MANIFEST, document, &metadata)
    }

    #[test]
    fn every_difference_is_found() {
        let both = ["http", "mio"];
        assert!(problems("| `http` | a |\n| `mio` | b |\n", &both).is_empty());
        assert_eq!(
            problems("| `http` | a |\n| `gone` | b |\n", &both),
            [
                "docs/dependencies.md: mio has no row: say what it is for",
                "docs/dependencies.md: gone is not a dependency any more",
            ]
        );
        assert_eq!(
            problems("| `http` | a |\n| `mio` | b |\n", &["http"]),
            ["Cargo.toml: no member uses mio: remove it"]
        );
    }
}
