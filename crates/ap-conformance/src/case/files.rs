//! Where cases come from: the files of this crate, or of a folder.

use std::path::Path;
use std::sync::OnceLock;

use super::{Case, CaseError, reader};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        const FILES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../cases/", $name)))),*];
    };
}

files![
    "authorization.json",
    "body.json",
    "cancel.json",
    "connections.json",
    "diagnostics.json",
    "environment.json",
    "framing.json",
    "headers.json",
    "limits.json",
    "proxy.json",
    "redirect.json",
    "refusal.json",
    "replay.json",
    "rotation.json",
    "throttling.json",
    "time.json",
    "tls.json",
    "uploads.json",
    "url.json",
];

/// Returns the cases of this crate. A test checks that they are valid.
pub(crate) fn builtin() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| {
        FILES
            .iter()
            .flat_map(|(name, text)| reader::read(name, text).unwrap_or_default())
            .collect()
    })
}

/// Reads all case files of a folder, in the order of their names.
pub(crate) fn read_folder(folder: &Path) -> Result<Vec<Case>, CaseError> {
    let folder_error = |message: &str| CaseError::new(&folder.display().to_string(), message);
    let unreadable =
        |error: std::io::Error| folder_error(&format!("the folder cannot be read: {error}"));
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .map_err(unreadable)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    paths.sort();
    if paths.is_empty() {
        return Err(folder_error("there is no case file (*.json)"));
    }
    let mut cases: Vec<Case> = Vec::new();
    for path in paths {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(&path)
            .map_err(|error| CaseError::new(&name, &error.to_string()))?;
        for case in reader::read(&name, &text)? {
            if cases.iter().any(|other| other.id == case.id) {
                let message = format!("the id {} is used twice", case.id);
                return Err(CaseError::new(&name, &message));
            }
            cases.push(case);
        }
    }
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_is_valid_and_listed_and_no_id_is_used_twice() {
        let mut ids = BTreeSet::new();
        for (name, text) in FILES {
            for case in reader::read(name, text).unwrap() {
                assert!(ids.insert(case.id.clone()), "{} is used twice", case.id);
            }
        }
        assert_eq!(ids.len(), 1029);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
        let in_folder = std::fs::read_dir(folder).unwrap().count();
        assert_eq!(
            in_folder,
            FILES.len(),
            "a case file is missing from the list in files.rs"
        );
    }
}
