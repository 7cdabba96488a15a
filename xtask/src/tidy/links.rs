//! Links between documents lead somewhere.

use std::fs::read_to_string;
use std::path::Path;

/// Returns a line for each local link of a document to a file or heading that does not exist.
pub(super) fn problems(root: &Path, file: &Path, text: &str) -> Vec<String> {
    if file.extension().is_none_or(|extension| extension != "md") {
        return Vec::new();
    }
    let folder = root.join(file.parent().unwrap_or_else(|| Path::new("")));
    let leads_nowhere = |link: &&str| {
        let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
        let target = folder.join(target);
        if anchor.is_empty() {
            return !target.exists();
        }
        match link.starts_with('#') {
            true => !has_heading(text, anchor),
            false => !read_to_string(target).is_ok_and(|text| has_heading(&text, anchor)),
        }
    };
    let mut links = local_links(text);
    links.retain(leads_nowhere);
    let problem = |link: &str| format!("the link to {link} leads nowhere");
    links.into_iter().map(problem).collect()
}

/// Returns the targets of inline links to files and headings. Code is left out.
fn local_links(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for line in prose(text) {
        // Between single backticks, every other part is code.
        for prose in line.split('`').step_by(2) {
            for after in prose.split("](").skip(1) {
                let target = after.split([')', ' ']).next().unwrap_or_default();
                if !target.is_empty() && !target.contains(':') {
                    found.push(target);
                }
            }
        }
    }
    found
}

/// Returns `true` if a text has a heading with this anchor, as sites that show Markdown make them: in lower case, hyphens for
/// spaces, without other punctuation.
fn has_heading(text: &str, anchor: &str) -> bool {
    prose(text).any(|line| {
        let is_kept = |character: &char| character.is_alphanumeric() || " -_".contains(*character);
        let heading = line.trim_start_matches('#');
        let heading: String = heading.trim().chars().filter(is_kept).collect();
        line.starts_with('#') && heading.to_lowercase().replace(' ', "-") == anchor
    })
}

/// Returns the lines outside of blocks of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{local_links, problems};

    #[test]
    fn local_links_are_found() {
        let text = "[a](b.md) [c](d/e.md#f), [g](https://h.example/i) [j](#k)\n`[l](m.md)`\n```\n[n](o.md)\n```\n";
        assert_eq!(local_links(text), ["b.md", "d/e.md#f", "#k"]);
        assert_eq!(local_links("[`a`](b.md)"), ["b.md"]);
    }

    #[test]
    fn a_link_to_nowhere_is_found() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = "# The `first` one\n[a](main.rs) [b](none.rs) [c](#the-first-one) [d](#second) [e](main.rs#x)";
        assert_eq!(
            problems(root, Path::new("src/x.md"), text),
            ["none.rs", "#second", "main.rs#x"]
                .map(|link| format!("the link to {link} leads nowhere"))
        );
    }
}
