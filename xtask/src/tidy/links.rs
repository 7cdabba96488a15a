//! Links between documents lead somewhere.

use std::path::Path;

/// Returns a line for each local link of a document to a file that does not exist.
pub(super) fn problems(root: &Path, file: &Path, text: &str) -> Vec<String> {
    if file.extension().is_none_or(|extension| extension != "md") {
        return Vec::new();
    }
    let folder = root.join(file.parent().unwrap_or_else(|| Path::new("")));
    local_links(text)
        .into_iter()
        .filter(|link| !folder.join(link).exists())
        .map(|link| format!("the link to {link} leads nowhere"))
        .collect()
}

/// Returns the targets of inline links to files, without their anchors. Code is left out.
fn local_links(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        // Between single backticks, every other part is code.
        for prose in line.split('`').step_by(2).filter(|_| !in_code) {
            for after in prose.split("](").skip(1) {
                let target = after.split([')', '#', ' ']).next().unwrap_or_default();
                if !target.is_empty() && !target.contains(':') && !after.starts_with('#') {
                    found.push(target);
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{local_links, problems};

    #[test]
    fn local_links_are_found() {
        let text = "[a](b.md) [c](d/e.md#f), [g](https://h.example/i) [j](#k)\n`[l](m.md)`\n```\n[n](o.md)\n```\n";
        assert_eq!(local_links(text), ["b.md", "d/e.md"]);
        assert_eq!(local_links("[`a`](b.md)"), ["b.md"]);
    }

    #[test]
    fn a_link_to_nowhere_is_found() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let found = problems(root, Path::new("src/x.md"), "[a](main.rs) [b](none.rs)");
        assert_eq!(found, ["the link to none.rs leads nowhere"]);
    }
}
