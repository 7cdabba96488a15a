//! The manifests for Kubernetes in the documents: every field is one that Kubernetes has, with a value of its type.

#![allow(clippy::unwrap_used)]
#![cfg(unix)]

use std::path::Path;
use std::process::Command;

/// The validator and its schemas, at the version whose output this test reads.
const VALIDATOR: &str = "kubernetes-validate==1.37.0";

/// What comes before a manifest that a document shows from its `spec` on.
const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: shown-in-part}\n";

/// Returns the manifest in a YAML text, if there is one.
fn manifest(yaml: &str) -> Option<String> {
    let starts = |field| yaml.lines().any(|line: &str| line.starts_with(field));
    match (starts("apiVersion:"), starts("spec:")) {
        (true, _) => Some(yaml.to_owned()),
        (false, true) => Some(format!("{POD}{yaml}")),
        (false, false) => None,
    }
}

/// Adds the manifests of a file, or of the files in a folder.
fn add_manifests(path: &Path, found: &mut Vec<String>) {
    if path.is_dir() {
        for entry in path.read_dir().unwrap() {
            add_manifests(&entry.unwrap().path(), found);
        }
        return;
    }
    let text = || std::fs::read_to_string(path).unwrap();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("yaml" | "yml") => found.extend(manifest(&text())),
        Some("md") => found.extend(text().split("```yaml\n").skip(1).filter_map(|block| {
            let (yaml, _) = block.split_once("```").unwrap();
            manifest(yaml)
        })),
        _ => {}
    }
}

/// Validates manifests, and returns what the validator prints about each, in the order of the manifests.
fn verdicts(python: &str, folder: &Path, manifests: &[String]) -> Vec<String> {
    let names = (0..manifests.len()).map(|number| format!("{number}.yaml"));
    let names: Vec<_> = names.collect();
    for (name, manifest) in names.iter().zip(manifests) {
        std::fs::write(folder.join(name), manifest).unwrap();
    }
    let mut command = Command::new(python);
    command
        .args(["-m", "kubernetes_validate", "--strict"])
        .args(&names)
        .current_dir(folder);
    let output = command.output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(printed.lines().count(), names.len(), "{printed}{stderr}");
    printed.lines().map(str::to_owned).collect()
}

#[test]
fn every_manifest_in_the_documents_is_valid_and_a_misspelt_one_is_not() {
    let Some(python) = ap_tests::python() else {
        return;
    };
    let Some(folder) = ap_tests::python_package(python, VALIDATOR) else {
        return;
    };
    let mut manifests = Vec::new();
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");
    add_manifests(Path::new(docs), &mut manifests);
    let verdicts = |manifests: &[String]| verdicts(python, folder.path(), manifests);

    let valid = verdicts(&manifests);
    for resource in [
        "pod/lead-importer",
        "job/check-numbers",
        "pod/shown-in-part",
    ] {
        let passed = format!(" passed for resource {resource} against version 1.37");
        let shows = |verdict: &&String| verdict.ends_with(&passed);
        assert_eq!(valid.iter().filter(shows).count(), 1, "{valid:?}");
    }
    for verdict in &valid {
        assert!(verdict.contains(" passed for resource "), "{verdict}");
    }

    for (right, wrong, expected) in [
        ("image:", "imagee:", "('imagee' was unexpected)"),
        ("restartPolicy: ", "restartPolicy: 1 # ", "is not of type"),
        ("kind: ", "kind: Un", "Couldn't find schema for kind Un"),
    ] {
        let has_field = manifests.iter().filter(|manifest| manifest.contains(right));
        let misspelt = has_field.map(|manifest| manifest.replacen(right, wrong, 1));
        let misspelt: Vec<_> = misspelt.collect();
        assert!(!misspelt.is_empty(), "{right}");
        for verdict in verdicts(&misspelt) {
            assert!(verdict.contains(expected), "{verdict}");
        }
    }
}
