//! Every dependency of the workspace has a line in `docs/dependencies.md`, and no line is left over.

use std::collections::BTreeSet;

/// How the manifest and the document differ.
pub(super) fn faults(manifest: &str, document: &str) -> Vec<String> {
    let used = in_manifest(manifest);
    let told = in_document(document);
    let untold = used
        .difference(&told)
        .map(|name| format!("docs/dependencies.md: {name} has no line: say what it is for"));
    let unused = told
        .difference(&used)
        .map(|name| format!("docs/dependencies.md: {name} is no dependency any more"));
    untold.chain(unused).collect()
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
    use super::faults;

    const MANIFEST: &str = "[workspace.dependencies]\nours = { path = \"x\", version = \"1\" }\n\n# http = no\nhttp = \"1.5\"\nmio = { version = \"1\" }\n\n[workspace.lints.rust]\nbad = \"warn\"\n";

    #[test]
    fn both_directions_are_told() {
        assert!(faults(MANIFEST, "| `http` | a |\n| `mio` | b |\n").is_empty());
        let found = faults(MANIFEST, "| `http` | a |\n| `gone` | b |\n");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].contains("mio has no line") && found[1].contains("gone"),
            "{found:?}"
        );
    }
}
