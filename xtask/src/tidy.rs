//! `cargo xtask tidy`: files, imports, words, manifests, licences and documents are in order. A test runs it too.

mod dependencies;
mod imports;
mod licences;
mod links;
mod manifests;
mod text;
mod words;

use std::path::Path;
use std::process::ExitCode;

use crate::output::verdict;
use crate::{catalogue, repo};

/// Runs the command.
pub(crate) fn run() -> Result<ExitCode, String> {
    Ok(verdict("tidy", &problems(&repo::root())?))
}

fn problems(root: &Path) -> Result<Vec<String>, String> {
    let metadata = repo::metadata()?;
    let mut problems = Vec::new();
    for file in repo::files(root)? {
        if text::is_text(&file) {
            let content = repo::read(&root.join(&file))?;
            let mut found = text::problems(&file, &content);
            found.extend(words::problems(&file, &content));
            found.extend(links::problems(root, &file, &content));
            problems.extend(
                found
                    .into_iter()
                    .map(|problem| format!("{}: {problem}", file.display())),
            );
        }
    }
    for package in metadata.workspace_packages() {
        if let Some(folder) = package.manifest_path.parent() {
            problems.extend(imports::problems(root, folder.as_std_path())?);
        }
    }
    problems.extend(manifests::problems(&metadata));
    problems.extend(licences::problems(root, &metadata)?);
    problems.extend(dependencies::problems(
        &repo::read(&root.join("Cargo.toml"))?,
        &repo::read(&root.join(dependencies::DOCUMENT))?,
        &metadata,
    ));
    problems.extend(catalogue::problem(&repo::read(
        &root.join(catalogue::FILE),
    )?));
    Ok(problems)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_workspace_is_tidy() {
        let problems = super::problems(&crate::repo::root()).unwrap();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }
}
