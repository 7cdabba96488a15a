//! The catalogue of the built-in cases in docs/conformance.md, which is generated from the cases.

use std::fmt::Write as _;
use std::path::Path;

use ap_conformance::Suite;

use crate::repo;

/// The document that contains the catalogue.
pub(crate) const DOCUMENT: &str = "docs/conformance.md";

/// Everything behind this line is generated.
const MARK: &str = "<!-- catalogue: made by `cargo xtask conformance --catalogue` -->\n";

/// Writes the catalogue into the document.
pub(crate) fn write(root: &Path) -> Result<(), String> {
    let path = root.join(DOCUMENT);
    let text = repo::read(&path)?;
    let (before, _) = text
        .split_once(MARK)
        .ok_or_else(|| format!("{DOCUMENT} has no mark for the catalogue"))?;
    std::fs::write(&path, format!("{before}{MARK}{}", catalogue()))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Returns what is wrong with the catalogue in the document, if anything is.
pub(crate) fn problem(text: &str) -> Option<String> {
    match text.split_once(MARK) {
        None => Some(format!("{DOCUMENT}: there is no mark for the catalogue")),
        Some((_, after)) if after == catalogue() => None,
        Some(_) => Some(format!(
            "{DOCUMENT}: the catalogue is stale; run `cargo xtask conformance --catalogue`"
        )),
    }
}

/// Lists every built-in case in tables of Markdown, one table for each group.
fn catalogue() -> String {
    let suite = Suite::builtin();
    let mut text = String::new();
    let mut group = "";
    for case in suite.list() {
        let group_of_this = case.id().split('/').next().unwrap_or_default();
        if group_of_this != group {
            group = group_of_this;
            let _ = write!(
                text,
                "\n### {group}\n\n| case | level | a client must … | source |\n|---|---|---|---|\n"
            );
        }
        let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            case.id(),
            case.level(),
            cell(case.requirement()),
            cell(case.source())
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_or_missing_catalogue_is_found() {
        assert_eq!(problem(&format!("intro\n{MARK}{}", catalogue())), None);
        assert!(
            problem(&format!("intro\n{MARK}{}x", catalogue()))
                .unwrap()
                .contains("stale")
        );
        assert!(problem("intro").unwrap().contains("no mark"));
    }
}
