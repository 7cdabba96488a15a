//! `cargo xtask tidy`: files, manifests, licences and documents agree. A test runs it too, so that
//! `cargo test --workspace` keeps it so.

mod dependencies;
mod licences;
mod links;
mod manifests;
mod text;

use std::process::ExitCode;

use crate::{catalogue, none, repo, verdict};

/// Runs the command.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    none(arguments)?;
    Ok(verdict("tidy", &faults()?))
}

fn faults() -> Result<Vec<String>, String> {
    let root = repo::root();
    let files = repo::files(&root)?;
    let metadata = repo::metadata()?;
    let mut faults = Vec::new();
    for file in files.iter().filter(|file| text::is_ours(file)) {
        let content = repo::read(&root.join(file))?;
        let found = text::faults(file, &content);
        faults.extend(
            found
                .into_iter()
                .map(|fault| format!("{}: {fault}", file.display())),
        );
        if file.extension().is_some_and(|extension| extension == "md") {
            let found = links::faults(&root, file, &content);
            faults.extend(
                found
                    .into_iter()
                    .map(|fault| format!("{}: {fault}", file.display())),
            );
        }
    }
    faults.extend(manifests::faults(&metadata));
    faults.extend(licences::faults(&root, &metadata)?);
    faults.extend(dependencies::faults(
        &repo::read(&root.join("Cargo.toml"))?,
        &repo::read(&root.join("docs/dependencies.md"))?,
        &metadata,
    ));
    faults.extend(catalogue::fault(&repo::read(&root.join(catalogue::FILE))?));
    Ok(faults)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_workspace_is_tidy() {
        let faults = super::faults().unwrap();
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}
