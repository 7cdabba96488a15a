//! Each published crate carries both licences: as copies, since a package holds nothing from outside
//! its folder, and since symbolic links do not survive every checkout.

use std::path::Path;

use serde_json::Value;

const FILES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// Every licence file that a published crate lacks, or that differs from the workspace's.
pub(super) fn faults(root: &Path, metadata: &Value) -> Result<Vec<String>, String> {
    let members = metadata["workspace_members"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let mut faults = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let published = package["publish"]
            .as_array()
            .is_none_or(|places| !places.is_empty());
        if !members.contains(&package["id"]) || !published {
            continue;
        }
        let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        let folder = manifest.parent().unwrap_or(root);
        for file in FILES {
            let original = crate::repo::read(&root.join(file))?;
            let copy = std::fs::read_to_string(folder.join(file)).ok();
            faults.extend(fault(&original, copy.as_deref()).map(|fault| {
                format!(
                    "{}: {fault}: copy it from the workspace's folder",
                    folder.join(file).display()
                )
            }));
        }
        // What a list of files leaves out does not get into the package.
        for line in crate::repo::read(manifest)?.lines() {
            if ["include ", "include=", "exclude ", "exclude="]
                .iter()
                .any(|key| line.starts_with(key))
            {
                faults.push(format!(
                    "{}: lists files, which can lose the licences",
                    manifest.display()
                ));
            }
        }
    }
    Ok(faults)
}

fn fault(original: &str, copy: Option<&str>) -> Option<&'static str> {
    match copy {
        None => Some("is missing"),
        Some(copy) if copy != original => Some("is another text"),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn missing_and_other_texts_are_told() {
        assert_eq!(fault("a", None), Some("is missing"));
        assert_eq!(fault("a", Some("b")), Some("is another text"));
        assert_eq!(fault("a", Some("a")), None);
    }
}
