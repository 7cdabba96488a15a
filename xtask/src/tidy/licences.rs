//! Each published crate contains both licences.
//!
//! They are copies: a package contains nothing from outside of its folder, and symbolic links do not survive every
//! checkout.

use std::path::Path;

use cargo_metadata::Metadata;

use crate::repo;

const FILES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// Returns a line for each licence file that a published crate lacks or that differs from the workspace's.
pub(super) fn problems(root: &Path, metadata: &Metadata) -> Result<Vec<String>, String> {
    let mut problems = Vec::new();
    for package in metadata.workspace_packages() {
        if !repo::is_published(package) {
            continue;
        }
        let manifest = package.manifest_path.as_std_path();
        let folder = manifest.parent().unwrap_or(root);
        for file in FILES {
            let original = repo::read(&root.join(file))?;
            let copy = std::fs::read_to_string(folder.join(file)).ok();
            problems.extend(problem(&original, copy.as_deref()).map(|problem| {
                format!(
                    "{}: {problem}: copy it from the workspace's folder",
                    folder.join(file).display()
                )
            }));
        }
        // A list of files can leave the licences out of the package.
        if repo::read(manifest)?.lines().any(lists_files) {
            problems.push(format!(
                "{}: lists files, which can leave out the licences",
                manifest.display()
            ));
        }
    }
    Ok(problems)
}

fn problem(original: &str, copy: Option<&str>) -> Option<&'static str> {
    match copy {
        None => Some("is missing"),
        Some(copy) if copy != original => Some("is another text"),
        Some(_) => None,
    }
}

fn lists_files(line: &str) -> bool {
    let key = line.split('=').next().unwrap_or_default().trim_end();
    matches!(key, "include" | "exclude")
}

#[cfg(test)]
mod tests {
    use super::{lists_files, problem};

    #[test]
    fn missing_and_other_texts_are_found() {
        assert_eq!(problem("a", None), Some("is missing"));
        assert_eq!(problem("a", Some("b")), Some("is another text"));
        assert_eq!(problem("a", Some("a")), None);
    }

    #[test]
    fn lists_of_files_are_found() {
        assert!(lists_files("include = [\"src\"]") && lists_files("exclude=[]"));
        assert!(!lists_files("included = true") && !lists_files("name = \"include\""));
    }
}
