//! The catalogue of cases in docs/conformance.md, which is made from the cases themselves.

use std::fmt::Write as _;
use std::path::Path;

use ap_conformance::Suite;

use crate::repo;

/// Everything behind this line is made.
const MARK: &str = "<!-- catalogue: made by `cargo xtask conformance --catalogue` -->\n";

/// Writes the present catalogue into the page.
pub(crate) fn write(docs: &Path) -> Result<(), String> {
    let path = docs.join("conformance.md");
    let text = repo::read(&path)?;
    let (before, _) = text
        .split_once(MARK)
        .ok_or("docs/conformance.md has no mark for the catalogue")?;
    std::fs::write(&path, format!("{before}{MARK}{}", catalogue()))
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// What is wrong with the catalogue in the page.
pub(crate) fn fault(page: &str) -> Option<String> {
    match page.split_once(MARK) {
        None => Some("docs/conformance.md: there is no mark for the catalogue".to_owned()),
        Some((_, after)) if after == catalogue() => None,
        Some(_) => Some(
            "docs/conformance.md: the catalogue is stale: run `cargo xtask conformance --catalogue`"
                .to_owned(),
        ),
    }
}

/// Every built-in case as a table in Markdown, for docs/conformance.md.
fn catalogue() -> String {
    let suite = Suite::builtin();
    let mut text = String::new();
    let mut group = "";
    for case in suite.list() {
        let of = case.id().split('/').next().unwrap_or_default();
        if of != group {
            group = of;
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
    fn a_stale_catalogue_is_seen() {
        assert_eq!(fault(&format!("intro\n{MARK}{}", catalogue())), None);
        assert!(
            fault(&format!("intro\n{MARK}{}x", catalogue()))
                .unwrap()
                .contains("stale")
        );
        assert!(fault("intro").unwrap().contains("no mark"));
    }
}
