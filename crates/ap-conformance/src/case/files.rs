//! The case files of this crate, and those of a folder.

use std::path::Path;
use std::sync::OnceLock;

use crate::case::{self, Case, CaseError};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        pub(crate) const FILES: &[(&str, &str)] =
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

/// The cases of this crate. That they are sound is a test's business.
pub(crate) fn cases() -> Vec<Case> {
    known().to_vec()
}

/// The same, which are read once.
pub(crate) fn known() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| {
        FILES
            .iter()
            .flat_map(|(name, text)| case::read(name, text).unwrap_or_default())
            .collect()
    })
}

pub(crate) fn read_folder(folder: &Path) -> Result<Vec<Case>, CaseError> {
    let unreadable = |error: std::io::Error| {
        CaseError::new(
            &folder.display().to_string(),
            &format!("the folder cannot be read: {error}"),
        )
    };
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
        return Err(CaseError::new(
            &folder.display().to_string(),
            "there is no case file (*.json)",
        ));
    }
    let mut cases: Vec<Case> = Vec::new();
    for path in paths {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(&path)
            .map_err(|error| CaseError::new(&name, &error.to_string()))?;
        for case in case::read(&name, &text)? {
            if cases.iter().any(|other| other.id == case.id) {
                return Err(CaseError::new(
                    &name,
                    &format!("the id {} is there twice", case.id),
                ));
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
    fn every_file_is_sound_and_listed_and_no_id_comes_twice() {
        let mut ids = BTreeSet::new();
        for (name, text) in FILES {
            for case in case::read(name, text).unwrap() {
                assert!(ids.insert(case.id.clone()), "{} is there twice", case.id);
            }
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
        let in_folder = std::fs::read_dir(folder).unwrap().count();
        assert_eq!(
            in_folder,
            FILES.len(),
            "a case file is not listed in files.rs"
        );
    }
}
