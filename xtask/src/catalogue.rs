//! The catalogue of cases, docs/conformance/catalogue.md, which is generated from the cases.

use std::fmt::Write as _;
use std::path::Path;

use ap_conformance::{Capability, Level, Profile, Suite};

/// The file of the catalogue.
pub(crate) const FILE: &str = "docs/conformance/catalogue.md";

const HEADING: &str = "# Conformance cases

Every case of the [conformance suite](index.md). `cargo xtask conformance --catalogue` generates
this file.

";

/// Writes the catalogue.
pub(crate) fn write(root: &Path) -> Result<(), String> {
    std::fs::write(root.join(FILE), catalogue()).map_err(|error| format!("{FILE}: {error}"))
}

/// Returns what is wrong with the catalogue, if it differs from the cases.
pub(crate) fn problem(page: &str) -> Option<String> {
    (page != catalogue())
        .then(|| format!("{FILE} is stale; run `cargo xtask conformance --catalogue`"))
}

/// Returns a table in Markdown of every built-in case, by group.
fn catalogue() -> String {
    let suite = Suite::builtin();
    let mut text = HEADING.to_owned() + &counts(&suite);
    let mut group = "";
    for case in suite.list() {
        let group_of_this = case.id().split('/').next().unwrap_or_default();
        if group_of_this != group {
            group = group_of_this;
            let _ = write!(
                text,
                "\n## {group}\n\n| case | level | profile | needs | requirement | source |\n|---|---|---|---|---|---|\n"
            );
        }
        let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} |",
            case.id(),
            case.level(),
            case.profile(),
            names(case.needs()),
            cell(case.requirement()),
            cell(case.source())
        );
    }
    text
}

/// Returns a table of how many cases each profile has, by level.
fn counts(suite: &Suite) -> String {
    let mut text = "| profile | MUST | SHOULD | cases |\n|---|---|---|---|\n".to_owned();
    for profile in Profile::ALL {
        let suite = suite.clone().profile(*profile);
        let count = |level| suite.list().filter(|case| case.level() == level).count();
        let (must, should) = (count(Level::Must), count(Level::Should));
        let all = must + should;
        let _ = writeln!(text, "| `{profile}` | {must} | {should} | {all} |");
    }
    text
}

fn names(needs: &[Capability]) -> String {
    let names: Vec<_> = needs.iter().map(|need| need.name()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_catalogue_is_found() {
        assert_eq!(problem(&catalogue()), None);
        let stale = problem(&format!("{}x", catalogue())).unwrap();
        assert!(stale.contains("stale"));
    }
}
