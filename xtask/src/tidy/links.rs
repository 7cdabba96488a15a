//! Links between documents lead somewhere.

use std::path::Path;

/// Every local link of a document that leads nowhere.
pub(super) fn faults(root: &Path, file: &Path, text: &str) -> Vec<String> {
    let folder = root.join(file.parent().unwrap_or_else(|| Path::new("")));
    local(text)
        .into_iter()
        .filter(|link| !folder.join(link).exists())
        .map(|link| format!("the link to {link} leads nowhere"))
        .collect()
}

/// The targets of inline links, without their anchors: those to files, outside code.
fn local(text: &str) -> Vec<&str> {
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

    use super::{faults, local};

    #[test]
    fn local_links_are_found() {
        let text = "[a](b.md) [c](d/e.md#f), [g](https://h.example/i) [j](#k)\n`[l](m.md)`\n```\n[n](o.md)\n```\n";
        assert_eq!(local(text), ["b.md", "d/e.md"]);
        assert_eq!(local("[`a`](b.md)"), ["b.md"]);
    }

    #[test]
    fn a_link_to_nowhere_is_a_fault() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let found = faults(root, Path::new("src/x.md"), "[a](main.rs) [b](none.rs)");
        assert_eq!(found, ["the link to none.rs leads nowhere"]);
    }
}
