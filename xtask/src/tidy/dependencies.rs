//! Every dependency of the workspace has a line in `docs/dependencies.md`, and no line is left over.

use std::collections::BTreeSet;

use serde_json::Value;

/// How the manifest, the document and what the members really use differ.
pub(super) fn faults(manifest: &str, document: &str, metadata: &Value) -> Vec<String> {
    let used = in_manifest(manifest);
    let taken = by_members(metadata);
    let told = in_document(document);
    let untold = used
        .difference(&told)
        .map(|name| format!("docs/dependencies.md: {name} has no line: say what it is for"));
    let unused = told
        .difference(&used)
        .map(|name| format!("docs/dependencies.md: {name} is no dependency any more"));
    let idle = used
        .difference(&taken)
        .map(|name| format!("Cargo.toml: no member uses {name}: remove it"));
    untold.chain(unused).chain(idle).collect()
}

/// The keys of `[workspace.dependencies]` that are not our own crates.
fn in_manifest(manifest: &str) -> BTreeSet<&str> {
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

/// The dependencies that any member declares.
fn by_members(metadata: &Value) -> BTreeSet<&str> {
    list(&metadata["packages"])
        .filter(|package| list(&metadata["workspace_members"]).any(|id| *id == package["id"]))
        .flat_map(|package| list(&package["dependencies"]))
        .filter_map(|dependency| dependency["name"].as_str())
        .collect()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The names that begin a row of a table, in backticks.
fn in_document(document: &str) -> BTreeSet<&str> {
    document
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    const MANIFEST: &str = "[workspace.dependencies]\nours = { path = \"x\", version = \"1\" }\n\n# http = no\nhttp = \"1.5\"\nmio = { version = \"1\" }\n\n[workspace.lints.rust]\nbad = \"warn\"\n";

    fn faults(document: &str, taken: &[&str]) -> Vec<String> {
        let dependencies: Vec<_> = taken.iter().map(|name| json!({"name": name})).collect();
        let package = json!({"id": "a", "dependencies": dependencies});
        super::faults(
            MANIFEST,
            document,
            &json!({"workspace_members": ["a"], "packages": [package]}),
        )
    }

    #[test]
    fn every_difference_is_told() {
        let both = ["http", "mio"];
        assert!(faults("| `http` | a |\n| `mio` | b |\n", &both).is_empty());
        let found = faults("| `http` | a |\n| `gone` | b |\n", &both);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].contains("mio has no line") && found[1].contains("gone"),
            "{found:?}"
        );
        let found = faults("| `http` | a |\n| `mio` | b |\n", &["http"]);
        assert_eq!(found, ["Cargo.toml: no member uses mio: remove it"]);
    }
}
